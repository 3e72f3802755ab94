"""Do the synthetic records serve every subgroup as well as real ones would?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Sample, Subject, register
from audit.fairness.subgroups import FEWEST, Group, Share, Subgrouped, subgroups
from audit.statistics import Floats, Interval, mean_interval
from audit.utility.importance import errors
from audit.utility.learning import Learner, tested_rows, unfit_for_learning
from audit.utility.train_synthetic_test_real import train_sample


@register
class SubgroupUsefulness(Subgrouped):
    """Do models trained on the synthetic records serve every subgroup as well as those trained on real ones?

    Gradient-boosted trees predict the target column, trained once on synthetic and once on real training records. For
    each holdout record the error of the first less that of the second (Brier score of classes; squared error of
    numbers over their variance) is what the synthetic records cost that person; its mean is taken by subgroup.

    Source: disparate impact of private learning as in Bagdasaryan, Poursaeed and Shmatikov (NeurIPS 2019); Ganev,
    Oprisanu and De Cristofaro, "Robin Hood and Matthew effects" (ICML 2022).
    """

    id = "fairness.usefulness"
    title = "Usefulness for subgroups"
    question = "Do models trained on the synthetic records serve every subgroup as well as those trained on real ones?"
    measures = ("worst_excess_error", "excess_error")
    source = "Ganev, Oprisanu and De Cristofaro (ICML 2022); Holm (1979)"
    modalities = ("tabular",)
    remedy = "Sample the subgroup with conditions, or give it a model of its own; a larger budget helps small groups."
    damage_done = "with the target column shuffled within one subgroup"
    quantity = "excess error"
    bounds = (-1.0, 1.0)

    def unfit(self, subject: Subject) -> str | None:
        """There must be a task, and subgroups."""
        return unfit_for_learning(subject) or super().unfit(subject)

    def by_group(
        self,
        sample: Sample,
        subject: Subject,
        groups: Sequence[Group],
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[list[Share], Share]:
        """The mean excess error of each subgroup."""
        learner, known = subject.shared(Learner), tested_rows(subject)
        test, units = subject.dataset.holdout[known], subject.dataset.units("holdout")[known]
        ours, real = (
            errors(learner.predictions(one), test[learner.task.column], learner)
            for one in (sample, train_sample(subject))
        )
        bounds = (-1.0, 1.0) if learner.task.classes else None
        shares = [
            _share(group.label, (ours - real)[inside], units[inside], bounds)
            for group in groups
            if group.column != learner.task.column and len(np.unique(units[inside := group.of(test)])) >= FEWEST
        ]
        return shares, _share("everybody", ours - real, units, bounds)

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut the target loose within one subgroup that is no majority."""
        target = subject.shared(Learner).task.column
        groups = [group for group in subject.shared(subgroups)[0] if group.column != target]
        inside = np.flatnonzero(
            next((one for group in groups if (one := group.of(records)).mean() <= 0.5), groups[0].of(records))
        )
        cells = records[target].to_numpy().copy()
        cells[inside] = cells[rng.permutation(inside)]
        return records.assign(**{target: cells})


def _share(label: str, excess: Floats, units: NDArray[np.int64], bounds: tuple[float, float] | None) -> Share:
    # Errors that are all but equal hide what was not sampled: with bounds their mean keeps an honest width.
    ends = mean_interval(excess, 0.68269, units, bounds)
    return Share(
        label=label,
        people=len(np.unique(units)),
        value=float(excess.mean()),
        error=max((ends.high - ends.low) / 2, 1e-12),
        interval=partial(_interval, excess, units, bounds),
    )


def _interval(
    excess: Floats, units: NDArray[np.int64], bounds: tuple[float, float] | None, confidence: float
) -> Interval:
    return mean_interval(excess, confidence, units, bounds)
