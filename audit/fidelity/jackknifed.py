"""The base of statistics of two samples that are too slow to resample often: groups of people are left out in turn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from audit.checks import Evaluation, Measured, Sample, Subject
from audit.fidelity.distance import compared_size
from audit.fidelity.placing import Rows, holdout_sample, placed_by_train
from audit.statistics import Interval

GROUPS = 10
FEWEST = 50
Kept = NDArray[np.bool_]
Statistic = Callable[[Kept, Kept], Mapping[str, float]]
"""From which records of both samples are kept, to numbers by name."""


@dataclass(frozen=True)
class Quantity:
    """What one number of a statistic counts.

    Attributes:
        unit: in words, with its range.
        better: `lower` or `higher`.
        bounds: the least and the largest value possible.
    """

    unit: str
    better: str = "lower"
    bounds: tuple[float, float] = (0.0, float("inf"))


class Jackknifed(Evaluation):
    """Numbers that compare the features of two samples of one size, each with a jackknife interval.

    Ten groups of people are left out in turn, from both samples at once. The spread of what results is the standard
    error: sqrt(9/10 sum (value - mean)^2), with Student's quantile of 9 degrees of freedom.

    Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993), section 11.5, for leaving out groups.
    """

    quantities: ClassVar[dict[str, Quantity]]
    most: ClassVar[int] = 2000

    @abstractmethod
    def prepare(self, ours: Rows, theirs: Rows, subject: Subject) -> Statistic:
        """What gives the numbers of any part of both samples, given the rows of both."""

    def unfit(self, subject: Subject) -> str | None:
        """Too few records leave nothing to leave out."""
        size = compared_size(subject, self.most)
        return None if size >= FEWEST else f"only {size} records a side; {FEWEST} are needed"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The numbers of all records, and their spread when groups are left out."""
        size = compared_size(subject, self.most)
        placed = subject.shared(placed_by_train)
        (ours, our_units), (theirs, their_units) = (placed.rows(one, size) for one in (sample, holdout_sample(subject)))
        statistic = self.prepare(ours, theirs, subject)
        ours_in, theirs_in = (_groups(units, rng) for units in (our_units, their_units))
        whole = statistic(np.ones(size, dtype=bool), np.ones(size, dtype=bool))
        parts = [statistic(ours_in != group, theirs_in != group) for group in range(GROUPS)]
        people = min(len(np.unique(our_units)), len(np.unique(their_units)))
        return [
            self._measured(name, value, np.array([part[name] for part in parts]), people)
            for name, value in whole.items()
        ]

    def _measured(self, name: str, value: float, parts: NDArray[np.float64], people: int) -> Measured:
        quantity = self.quantities[name]
        return Measured(
            name=name,
            value=value,
            n=people,
            unit=quantity.unit,
            interval=partial(_interval, value, parts, quantity.bounds),
            better=quantity.better,
            bounds=quantity.bounds,
        )


def _groups(units: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The group of each record: people are dealt into ten of equal size."""
    people = int(units.max()) + 1
    return (rng.permutation(people) % GROUPS)[units]


def _interval(value: float, parts: NDArray[np.float64], bounds: tuple[float, float], confidence: float) -> Interval:
    error = np.sqrt((GROUPS - 1) / GROUPS * ((parts - parts.mean()) ** 2).sum())
    reach = float(t.ppf((1 + confidence) / 2, GROUPS - 1) * error)
    return Interval(max(bounds[0], value - reach), min(bounds[1], value + reach))
