"""How large must epsilon at least be? Lower bounds from what an auditor saw, each valid under its own assumptions.

Three kinds of evidence, from the least to the most assumed:

- `one_run_bound`: guesses about canaries of one training run; valid for every mechanism (`certified`).
- `many_runs_bound`: errors of a test over independent runs with and without a record (`certified`).
- `gaussian_bound` and `gaussian_one_run_bound`: the same, if the mechanism's trade-off curve is Gaussian (`family`).

All are one-sided: with the stated confidence, the true epsilon is at least the bound, provided that the threshold or
the number of guesses was chosen without looking at the outcomes that are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from audit.statistics.intervals import check_confidence, clopper_pearson

_LARGEST = 60.0
_STEPS = 60


def one_run_bound(canaries: int, guesses: int, correct: int, delta: float, confidence: float = 0.95) -> float:
    """What does guessing right about the canaries of one run prove, whatever the mechanism?

    Each canary was included by a fair coin of its own. Under (epsilon, delta)-DP the number of correct guesses is
    stochastically dominated by a binomial with ``q = 1 / (1 + e^-epsilon)``, up to a term in delta:
    ``P[V >= v] <= beta + 2 m delta alpha`` with ``beta = P[Bin(r, q) >= v]`` and
    ``alpha = max_i P[v > Bin(r, q) >= v - i] / i``. The bound is the largest epsilon with such a probability below the
    level.

    Args:
        canaries: Number of coins m, those abstained from included.
        guesses: Number r of canaries guessed about, chosen without knowledge of the coins; 0 to m.
        correct: How many guesses v were right; 0 to r.
        delta: Of the claim, from 0 to 1.
        confidence: One-sided, between 0 and 1.

    Returns:
        The bound on epsilon, at least 0.

    Raises:
        ValueError: An argument lies outside its range.

    Example:
        >>> round(one_run_bound(1000, 100, 75, 1e-4), 3)
        0.673

    Source: Steinke, Nasr and Jagielski, "Privacy auditing with one (1) training run" (NeurIPS 2023), theorem 5.2.
    """
    _check_guesses(canaries, guesses, correct)
    _check_delta(delta)
    check_confidence(confidence)
    level = 1 - confidence

    def rejected(epsilon: float) -> bool:
        return _chance_of_so_many(canaries, guesses, correct, epsilon, delta) < level

    return _largest(rejected)


def one_run_ceiling(canaries: int, delta: float, confidence: float = 0.95) -> float:
    """What could a run with so many canaries show at most: the bound when every guess is right.

    Example:
        >>> [round(one_run_ceiling(m, 1e-5), 2) for m in (100, 1000, 10000)]
        [3.49, 5.78, 7.83]
    """
    return max(
        one_run_bound(canaries, guesses, guesses, delta, confidence)
        for guesses in np.unique(np.geomspace(min(20, canaries), canaries, 8).astype(int)).tolist()
    )


def gaussian_one_run_bound(canaries: int, guesses: int, correct: int, delta: float, confidence: float = 0.95) -> float:
    """What does guessing right about the canaries of one run prove, if the trade-off curve is Gaussian?

    The hypothesis that the mechanism is mu-GDP is tested for every mu by the recursion of the paper, and the largest mu
    that is rejected is turned into the epsilon that belongs to delta.

    Args:
        canaries: Number of coins m, those abstained from included.
        guesses: Number r of canaries guessed about, chosen without knowledge of the coins; 0 to m.
        correct: How many guesses v were right; 0 to r.
        delta: Of the claim, above 0.
        confidence: One-sided, between 0 and 1.

    Returns:
        The bound on epsilon, at least 0; of kind `family`.

    Raises:
        ValueError: An argument lies outside its range.

    Source: Mahloujifar, Melis and Chaudhuri, "Auditing f-differential privacy in one run" (2024), algorithm 3.
    """
    _check_guesses(canaries, guesses, correct)
    _check_delta(delta, positive=True)
    check_confidence(confidence)

    def rejected(mu: float) -> bool:
        return _gaussian_rejected(canaries, guesses, correct, mu, 1 - confidence)

    return gaussian_epsilon(_largest(rejected, 20.0), delta)


def many_runs_bound(
    false_positives: int,
    without: int,
    false_negatives: int,
    with_: int,
    delta: float,
    confidence: float = 0.95,
) -> float:
    """What do the errors of a test over independent runs prove, whatever the mechanism?

    With upper limits of both error rates, each at half of the level, epsilon is at least
    ``ln((1 - FNR - delta) / FPR)`` and ``ln((1 - FPR - delta) / FNR)``.

    Args:
        false_positives: Runs without the record that the test took for runs with it.
        without: Independent runs without the record.
        false_negatives: Runs with the record that the test took for runs without it.
        with_: Independent runs with the record. Records of one model are no runs.
        delta: Of the claim, from 0 to 1.
        confidence: One-sided, between 0 and 1; both error rates share it.

    Returns:
        The bound on epsilon, at least 0; of kind `certified`.

    Raises:
        ValueError: An argument lies outside its range.

    Example:
        >>> round(many_runs_bound(0, 1000, 0, 1000, 1e-5), 2)
        5.6

    Source: Nasr, Song, Thakurta, Papernot and Carlini, "Adversary instantiation" (IEEE S&P 2021), equation 2.
    """
    _check_delta(delta)
    fpr, fnr = _error_limits(false_positives, without, false_negatives, with_, confidence)
    found = 0.0
    for wrong, other in ((fpr, fnr), (fnr, fpr)):
        if 1 - other - delta > 0 and wrong > 0:
            found = max(found, math.log((1 - other - delta) / wrong))
    return found


def gaussian_bound(
    false_positives: int, without: int, false_negatives: int, with_: int, confidence: float = 0.95
) -> float:
    """What do the errors of a test prove about mu, if the trade-off curve is Gaussian?

    Then mu is at least ``Phi^-1(1 - FPR) - Phi^-1(FNR)``, with upper limits of both rates; never its absolute value.

    Args:
        false_positives: Observations without the record that the test took for ones with it.
        without: Independent observations without the record.
        false_negatives: Observations with the record that the test took for ones without it.
        with_: Independent observations with the record.
        confidence: One-sided, between 0 and 1; both error rates share it.

    Returns:
        The bound on mu, at least 0; `gaussian_epsilon` turns it into an epsilon. Of kind `family`.

    Raises:
        ValueError: An argument lies outside its range.

    Example:
        >>> mu = gaussian_bound(20, 1000, 20, 1000)
        >>> round(mu, 2), round(gaussian_epsilon(mu, 1e-5), 2)
        (3.74, 22.28)

    Source: Nasr et al., "Tight auditing of differentially private machine learning" (USENIX Security 2023), section 4.
    """
    fpr, fnr = _error_limits(false_positives, without, false_negatives, with_, confidence)
    return max(0.0, float(stats.norm.isf(fpr) - stats.norm.ppf(fnr)))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """The epsilon that belongs to delta on the Gaussian trade-off curve of this mu.

    Solves ``delta = Phi(-epsilon / mu + mu / 2) - e^epsilon Phi(-epsilon / mu - mu / 2)``.

    Args:
        mu: Distance of the two normal distributions in standard deviations, at least 0.
        delta: Above 0 and below 1.

    Returns:
        Epsilon, at least 0.

    Source: Dong, Roth and Su, "Gaussian differential privacy" (JRSS B 2022), corollary 2.13.
    """
    _check_delta(delta, positive=True)
    if mu < 0:
        raise ValueError(f"mu is {mu}, expected at least 0")

    def excess(epsilon: float) -> float:
        second = math.exp(epsilon + float(stats.norm.logcdf(-epsilon / mu - mu / 2)))
        return float(stats.norm.cdf(-epsilon / mu + mu / 2)) - second - delta

    if mu == 0 or excess(0.0) <= 0:
        return 0.0
    high = 1.0
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-10))


def _chance_of_so_many(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
    """Upper bound on the probability of at least so many right guesses under (epsilon, delta)-DP."""
    q = 1 / (1 + math.exp(-epsilon))
    if v == 0:
        return 1.0
    beta = float(stats.binom.sf(v - 1, r, q))
    if delta == 0:
        return beta
    # P[v > Bin >= v - i] for i = 1..v: sums of the probabilities of v - 1, v - 2, ..., 0.
    within = np.cumsum(stats.binom.pmf(np.arange(v - 1, -1, -1), r, q))
    alpha = float((within / np.arange(1, v + 1)).max())
    return min(1.0, beta + 2 * m * delta * alpha)


def _gaussian_rejected(m: int, r: int, v: int, mu: float, level: float) -> bool:
    """Whether so many right guesses are too many for mu-GDP."""
    inside, outside = level * v / m, level * (r - v) / m
    for i in range(v - 1, -1, -1):
        raised = max(outside, float(ndtr(ndtri(inside) - mu)))
        inside += i / (r - i) * (raised - outside)
        outside = raised
        if inside + outside > r / m:
            return True
    return inside + outside > r / m


def _error_limits(fp: int, without: int, fn: int, with_: int, confidence: float) -> tuple[float, float]:
    check_confidence(confidence)
    # A two-sided interval at this confidence has (1 - confidence) / 2 above it: half of the level for each rate.
    return clopper_pearson(fp, without, confidence).high, clopper_pearson(fn, with_, confidence).high


def _largest(rejected: Callable[[float], bool], high: float = _LARGEST) -> float:
    """The largest value that is rejected, where all smaller ones are too; 0 if none is."""
    if not rejected(0.0):
        return 0.0
    low = 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def _check_guesses(canaries: int, guesses: int, correct: int) -> None:
    if not 0 <= correct <= guesses <= canaries or canaries < 1:
        raise ValueError(f"{correct} right of {guesses} guesses about {canaries} canaries is impossible")


def _check_delta(delta: float, *, positive: bool = False) -> None:
    if not (0 < delta < 1 if positive else 0 <= delta < 1):
        raise ValueError(f"delta is {delta}, expected {'above 0' if positive else 'at least 0'} and below 1")
