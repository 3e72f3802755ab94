"""A measurement before its verdict: a value that can give its interval at any confidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from audit.checks.small_cells import coarse
from audit.statistics import Floats, Interval, Strata, bootstrap_interval
from reports import Estimate

Bounds = tuple[float, float]


class Shown(NamedTuple):
    """A value and its interval, rounded so that they tell of no handful of people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """What one check measured on one case.

    Attributes:
        name: key of the estimate, e.g. `auc`.
        value: point estimate.
        n: independent units behind it, in the smaller group where two are compared.
        unit: what the value counts, in words.
        interval: gives the two-sided interval at a confidence.
        chance: what the value would be without any effect at all (None where there is no such number).
        better: the direction that is good.
        draws: bootstrap draws, for measurements whose records are resampled together with others'.
        bounds: smallest and largest possible value.
        realised_fpr: for a TPR, the false-positive rate that a threshold really attains.
        signal: a sharper measurement of whether there is any effect at all, where one exists. Whether anything is found
            is asked of it; how much was found, and whether that is too much, of the value itself.
        step: numbers are shown in steps of this, where they could tell of a handful of people; see `small_cells`.
    """

    name: str
    value: float
    n: int
    unit: str
    interval: Callable[[float], Interval]
    chance: float | None = None
    better: str = "lower"
    draws: Floats | None = None
    bounds: Bounds = (0.0, 1.0)
    realised_fpr: float | None = None
    signal: Measured | None = None
    step: float | None = None

    @property
    def detector(self) -> Measured:
        """What says whether there is any effect."""
        return self.signal or self

    def excess_over(self, null: Measured, confidence: float) -> Interval:
        """Interval of how far this measurement lies above another one.

        Measurements of the same records are resampled together, so what both owe to the choice of records cancels.
        Others are combined as independent ones (MOVER: Zou and Donner 2008).
        """
        difference = self.value - null.value
        if self.draws is not None and null.draws is not None:
            width = self.bounds[1] - self.bounds[0]
            return bootstrap_interval(difference, self.draws - null.draws, self.n, confidence, bounds=(-width, width))
        mine, other = self.interval(confidence), null.interval(confidence)
        return Interval(
            difference - math.hypot(self.value - mine.low, other.high - null.value),
            difference + math.hypot(mine.high - self.value, null.value - other.low),
        )

    def least_excess_over(self, null: Measured, confidence: float) -> float:
        """Lower bound on how far this measurement lies above another one: what an accusation may claim.

        A bound errs on one side only. Score intervals that are combined as independent ones keep there what they
        promise, so the bound takes the whole share 1 - confidence of errors: where both share one excess, .11% of
        simulated audits at most, for a promise of .1% (docs/statistics.md, which also says when they do not share it).
        Bootstrap intervals err up to twice as often as they promise, so for them the lower end of the two-sided
        interval stands, with half the share.
        """
        paired = self.draws is not None and null.draws is not None
        return self.excess_over(null, confidence if paired else 2 * confidence - 1).low

    def estimate(self, confidence: float, *, null: float | None = None, limit: float | None = None) -> Estimate:
        """This measurement as it stands in the audit document."""
        value, low, high = self.shown(confidence)
        return Estimate(
            name=self.name,
            value=value,
            low=min(low, value),
            high=max(high, value),
            confidence=confidence,
            n=self.n,
            unit=self.unit,
            null=self.chance if null is None else null,
            limit=limit,
            better=self.better,  # type: ignore[arg-type]  # a plain str here, checked by the document
            realised_fpr=self.realised_fpr,
        )

    def shown(self, confidence: float) -> Shown:
        """Value and interval as a reader may see them: the value to the nearest step, the interval widened to steps."""
        low, high = self.interval(confidence)
        if self.step is None:
            return Shown(self.value, low, high)
        return Shown(
            self.rounded(self.value), self.rounded(low, math.floor), min(self.bounds[1], self.rounded(high, math.ceil))
        )

    def rounded(self, value: float, to: Callable[[float], int] = round) -> float:
        """A number of this measurement as a reader may see it."""
        if self.step is None:
            return value
        return round(to(round(value / self.step, 6)) * self.step, 12)  # free of what division leaves behind

    def scaled(self, factor: float) -> Measured:
        """The same measurement in another unit of size."""
        if factor == 1.0:
            return self
        inner = self.interval
        return replace(
            self,
            value=self.value * factor,
            interval=lambda confidence: Interval(*(end * factor for end in inner(confidence))),
            draws=None if self.draws is None else self.draws * factor,
            bounds=(self.bounds[0] * factor, self.bounds[1] * factor),
            signal=None if self.signal is None else self.signal.scaled(factor),
            step=None if self.step is None else self.step * factor,
        )


def counted(name: str, strata: Strata, n: int, unit: str) -> Measured:
    """The risk over all members as the value, and as the signal the excess that strata have in common.

    Both are shown in steps of at least five people.

    Args:
        name: key of the estimate.
        strata: hits of members and of others.
        n: people, in the smaller group.
        unit: what the value counts, in words.
    """
    signal = Measured(
        name,
        value=strata.excess(),
        n=n,
        unit=unit,
        interval=cache(strata.interval),
        chance=0.0,
        bounds=(-1.0, 1.0),
        step=coarse(n),
    )
    return replace(signal, value=strata.risk(), interval=cache(strata.risk_interval), signal=signal)
