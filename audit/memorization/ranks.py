"""Ranks of secrets: how far down a guesser's list does each stand, and how many stand too high for chance?

Secrets that were planted and secrets that were not are drawn alike. So without memorisation the rank of a planted one
among r others is uniform on 1 to r + 1, whatever the model: a share of exactly 1/64 of them stands in the first 64th.
A trainer that learns some secrets by heart moves those to the top, however few they are; a median would not see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.memorization.canaries import Canaries
from audit.statistics import Floats, Interval, clopper_pearson
from generators import Generator
from generators.models.abilities import HasRecordLoss

TOP = 6.0
"""Bits of exposure from which a secret counts as learnt by heart: the first 2**-6 of all ranks."""

CHANCE = 2.0**-TOP


@dataclass(frozen=True)
class Ranked:
    """Exposures of canaries under one model.

    Attributes:
        exposures: of each planted canary, in bits.
        copies: how often each was planted.
        absent: of canaries that were not planted.
        extrapolated: of each planted canary by a skew-normal fit to the references' losses.
        references: how many secrets all of them were ranked among.
    """

    exposures: Floats
    copies: NDArray[np.int64]
    absent: Floats
    extrapolated: Floats
    references: int

    @property
    def cap(self) -> float:
        """Largest exposure that so many references can show, in bits."""
        return float(np.log2(self.references + 1))

    @classmethod
    def by(cls, model: Generator, canaries: Canaries, rng: np.random.Generator) -> Ranked:
        """Rank canaries by their loss under a model."""
        if not isinstance(model, HasRecordLoss):
            raise TypeError(f"{model.kind} has no record_loss")
        planted, absent, others = (
            model.record_loss(frame) for frame in (canaries.planted, canaries.absent, canaries.references)
        )
        return cls(
            exposure(planted, others, rng),
            canaries.copies,
            exposure(absent, others, rng),
            extrapolated_exposure(planted, others),
            len(others),
        )

    def planted(self, count: int | None = None) -> Floats:
        """Exposures of the canaries planted so often; of all of them by default."""
        return self.exposures if count is None else self.exposures[self.copies == count]


@dataclass(frozen=True)
class Memorized:
    """How many secrets stand among the first ranks.

    Attributes:
        top: secrets with at least `TOP` bits of exposure.
        n: all of them.
        references: how many secrets they were ranked among.
    """

    top: int
    n: int
    references: int

    @classmethod
    def of(cls, exposures: Floats, references: int) -> Memorized:
        """Count; the small number is for rounding in logarithms."""
        return cls(int((exposures >= TOP - 1e-9).sum()), len(exposures), references)

    @property
    def share(self) -> float:
        """The share f learnt by heart, if the others' ranks are chance: top / n = f + (1 - f) / 64."""
        return _beyond_chance(self.top / self.n)

    def interval(self, confidence: float) -> Interval:
        """Clopper and Pearson's interval, on as many secrets as the shared references leave independent.

        All are ranked among the same r references, so hits go together with correlation 1 / (r + 2), as in a
        beta-binomial distribution; n such secrets say as much as n / (1 + (n - 1) / (r + 2)) independent ones.

        Example:
            >>> low, high = Memorized(top=100, n=400, references=2047).interval(0.999)
            >>> 0.15 < low < 0.24 < high < 0.33
            True
        """
        as_many = self.n / (1 + (self.n - 1) / (self.references + 2))
        low, high = clopper_pearson(self.top / self.n * as_many, as_many, confidence)
        return Interval(_beyond_chance(low), _beyond_chance(high))


def _beyond_chance(share: float) -> float:
    return float((share - CHANCE) / (1 - CHANCE))


LOWEST = _beyond_chance(0.0)


def smallest_noticed(n: int, references: int, confidence: float, probability: float = 0.8) -> float | None:
    """Which share of n secrets, learnt by heart, would be told from none with this probability? None: not even a half.

    Example:
        >>> 0.03 < smallest_noticed(400, 2047, 0.999) < 0.06
        True
    """
    tops = np.arange(n + 1)
    noticed = np.array([Memorized(int(top), n, references).interval(confidence).low > 0 for top in tops])
    for share in np.arange(0.005, 0.505, 0.005):
        chances = stats.binom.pmf(tops, n, CHANCE + share * (1 - CHANCE))
        if float(chances[noticed].sum()) >= probability:
            return round(float(share), 3)
    return None


def enough_to_pass(limit: float, references: int, confidence: float, probability: float = 0.8) -> int | None:
    """How many secrets must be planted so that a trainer that learns none passes with this probability?

    Example:
        >>> 300 < enough_to_pass(0.05, 2047, 0.999) < 450
        True
    """
    for n in range(20, 4001, 20):
        if Memorized(int(stats.binom.ppf(probability, n, CHANCE)), n, references).interval(confidence).high < limit:
            return n
    return None


def exposure(losses: Floats, references: Floats, rng: np.random.Generator) -> Floats:
    """How many bits does the model give away about each secret?

    With r the rank of the secret's loss among itself and the references, 1 being the lowest, the exposure is
    log2(references + 1) - log2(r). Ties are broken at random.

    Args:
        losses: of the secrets, shape (n,).
        references: losses of secrets that the model has not seen, shape (m,).
        rng: breaks ties.

    Returns:
        Bits, shape (n,), from 0 to log2(m + 1).

    Example:
        >>> exposure(np.array([0.5, 9.0]), np.array([1.0, 2.0, 3.0]), np.random.default_rng(0)).tolist()
        [2.0, 0.0]

    Source: Carlini et al., "The Secret Sharer" (USENIX Security 2019), definition 4 and section 4.3 (by sampling).
    """
    ordered = np.sort(references)
    below = np.searchsorted(ordered, losses, side="left")
    up_to = np.searchsorted(ordered, losses, side="right")
    rank = 1 + rng.integers(below, up_to + 1)
    return np.asarray(np.log2(len(references) + 1) - np.log2(rank))


def extrapolated_exposure(losses: Floats, references: Floats) -> Floats:
    """What the exposure would be among all secrets that there are, if references' losses are skew-normal.

    Returns:
        -log2 of the share of secrets that the fitted distribution puts at or below each loss, shape (n,).

    Source: Carlini et al. 2019, section 4.3 (by distribution modelling).
    """
    if np.ptp(references) == 0:
        return np.full(len(losses), np.nan)
    shape, place, scale = stats.skewnorm.fit(references)
    return np.asarray(-stats.skewnorm.logcdf(losses, shape, place, scale) / np.log(2))


def median_interval(values: Floats, confidence: float, bounds: tuple[float, float]) -> Interval:
    """Where may the median lie, whatever the distribution? The order statistics that a binomial count picks.

    The interval from the r-th smallest to the r-th largest value misses the median with probability
    2 P[Bin(n, 1/2) < r]; r is the largest with which that is at most 1 - confidence, and the bounds stand in where
    there is none.

    Example:
        >>> median_interval(np.arange(1.0, 11.0), 0.95, (0.0, 20.0))
        Interval(low=2.0, high=9.0)

    Source: Thompson (Annals of Mathematical Statistics 1936).
    """
    ordered = np.sort(values)
    r = int(stats.binom.ppf((1 - confidence) / 2, len(ordered), 0.5))
    if r and stats.binom.cdf(r - 1, len(ordered), 0.5) > (1 - confidence) / 2:
        r -= 1
    if r < 1:
        return Interval(*bounds)
    return Interval(float(ordered[r - 1]), float(ordered[-r]))
