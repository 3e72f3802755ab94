"""How far two distributions over the same levels lie apart: formulas for weighted counts, many resamples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def total_variation(first: ArrayLike, second: ArrayLike) -> Floats:
    """Half the sum of differences of shares: the largest difference in probability that any event can have.

    Args:
        first: Counts or weights by level, shape (levels,) or (levels, draws); each draw sums to more than 0.
        second: The same for the other sample.

    Returns:
        Distance of each draw, 0 (equal) to 1 (disjoint); lower is more alike; no unit.

    Example:
        >>> float(total_variation([1, 1], [3, 1]))
        0.25

    Source: Levin, Peres and Wilmer, "Markov chains and mixing times" (2009), proposition 4.2.
    """
    return np.asarray(np.abs(_shares(first) - _shares(second)).sum(axis=0) / 2)


def kolmogorov_smirnov(first: ArrayLike, second: ArrayLike) -> Floats:
    """The largest gap between two cumulative distributions over levels in ascending order.

    Args:
        first: Counts or weights by level, shape (levels,) or (levels, draws); each draw sums to more than 0.
        second: The same for the other sample.

    Returns:
        Distance of each draw, 0 (equal) to 1 (disjoint); lower is more alike; no unit.

    Example:
        >>> float(kolmogorov_smirnov([2, 0, 0], [0, 1, 1]))
        1.0

    Source: Smirnov, "Table for estimating the goodness of fit of empirical distributions" (1948).
    """
    return np.asarray(np.abs(np.cumsum(_shares(first) - _shares(second), axis=0)).max(axis=0))


def wasserstein(first: ArrayLike, second: ArrayLike, values: ArrayLike) -> Floats:
    """How far probability must be moved on average to turn one distribution of a number into the other.

    Args:
        first: Counts or weights by value, shape (values,) or (values, draws); each draw sums to more than 0.
        second: The same for the other sample.
        values: The values in ascending order, shape (values,).

    Returns:
        Distance of each draw, from 0 (equal) upwards, in the unit of `values`; lower is more alike.

    Example:
        >>> float(wasserstein([1, 0], [0, 1], [10.0, 13.0]))
        3.0

    Source: Vallender, "Calculation of the Wasserstein distance between probability distributions on the line" (1974).
    """
    gaps = np.diff(np.asarray(values, dtype=np.float64))
    ahead = np.abs(np.cumsum(_shares(first) - _shares(second), axis=0))[:-1]
    return np.asarray(np.tensordot(gaps, ahead, axes=1))


def _shares(counts: ArrayLike) -> Floats:
    numbers = np.asarray(counts, dtype=np.float64)
    total = numbers.sum(axis=0)
    if not (total > 0).all():
        raise ValueError("shares: a sample without any weight has no distribution")
    return np.asarray(numbers / total)
