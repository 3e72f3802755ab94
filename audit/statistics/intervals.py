"""Confidence intervals for proportions, their differences, and means: closed forms that need no resampling."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats


class Interval(NamedTuple):
    """The two ends of a confidence interval, in the unit of the estimate itself."""

    low: float
    high: float


def wilson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Where may a proportion lie? Wilson's score interval: close to nominal on average, short, never empty.

    With ``p = successes / n`` and ``z`` the two-sided normal quantile, the ends are
    ``(p + z^2/2n -+ z sqrt(p (1 - p) / n + z^2 / 4 n^2)) / (1 + z^2 / n)``.

    Args:
        successes: Number of successes, 0 to ``n``; fractions are allowed, as for an effective sample size.
        n: Number of independent tries, above 0.
        confidence: Two-sided coverage, between 0 and 1.

    Returns:
        The interval, within [0, 1].

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> [round(end, 4) for end in wilson(8, 10)]
        [0.4902, 0.9433]

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (JASA 1927).
    """
    _check_proportion(successes, n, confidence)
    z = normal_quantile(confidence)
    p = successes / n
    centre = p + z**2 / (2 * n)
    reach = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # At the edges the formula is exact; only rounding would put the end beside 0 or 1.
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == n else (centre + reach) / scale
    return Interval(low, high)


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Where may a proportion lie, with coverage guaranteed? The exact interval: never below nominal, often above it.

    The ends are the beta quantiles ``B(a/2; x, n - x + 1)`` and ``B(1 - a/2; x + 1, n - x)``, ``a = 1 - confidence``.

    Args:
        successes: Number of successes, 0 to ``n``.
        n: Number of independent tries, above 0.
        confidence: Two-sided coverage, between 0 and 1.

    Returns:
        The interval, within [0, 1].

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> [round(end, 4) for end in clopper_pearson(0, 100)]
        [0.0, 0.0362]

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial"
    (Biometrika 1934).
    """
    _check_proportion(successes, n, confidence)
    tail = (1 - confidence) / 2
    # The quantile functions of `scipy.stats` give the same numbers, a hundred times more slowly.
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(special.betainccinv(successes + 1, n - successes, tail))
    return Interval(low, high)


def newcombe(successes_1: float, n_1: float, successes_2: float, n_2: float, confidence: float = 0.95) -> Interval:
    """By how much may two independent proportions differ? Newcombe's hybrid score interval for ``p1 - p2``.

    With Wilson intervals (l1, u1) and (l2, u2) the ends are ``d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`` and
    ``d + sqrt((u1 - p1)^2 + (p2 - l2)^2)``, ``d = p1 - p2``.

    Args:
        successes_1: Successes of the first group, 0 to ``n_1``.
        n_1: Independent tries of the first group, above 0.
        successes_2: Successes of the second group, 0 to ``n_2``.
        n_2: Independent tries of the second group, above 0.
        confidence: Two-sided coverage, between 0 and 1.

    Returns:
        The interval of ``p1 - p2``, within [-1, 1].

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> [round(end, 4) for end in newcombe(56, 70, 48, 80)]
        [0.0524, 0.3339]

    Source: Newcombe, "Interval estimation for the difference between independent proportions" (Statistics in Medicine
    1998), method 10.
    """
    first = wilson(successes_1, n_1, confidence)
    second = wilson(successes_2, n_2, confidence)
    p_1, p_2 = successes_1 / n_1, successes_2 / n_2
    difference = p_1 - p_2
    return Interval(
        difference - math.hypot(p_1 - first.low, second.high - p_2),
        difference + math.hypot(first.high - p_1, p_2 - second.low),
    )


def mean_interval(
    values: ArrayLike,
    confidence: float = 0.95,
    units: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Where may the mean of the population lie? Student's t interval, robust to records that share a privacy unit.

    With ``G`` units and ``e_g`` the sum over unit ``g`` of ``value - mean``, the variance of the mean over all ``n``
    records is ``G / (G - 1) * sum_g e_g^2 / n^2`` and the quantile is t with ``G - 1`` degrees of freedom. When each
    record is its own unit, this is the textbook interval ``mean -+ t s / sqrt(n)``.

    Args:
        values: One finite number per record, shape (n,).
        confidence: Two-sided coverage, between 0 and 1.
        units: The privacy unit of each record, shape (n,); each record is its own unit if left out.
        bounds: The least and the greatest value possible, where known. The interval stays inside, and values that are
            all equal then keep the width of ``unanimity_interval``.

    Returns:
        The interval, in the unit of ``values``. Without ``bounds`` it has no width when all values are equal.

    Raises:
        ValueError: If fewer than two units are given, a value is not finite, or shapes differ.

    Example:
        >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0, 4.0])]
        [0.446, 4.554]
        >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0, 4.0], units=[0, 0, 1, 1])]
        [-10.206, 15.206]

    Source: Liang and Zeger, "Longitudinal data analysis using generalized linear models" (Biometrika 1986).
    """
    check_confidence(confidence)
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError("mean_interval: values must be one-dimensional and finite; drop or impute the others first")
    unit_of = unit_index(np.arange(numbers.size) if units is None else units, numbers.size)
    count = int(unit_of.max(initial=-1)) + 1
    if count < 2:
        raise ValueError(f"mean_interval: {count} privacy unit given, at least 2 are needed to see any spread")
    mean = float(numbers.mean())
    residual = np.bincount(unit_of, weights=numbers - mean)
    se = math.sqrt(count / (count - 1) * float(residual @ residual)) / numbers.size
    reach = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * se
    if bounds is None:
        return Interval(mean - reach, mean + reach)
    least = unanimity_interval(mean, count, confidence, bounds)
    return Interval(max(bounds[0], min(mean - reach, least.low)), min(bounds[1], max(mean + reach, least.high)))


