"""Can a model trained on the synthetic records do the work of one trained on real ones?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from audit.checks import Evaluation, Measured, NotApplicableError, Sample, Subject, register
from audit.statistics import Floats, Interval, auc, auc_draws, bootstrap_interval, unit_weights
from audit.utility.learning import Family, Learner, Task, chosen_task, tested_rows, unfit_for_learning

SMALLEST_CLASS = 20  # test records; a smaller class would be missing from some resamples, and its AUC says little
DRAWS = 1000


@register
class TrainSyntheticTestReal(Evaluation):
    """How good is a model that was trained on synthetic records and is tested on real ones?

    Models of two families, gradient-boosted trees and linear ones, predict the target column from all others, trained
    once on synthetic and once on the real training records, and are tested on the holdout. Classes: area under the ROC
    curve, one class against the rest, weighted by class share; .5 is chance, which is what the majority class alone
    gives. Numbers: R squared, 0 is the mean. `loss` is what the synthetic records cost the trees against the real ones,
    `linear_loss` what they cost the linear models; each resamples the same test records for both.

    Source: Esteban, Hyland and Raetsch, "Real-valued (medical) time series generation with recurrent conditional GANs"
    (2017), TSTR.
    """

    id = "utility.train-synthetic-test-real"
    title = "Train on synthetic, test on real"
    question = "Can a model trained on the synthetic records do the work of one trained on the real ones?"
    measures = ("auc_synthetic", "auc_real", "r2_synthetic", "r2_real", "loss", "linear_loss")
    source = "Esteban et al. (2017), TSTR, with gradient-boosted trees and linear models"
    remedy = "Train longer, give the generator more capacity or records, or a larger privacy budget."
    damage_done = "with the target column shuffled"

    def unfit(self, subject: Subject) -> str | None:
        """There must be something to predict and something to predict it from."""
        return unfit_for_learning(subject)

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:  # noqa: ARG002
        """The scores of models trained on the sample, of those trained on train, and what lies between."""
        task, train = chosen_task(subject), train_sample(subject)
        name, chance = ("auc", 0.5) if task.classes else ("r2", 0.0)
        size = len(np.unique(subject.dataset.units("holdout")))
        unit = f"{'area under the ROC curve' if task.classes else 'R squared'} for {task.column!r}"
        scored: dict[Family, list[tuple[float, Floats]]] = {
            family: [self._tested(one, subject, family) for one in (sample, train)] for family in ("trees", "linear")
        }
        (value, draws), (ceiling, ceiling_draws) = scored["trees"]
        (linear, linear_draws), (linear_ceiling, linear_ceiling_draws) = scored["linear"]
        linear_gap = linear_ceiling_draws - linear_draws
        return [
            _measured(f"{name}_synthetic", value, draws, size, unit, chance, "higher", task),
            _measured(f"{name}_real", ceiling, ceiling_draws, size, unit, chance, "higher", task),
            _measured("loss", ceiling - value, ceiling_draws - draws, size, unit, None, "lower", task),
            _measured("linear_loss", linear_ceiling - linear, linear_gap, size, unit, None, "lower", task),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut the target loose from everything else."""
        column = chosen_task(subject).column
        return records.assign(**{column: records[column].to_numpy()[rng.permutation(len(records))]})

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """Score, ceiling and floor, in words."""
        task = chosen_task(subject)
        metric = "AUC" if task.classes else "R squared"
        return (
            f"Predicting {task.column!r} ({task.chosen}) on real holdout records, a model trained on the synthetic "
            f"records reaches {metric} {measured[0].value:.3f}, one trained on the real training records "
            f"{measured[1].value:.3f}, one trained on the smaller reference {floor[0].value:.3f}; chance is "
            f"{measured[0].chance:g}."
        )

    def _tested(self, sample: Sample, subject: Subject, family: Family) -> tuple[float, Floats]:
        """Score on the holdout of a model trained on the sample, and its bootstrap draws over the holdout's persons."""
        learner, known = subject.shared(Learner), tested_rows(subject)
        truth = subject.dataset.holdout[learner.task.column][known]
        weights = unit_weights(subject.dataset.units("holdout")[known], DRAWS, self.rng(subject, "test"))
        said = learner.predictions(sample, family)
        return (
            _classified(said, truth, learner.task, weights) if learner.task.classes else _fitted(said, truth, weights)
        )


def train_sample(subject: Subject) -> Sample:
    """The real training records."""
    return Sample("train", subject.dataset.train, subject.dataset.units("train"))


def _classified(scores: Floats, truth: pd.Series, task: Task, weights: NDArray[np.float32]) -> tuple[float, Floats]:
    correct = pd.Index(task.classes).get_indexer(pd.Index(truth))
    values, draws, shares = [], [], []
    # With two classes, one against the rest is the same question twice.
    for code in range(1 if len(task.classes) == 2 else 0, len(task.classes)):
        one, rest = correct == code, correct != code
        if min(one.sum(), rest.sum()) < SMALLEST_CLASS:
            continue
        values.append(auc(scores[one, code], scores[rest, code]))
        draws.append(auc_draws(scores[one, code], scores[rest, code], weights[:, one], weights[:, rest]))
        shares.append(one.mean())
    if not values:
        raise NotApplicableError(
            f"fewer than {SMALLEST_CLASS} holdout records in every class of {task.column!r} but one"
        )
    share = np.array(shares) / np.sum(shares)
    return float(share @ np.array(values)), np.asarray(share @ np.array(draws))


def _fitted(said: Floats, truth: pd.Series, weights: NDArray[np.float32]) -> tuple[float, Floats]:
    true = truth.to_numpy(dtype=np.float64)
    squared = (true - said) ** 2
    value = 1 - squared.mean() / true.var()
    total = weights.sum(axis=1)
    mean = weights @ true / total
    variance = weights @ true**2 / total - mean**2
    return float(value), np.asarray(1 - (weights @ squared / total) / variance, dtype=np.float64)


def _measured(
    name: str,
    value: float,
    draws: Floats,
    size: int,
    unit: str,
    chance: float | None,
    better: str,
    task: Task,
) -> Measured:
    bounds = (-1.0 if name.endswith("loss") else 0.0, 1.0) if task.classes else None
    return Measured(
        name=name,
        value=value,
        n=size,
        unit=unit,
        interval=partial(_interval, value, draws, size, bounds),
        chance=chance,
        better=better,
    )


def _interval(
    value: float, draws: Floats, size: int, bounds: tuple[float, float] | None, confidence: float
) -> Interval:
    if bounds is not None:
        return bootstrap_interval(value, draws, size, confidence, bounds)
    # R squared has no lower bound, and so no scale on which its error would be even.
    reach = float(t.ppf((1 + confidence) / 2, size - 1) * draws.std(ddof=1))
    return Interval(value - reach, value + reach)
