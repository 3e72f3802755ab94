"""The base of distances between synthetic and real records: intervals, and a test by relabelling."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from audit.checks import Evaluation, Measured, Sample, Subject, synthetic_sample
from audit.statistics import Floats, Interval, bootstrap_interval, clopper_pearson, unit_weights
from reports import Figure

Weights = NDArray[np.float32]
UNBOUNDED = float("inf")
DRAWS = 200
_CHUNK = 100  # draws at a time: what they take stays small beside the records
_SHOWN = 40


@dataclass(frozen=True)
class Gauge:
    """A way of measuring a gap.

    Attributes:
        unit: what it counts, with its range.
        top: the largest value possible, infinite where there is none.
        bottom: the least value possible: minus infinity for an unbiased estimate of a distance, which chance can make
            negative.
    """

    unit: str = "distance, 0 to 1"
    top: float = 1.0
    bottom: float = 0.0


Gauges = dict[str, Gauge]
Summaries = dict[str, tuple[Literal["mean", "worst"], str]]
"""By estimate: how gaps are summed up, and on which gauge."""


@dataclass(frozen=True)
class Gap:
    """Something that is compared, such as a column or a pair of columns.

    Attributes:
        label: what it is, for figures; never a value of a record.
        distance: from weights of the pooled records as the first and as the second sample, shape (records, draws)
            each, to one row of distances for each of the check's `gauges`, shape (gauges, draws).
    """

    label: str
    distance: Callable[[Weights, Weights], Floats]


@dataclass(frozen=True)
class Compared:
    """All gaps between two samples.

    Attributes:
        labels: of the gaps.
        values: distances, shape (gaps, gauges); NaN where a gauge says nothing of a gap.
        draws: the same in bootstrap resamples, shape (gaps, gauges, draws).
        exceeded: relabellings that lay as far apart as the samples, or further.
        tried: relabellings in all.
        size: records in each sample.
        units: people in the smaller sample.
    """

    labels: list[str]
    values: Floats
    draws: Floats
    exceeded: int
    tried: int
    size: int
    units: int


class Distance(Evaluation):
    """A distance between the synthetic records and real ones of which chance alone explains a known part.

    Samples of equal size are compared, as large as there are records in every part but no larger than `most`, so that
    the floor (real against real) carries the same share of chance. Intervals resample people. The test asks whether
    chance could have done it: it deals the people of both samples into two halves at random, again and again, and
    counts how often the halves lie as far apart. Each gap counts in units of its own spread under relabelling, and the
    largest one decides, so that looking at many gaps is paid for.

    Source of the test: Westfall and Young, "Resampling-based multiple testing" (1993), the max-T procedure.
    """

    gauges: ClassVar[Gauges]
    summaries: ClassVar[Summaries]
    most: ClassVar[int | None] = None

    def __init__(self) -> None:
        self._compared: dict[str, Compared] = {}

    @abstractmethod
    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:
        """What is compared, given both samples under one another, of which `first` are the first."""

    @abstractmethod
    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The distances in one plain sentence."""

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The summaries of all gaps, and the test."""
        found = self._compared[sample.case] = self._compare(sample, subject, rng)
        order = list(self.gauges)
        measured = [
            _summary(name, how, order.index(gauge), found, self.gauges[gauge])
            for name, (how, gauge) in self.summaries.items()
            if np.isfinite(found.values[:, order.index(gauge)]).any()
        ]
        return [*measured, _p_value(found)]

    def alarm(self, case: str, measured: list[Measured], subject: Subject) -> bool | None:  # noqa: ARG002
        """Whether the test tells the records from real ones, at the confidence of verdicts."""
        return measured[-1].value <= 1 - subject.policy.confidence_verdict + 1e-12

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The distances, and what the test says of them."""
        found = self._compared["synthetic"]
        told, floor_told = self.alarm("synthetic", measured, subject), self.alarm("real", floor, subject)
        test = f"{found.size:,} records a side; p = {measured[-1].value:.3g}"
        if not told:
            verdict = f"Nothing told them from real records ({test})."
        elif floor_told:
            verdict = f"They can be told from real records ({test}), but so can real records of another part."
        else:
            verdict = f"They can be told from real records ({test}), which real records of another part cannot."
        return f"{self.says(measured, floor, subject)} {verdict}"

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:  # noqa: ARG002
        """Every gap by the first gauge, beside its floor."""
        found, floor = self._compared["synthetic"], self._compared["real"]
        values, draws = found.values[:, 0], found.draws[:, 0]
        order = [j for j in np.argsort(-np.nan_to_num(values, nan=-1)) if np.isfinite(values[j])][:_SHOWN]
        if len(order) < 2:
            return []
        confidence = subject.policy.confidence_shown
        gauge = next(iter(self.gauges.values()))
        bounds = gauge.bottom, gauge.top
        ends = [resampled_interval(float(values[j]), draws[j], found.units, bounds, 1, confidence) for j in order]
        return [
            Figure(
                kind="column-distances",
                title=f"{self.title}: distance from the real ones",
                description="0 is equal; the floor is what fresh real records show."
                + (f" The {len(order)} worst of {len(values)}." if len(values) > len(order) else ""),
                data={
                    "columns": [found.labels[j] for j in order],
                    "synthetic": [float(values[j]) for j in order],
                    "low": [end.low for end in ends],
                    "high": [end.high for end in ends],
                    "floor": [float(np.nan_to_num(floor.values[j, 0])) for j in order],
                    "unit": gauge.unit,
                },
            )
        ]

    def _compare(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> Compared:
        size = compared_size(subject, self.most)
        real = Sample("holdout", subject.dataset.holdout, subject.dataset.units("holdout"))
        (ours, our_units), (theirs, their_units) = (_some(one, size, rng) for one in (sample, real))
        first = np.arange(2 * size) < size
        gaps = self.gaps(pd.concat([ours, theirs], ignore_index=True), first, subject)
        if not gaps:
            raise ValueError("a subject without anything to compare was not found unfit")
        mask = first[:, None].astype(np.float32)
        values = _by_gap(gaps, mask, 1 - mask)
        zeros = np.zeros((size, DRAWS), dtype=np.float32)
        one, other = (unit_weights(units, DRAWS, rng).T for units in (our_units, their_units))
        draws = _by_gap(gaps, np.vstack([one, zeros]), np.vstack([zeros, other]))
        people = np.concatenate([our_units, their_units + our_units.max() + 1])
        tried = math.ceil(1 / (1 - subject.policy.confidence_verdict) - 1e-9) - 1
        null = _relabelled(gaps, people, tried, rng)
        return Compared(
            labels=[gap.label for gap in gaps],
            values=values[:, :, 0],
            draws=draws,
            exceeded=_exceeded(values[:, :, 0], null),
            tried=tried,
            size=size,
            units=min(len(np.unique(our_units)), len(np.unique(their_units))),
        )


def compared_size(subject: Subject, most: int | None = None) -> int:
    """Records in each of two samples that are compared: as many as every part has, and the policy allows."""
    data = subject.dataset
    sizes = [len(subject.synthetic), len(data.reference), len(data.holdout), subject.policy.max_compared]
    return min([*sizes, *([most] if most is not None else [])])


def published_size(subject: Subject, most: int | None = None) -> str:
    """How many of the synthetic records were looked at, in words."""
    size, all_of_them = compared_size(subject, most), len(synthetic_sample(subject).frame)
    return f"all {size:,}" if size == all_of_them else f"a random {size:,} of {all_of_them:,}"


def _some(sample: Sample, size: int, rng: np.random.Generator) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    rows = np.sort(rng.permutation(len(sample.frame))[:size])
    return sample.frame.iloc[rows], np.unique(sample.units[rows], return_inverse=True)[1]


def _by_gap(gaps: Sequence[Gap], first: Weights, second: Weights) -> Floats:
    """All distances, shape (gaps, gauges, draws)."""
    parts = []
    for start in range(0, first.shape[1], _CHUNK):
        # In one piece once, or every gap would put them in order again.
        one, other = (np.ascontiguousarray(weights[:, start : start + _CHUNK]) for weights in (first, second))
        parts.append(np.stack([gap.distance(one, other) for gap in gaps]))
    return np.concatenate(parts, axis=2)


def _relabelled(gaps: Sequence[Gap], people: NDArray[np.int64], tried: int, rng: np.random.Generator) -> Floats:
    """Distances between random halves, shape (gaps, gauges, relabellings)."""
    parts = []
    for halves in relabellings(people, tried, rng):
        first = halves.astype(np.float32)
        parts.append(_by_gap(gaps, first, 1 - first))
    return np.concatenate(parts, axis=2)


def relabellings(
    people: NDArray[np.int64], count: int, rng: np.random.Generator, at_once: int = _CHUNK
) -> Iterator[NDArray[np.bool_]]:
    """Deal people into two halves of equal size at random: which records are in the first, shape (records, draws).

    Where every person has one record these are the relabellings of an exact permutation test. Where people have
    several, halves differ by less than one person's records.

    Args:
        people: the person of each record, codes from 0, shape (records,).
        count: how many relabellings.
        rng: the source of randomness.
        at_once: relabellings in each array that is yielded.
    """
    sizes = np.bincount(people)
    for start in range(0, count, at_once):
        halves = np.zeros((min(at_once, count - start), len(sizes)), dtype=bool)
        for row in halves:
            order = rng.permutation(len(sizes))
            row[order[np.cumsum(sizes[order]) <= len(people) / 2]] = True
        yield halves[:, people].T


def _exceeded(values: Floats, null: Floats) -> int:
    """Relabellings whose largest standardised gap is at least the observed one."""
    middle, spread = null.mean(axis=2), null.std(axis=2)
    counted = np.isfinite(values) & (spread > 1e-12)
    if not counted.any():
        return int(null.shape[2])
    scale = np.where(counted, spread, 1)
    observed = ((values - middle) / scale)[counted].max()
    relabelled = ((null - middle[:, :, None]) / scale[:, :, None])[counted].max(axis=0)
    return int(np.count_nonzero(np.asarray(relabelled) >= observed - 1e-9))


def _summary(name: str, how: str, gauge: int, found: Compared, counts: Gauge) -> Measured:
    usable = np.flatnonzero(np.isfinite(found.values[:, gauge]))
    values, draws = found.values[usable, gauge], found.draws[usable, gauge]
    if how == "mean":
        value, drawn, selected_from = float(values.mean()), draws.mean(axis=0), 1
    else:
        # Taking the worst of many is a selection: its interval is widened by Bonferroni.
        worst = int(np.argmax(values))
        value, drawn, selected_from = float(values[worst]), draws[worst], len(values)
    several = f", {'the worst' if how == 'worst' else 'mean'} of {len(values)}" if len(values) > 1 else ""
    return Measured(
        name=name,
        value=value,
        n=found.units,
        unit=f"{counts.unit}{several}",
        interval=partial(resampled_interval, value, drawn, found.units, (counts.bottom, counts.top), selected_from),
        bounds=(counts.bottom, counts.top),
    )


def resampled_interval(
    value: float, draws: Floats, units: int, bounds: tuple[float, float], selected_from: int, confidence: float
) -> Interval:
    """The interval of a distance from its bootstrap draws.

    Args:
        value: the distance.
        draws: the same in resamples, shape (draws,).
        units: people in the smaller sample.
        bounds: the least and the largest value possible; without them there is no scale on which errors would be even.
        selected_from: how many distances this is the worst of.
        confidence: two-sided coverage.
    """
    confidence = 1 - (1 - confidence) / selected_from
    if np.isfinite(bounds).all():
        return bootstrap_interval(value, draws, units, confidence, bounds)
    reach = float(t.ppf((1 + confidence) / 2, units - 1) * draws.std(ddof=1))
    return Interval(max(bounds[0], value - reach), min(bounds[1], value + reach))


def _p_value(found: Compared) -> Measured:
    return Measured(
        name="p_value",
        value=(found.exceeded + 1) / (found.tried + 1),
        n=found.units,
        unit=f"share of {found.tried} random relabellings that lie as far apart",
        interval=lambda confidence: clopper_pearson(found.exceeded, found.tried, confidence),
        better="none",
    )
