"""How near would the synthetic records lie to training records that are nobody's in particular?

Synthetic records may lie close to train because they were copied from it, or because they crowd where all real records
do. The two are told apart by relabelling: the training records and others of the same population are pooled, and as
many as there are training records are drawn from the pool, whole persons at a time, again and again. If nothing was
copied, the real train part is one such draw among others, whatever the synthetic records look like.

With V(q) what is measured of synthetic record q against train and V*(q) the same against a draw, the excess of q is
(V(q) - mean V*(q)) / (1 - s), where s is the share of train in the pool: a draw holds that share of train again, and
with it that share of the leak.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.checks import Case, Measured
from audit.checks.small_cells import coarse
from audit.memorization.counted import told_apart
from audit.neighbours import Points, join
from audit.statistics import Floats, Interval, unanimity_interval

RELABELLINGS = 200
MISSED = 1 / 4000
"""How often none of a record's neighbours that are kept may be labelled train."""

MOST_OTHERS = 4
"""Others in the pool at most, per training record: the fewer of the pool are train, the more neighbours are needed."""

MOST_COPIED = 0.9

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Part = tuple[Points, Rows]
"""Records as points, and the person behind each."""


@dataclass(frozen=True)
class Pool:
    """Training records first, then others of the same population, with the person behind each.

    Attributes:
        points: all of them.
        units: the person of each; people of the two groups are different ones.
        train: how many of the first are training records.
    """

    points: Points
    units: Rows
    train: int

    @classmethod
    def of(cls, rng: np.random.Generator, train: Part, *others: Part) -> Pool:
        """Pool records given as points and persons; of the others a random part, if they are many times as many."""
        most = MOST_OTHERS * len(train[0])
        total = sum(len(units) for _, units in others)
        kept = [
            (points, units)
            if total <= most
            else _taken(points, units, people_up_to(units, most * len(units) // total, rng))
            for points, units in others
        ]
        parts = (train, *kept)
        return cls(join(*(points for points, _ in parts)), told_apart(*(units for _, units in parts)), len(train[0]))

    @property
    def share(self) -> float:
        """The share of training records in the pool."""
        return self.train / len(self.units)

    @property
    def labels(self) -> Mask:
        """The true labels."""
        return np.arange(len(self.units)) < self.train

    @property
    def neighbours(self) -> int:
        """How many neighbours of a record to keep, so that a draw labels one of them train, but for once in 4,000."""
        needed = math.ceil(math.log(MISSED) / math.log1p(-self.share)) if self.share < 1 else 1
        return min(needed, len(self.units) - 1)

    def relabelled(self, rng: np.random.Generator) -> Mask:
        """Labels of a draw: whole persons, together as close to the number of training records as they come."""
        return people_up_to(self.units, self.train, rng)


def people_up_to(units: Rows, most: int, rng: np.random.Generator) -> Mask:
    """A random choice of whole people with at most so many records together, shape (records,)."""
    _, of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[: int(np.searchsorted(np.cumsum(sizes[order]), most, side="right"))]] = True
    return np.asarray(chosen[of_row.reshape(-1)])


def _taken(points: Points, units: Rows, chosen: Mask) -> Part:
    if not chosen.any():  # somebody has so many records that not even one person fits: then all stay
        return points, units
    rows = np.flatnonzero(chosen)
    return points.take(rows), units[rows]


def first_labelled(labels: Mask, rows: Rows, distances: Floats) -> tuple[Floats, Rows]:
    """The nearest neighbour that a labelling counts as training record.

    Args:
        labels: which of the pool count as training records, shape (pool,).
        rows: the pool's rows nearest to each record, ascending by distance, shape (n, k).
        distances: their distances.

    Returns:
        Distance and row of each record's nearest, shape (n,); infinite and -1 where none of the k counts.

    Example:
        >>> near = first_labelled(np.array([False, True]), np.array([[0, 1]]), np.array([[0.5, 2.0]]))
        >>> float(near[0][0]), int(near[1][0])
        (2.0, 1)
    """
    counts = labels[rows]
    place = counts.argmax(axis=1)
    each = np.arange(len(rows))
    found = counts[each, place]
    return np.where(found, distances[each, place], np.inf), np.where(found, rows[each, place], -1)


def share_to_plant(copied: float, target: Case) -> float:
    """Which share of the members must be planted into half of the reference, so that this share of the sum are copies?

    Zero, which plants nothing, where hardly anything but copies would do.
    """
    if not 0 < copied < MOST_COPIED:
        return 0.0
    return copied / (1 - copied) * (len(target.reference) // 2) / len(target.members)


@dataclass(frozen=True)
class Excess:
    """What was measured in excess of what a relabelled pool shows, and how uncertain each part of it is.

    Attributes:
        value: the excess in the mean over the synthetic records.
        variance: its variance: from which records happened to be train, and from which synthetic (and test) records
            happened to be looked at.
        n: synthetic records looked at.
    """

    value: float
    variance: float
    n: int

    def interval(self, confidence: float) -> Interval:
        """Student's interval; the degrees of freedom are those of the smaller of the two samples behind it."""
        freedom = min(self.n, RELABELLINGS) - 1
        reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * self.variance**0.5
        least = unanimity_interval(min(max(self.value, -1.0), 1.0), self.n, confidence, (-1.0, 1.0))
        return Interval(max(-1.0, min(self.value - reach, least.low)), min(1.0, max(self.value + reach, least.high)))


def smallest_noticed(found: Excess, confidence: float, probability: float = 0.8) -> float:
    """Which excess would an audit of this size have told from none with this probability, by normal theory?

    Example:
        >>> round(smallest_noticed(Excess(0.0, 0.01**2, 1500), 0.999), 3)
        0.042
    """
    beyond = float(found.interval(confidence).high) - found.value
    return beyond + float(stats.norm.ppf(probability)) * math.sqrt(found.variance)


def power(found: Excess, confidence: float, meaning: str) -> dict[str, Any]:
    """What the negative control says of the smallest leak that would have been noticed, for the finding."""
    return {
        "probability": 0.8,
        "smallest_detectable_excess": round(smallest_noticed(found, confidence), 4),
        "meaning": f"{meaning} that would have raised a warning with probability .8",
    }


def excess(pool: Pool, measure: Callable[[Mask], tuple[Floats, ...]], rng: np.random.Generator) -> Excess:
    """How much more does the train part show than draws from the pool?

    Args:
        pool: training and other records.
        measure: for one labelling, one or several groups of values, each of shape (records of the group,). The mean of
            the first group is what is measured; the others (as of test records) are the same quantity seen from the
            other side, and add the spread of their sample.
        rng: decides the draws.
    """
    observed = measure(pool.labels)
    total = [np.zeros(len(values)) for values in observed]
    squares = [np.zeros(len(values)) for values in observed]
    means = np.empty(RELABELLINGS)
    for draw in range(RELABELLINGS):
        drawn = measure(pool.relabelled(rng))
        means[draw] = drawn[0].mean()
        for place, values in enumerate(drawn):
            total[place] += values
            squares[place] += values**2
    scale = 1 - pool.share
    value, variance = 0.0, float(means.var(ddof=1)) * (1 + 1 / RELABELLINGS)
    for place, values in enumerate(observed):
        usual = total[place] / RELABELLINGS
        above = values - usual
        # How labels scatter a single record's value is part of the draws' variance already; what is left is how much
        # the excess differs between records.
        by_label = float((squares[place] / RELABELLINGS - usual**2).mean())
        variance += max(0.0, float(above.var(ddof=1)) - by_label) / len(values)
        value = float(above.mean()) if place == 0 else value
    return Excess(value / scale, variance / scale**2, len(observed[0]))


def averaged(name: str, unit: str, found: list[Excess]) -> Measured:
    """The measurement of a check from those of one or several cases.

    Cases share the others with whom members are compared, so averaging them is not trusted to narrow the interval.
    """
    whole = Excess(
        float(np.mean([one.value for one in found])),
        float(np.mean([one.variance for one in found])),
        min(one.n for one in found),
    )
    return Measured(
        name=name,
        value=float(np.clip(whole.value, -1, 1)),
        n=whole.n,
        unit=unit,
        interval=partial(_interval, whole),
        chance=0.0,
        bounds=(-1.0, 1.0),
        step=coarse(whole.n),
    )


def _interval(found: Excess, confidence: float) -> Interval:
    return found.interval(confidence)