def unanimity_interval(
    value: float, units: int, confidence: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """What may an estimate without any spread hide? The least honest width of an interval.

    If a share ``e`` of the population would move the estimate, ``units`` independent draws all miss that share with
    probability ``(1 - e)^units``. So ``e`` is at most ``1 - (a/2)^(1/units)``, ``a = 1 - confidence``, and what was
    missed can at worst sit at a bound: ``value - e (value - lower)`` to ``value + e (upper - value)``. For a value at
    a bound this is the Clopper-Pearson end for no failure in ``units`` tries.

    Args:
        value: The estimate, within ``bounds``.
        units: Number of independent privacy units behind it (of the smaller group, where there are two), at least 1.
        confidence: Two-sided coverage, between 0 and 1.
        bounds: The least and the greatest value possible.

    Returns:
        The interval, within ``bounds``.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> [round(end, 4) for end in unanimity_interval(1.0, units=100)]
        [0.9638, 1.0]
    """
    check_confidence(confidence)
    if units < 1 or not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"unanimity_interval: need units >= 1 and a value within {bounds}, got {units} and {value}")
    missed = -math.expm1(math.log((1 - confidence) / 2) / units)
    return Interval(value - missed * (value - bounds[0]), value + missed * (bounds[1] - value))


def normal_quantile(confidence: float) -> float:
    """The two-sided standard normal quantile: 1.96 for a confidence of .95.

    Example:
        >>> round(normal_quantile(0.999), 3)
        3.291
    """
    check_confidence(confidence)
    return float(-special.ndtri((1 - confidence) / 2))


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is not strictly between 0 and 1 (95 for .95 is the usual slip)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}")


def unit_index(units: ArrayLike, n: int) -> NDArray[np.intp]:
    """Number the privacy units 0, 1, ... by order of value: shape (n,) of any labels to shape (n,) of indices."""
    labels = np.asarray(units)
    if labels.shape != (n,):
        raise ValueError(f"units has shape {labels.shape}, expected ({n},): give one unit per record")
    index: NDArray[np.intp] = np.unique(labels, return_inverse=True)[1].astype(np.intp)
    return index


def _check_proportion(successes: float, n: float, confidence: float) -> None:
    check_confidence(confidence)
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"a proportion needs 0 <= successes <= n and n > 0, got {successes} of {n}")
