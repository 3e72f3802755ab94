"""Are subgroups as frequent among the synthetic records as among real ones?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Sample, Subject, register
from audit.fairness.subgroups import Group, Share, Subgrouped, subgroups
from audit.statistics import Interval, mean_interval, wilson


@register
class Representation(Subgrouped):
    """Are subgroups as frequent among the synthetic records as among real ones?

    The share of each subgroup among the synthetic records over its share among the holdout: 1 where it is represented
    as it should be, 0 where it is gone. The interval's ends divide those of both shares.

    Source: representation rates as in Celis, Keswani and Vishnoi, "Data preprocessing to mitigate bias" (ICML 2020).
    """

    id = "fairness.representation"
    title = "Representation of subgroups"
    question = "Are subgroups as frequent among the synthetic records as among real ones?"
    measures = ("worst_representation", "representation")
    source = "representation rates: Celis, Keswani and Vishnoi (ICML 2020); Holm (1979)"
    remedy = "Sample with conditions, so that every subgroup gets its share; or train with a larger privacy budget."
    damage_done = "with most of one subgroup left out"
    quantity = "synthetic share over real share"
    better = "higher"
    bounds = (0.0, float("inf"))
    expected: ClassVar[float | None] = 1.0

    def by_group(
        self,
        sample: Sample,
        subject: Subject,
        groups: Sequence[Group],
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[list[Share], Share]:
        """The ratio of shares for each subgroup."""
        holdout, units = subject.dataset.holdout, subject.dataset.units("holdout")
        shares = [
            _ratio(group.label, (group.of(sample.frame), sample.units), (group.of(holdout), units)) for group in groups
        ]
        return shares, Share("everybody", len(np.unique(units)), 1.0, 1.0, lambda _: Interval(1.0, 1.0))

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Leave out nine in ten of the largest subgroup that is no majority."""
        groups = subject.shared(subgroups)[0]
        inside = next((one for group in groups if (one := group.of(records)).mean() <= 0.5), groups[-1].of(records))
        kept = np.flatnonzero(~inside | (rng.random(len(records)) < 0.1))
        # The persons of the records that are left stay with them: as many rows as before, each from those kept.
        return records.iloc[kept[rng.integers(len(kept), size=len(records))]].reset_index(drop=True)


def _ratio(
    label: str, sample: tuple[NDArray[np.bool_], NDArray[np.int64]], real: tuple[NDArray[np.bool_], NDArray[np.int64]]
) -> Share:
    """The ratio of shares, given who belongs to the subgroup and the person of each record, in both samples."""
    (ours, our_units), (theirs, their_units) = sample, real
    mine, expected = float(ours.mean()), float(theirs.mean())
    one_each = len(np.unique(our_units)) == len(ours)

    def ends(confidence: float) -> tuple[Interval, Interval]:
        counted = wilson(int(ours.sum()), len(ours), confidence)
        return (
            counted if one_each else _of_people(ours, our_units, confidence),
            _of_people(theirs, their_units, confidence),
        )

    return Share(
        label=label,
        people=len(np.unique(their_units[theirs])),
        value=mine / expected,
        error=_error(ends(0.68269), expected),
        interval=partial(_divided, ends),
    )


def _of_people(inside: NDArray[np.bool_], units: NDArray[np.int64], confidence: float) -> Interval:
    return mean_interval(inside.astype(np.float64), confidence, units, bounds=(0.0, 1.0))


def _error(ends: tuple[Interval, Interval], real: float) -> float:
    """The standard error of the ratio where the truth is 1: both shares' errors, in units of the real share."""
    ours, theirs = ((end.high - end.low) / 2 for end in ends)
    return max(float(np.hypot(ours, theirs)) / real, 1e-12)


def _divided(ends: Callable[[float], tuple[Interval, Interval]], confidence: float) -> Interval:
    ours, theirs = ends(confidence)
    return Interval(ours.low / theirs.high if theirs.high else 0.0, ours.high / max(theirs.low, 1e-9))
