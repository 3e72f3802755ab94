"""How strongly two columns depend on each other: formulas on tables of counts and on pairs of numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def cramers_v(counts: ArrayLike) -> Floats:
    """How strongly two categorical columns depend on each other.

    Args:
        counts: How often each pair of levels occurs, shape (levels, other levels) or (levels, other levels, draws).

    Returns:
        For each draw 0 (independent) to 1 (one determines the other); 0 where a column has one level only. No unit.

    Example:
        >>> float(cramers_v([[10, 0], [0, 10]]))
        1.0

    Source: Cramer, "Mathematical methods of statistics" (1946), section 21.9; without a correction for small samples,
    which two samples of one size share.
    """
    joint, rows, columns = _joint(counts)
    expected = rows * columns
    chi2 = np.where(expected > 0, (joint - expected) ** 2 / np.where(expected > 0, expected, 1), 0).sum(axis=(0, 1))
    least = np.minimum((rows > 0).sum(axis=(0, 1)), (columns > 0).sum(axis=(0, 1))) - 1
    return np.asarray(np.sqrt(np.where(least > 0, chi2 / np.where(least > 0, least, 1), 0.0).clip(0, 1)))


def mutual_information(counts: ArrayLike) -> Floats:
    """How much one column tells of another.

    Args:
        counts: How often each pair of levels occurs, shape (levels, other levels) or (levels, other levels, draws).

    Returns:
        For each draw, nats from 0 (independent) up to the smaller of the columns' entropies.

    Example:
        >>> round(float(mutual_information([[10, 0], [0, 10]])), 3)
        0.693

    Source: Cover and Thomas, "Elements of information theory" (2006), section 2.3; plug-in estimate.
    """
    joint, rows, columns = _joint(counts)
    expected = rows * columns
    ratio = np.where(joint > 0, joint / np.where(expected > 0, expected, 1), 1.0)
    return np.asarray((joint * np.log(ratio)).sum(axis=(0, 1)).clip(0))


def correlation(first: ArrayLike, second: ArrayLike, weights: ArrayLike) -> Floats:
    """Pearson's correlation of two numbers, under many weightings of the records at once.

    Args:
        first: One number a record, shape (records,), finite.
        second: The other number, shape (records,), finite.
        weights: Floats, shape (records,) or (records, draws), not negative; their precision is the result's.

    Returns:
        For each draw -1 to 1; 0 where a number does not vary. No unit.

    Example:
        >>> round(float(correlation([1.0, 2.0, 3.0], [2.0, 4.0, 7.0], [1.0, 1.0, 1.0])), 3)
        0.993

    Source: Pearson (1895).
    """
    x, y = (np.asarray(one, dtype=np.float64) for one in (first, second))
    # Keeps squares small beside what they are subtracted from, also where weights have single precision.
    x, y = ((one - one.mean()) / (one.std() or 1.0) for one in (x, y))
    taken = np.asarray(weights)
    moments = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y]).astype(taken.dtype) @ taken
    total, mx, my, mxy, mxx, myy = moments.astype(np.float64)
    mx, my = mx / total, my / total
    covariance, vx, vy = mxy / total - mx * my, mxx / total - mx**2, myy / total - my**2
    scale = np.sqrt((vx * vy).clip(0))
    varies = (vx > 1e-9) & (vy > 1e-9)
    return np.asarray(np.where(varies, covariance / np.where(varies, scale, 1), 0.0).clip(-1, 1))


def _joint(counts: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Shares of pairs and of both sides, shapes that multiply to the pairs' shape."""
    numbers = np.asarray(counts, dtype=np.float64)
    joint = numbers / numbers.sum(axis=(0, 1))
    return joint, joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
