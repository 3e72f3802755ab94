"""How sure a number is: closed-form intervals, ROC curves, a bootstrap by privacy unit, strata and power."""

from audit.statistics.epsilon import (
    gaussian_bound,
    gaussian_epsilon,
    gaussian_one_run_bound,
    many_runs_bound,
    one_run_bound,
    one_run_ceiling,
)
from audit.statistics.intervals import (
    Interval,
    clopper_pearson,
    mean_interval,
    newcombe,
    normal_quantile,
    unanimity_interval,
    wilson,
)
from audit.statistics.power import Metric, smallest_detectable_excess, smallest_detectable_share
from audit.statistics.resampling import DRAWS, Weights, auc_draws, bootstrap_interval, tpr_draws, unit_weights
from audit.statistics.roc import Floats, TprAtFpr, auc, roc_curve, smallest_fpr, tpr_at_fpr
from audit.statistics.stratified import Strata, efficient_score

__all__ = [
    "DRAWS",
    "Floats",
    "Interval",
    "Metric",
    "Strata",
    "TprAtFpr",
    "Weights",
    "auc",
    "auc_draws",
    "bootstrap_interval",
    "clopper_pearson",
    "efficient_score",
    "gaussian_bound",
    "gaussian_epsilon",
    "gaussian_one_run_bound",
    "many_runs_bound",
    "mean_interval",
    "newcombe",
    "normal_quantile",
    "one_run_bound",
    "one_run_ceiling",
    "roc_curve",
    "smallest_detectable_excess",
    "smallest_detectable_share",
    "smallest_fpr",
    "tpr_at_fpr",
    "tpr_draws",
    "unanimity_interval",
    "unit_weights",
    "wilson",
]
