"""Precision, recall, density and coverage: what two samples share of the regions around their records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Manifolds(NamedTuple):
    """What two samples share. All are better when higher and have no unit.

    Attributes:
        precision: share of synthetic records that lie within reach of a real one, 0 to 1.
        recall: share of real records that lie within reach of a synthetic one, 0 to 1.
        density: how many real records reach a synthetic one, over how many reach a real one (k, and more where
            distances are equal): 1 on average for equal samples, no upper end.
        coverage: share of real records that have a synthetic one within their reach, 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def shared_manifolds(real: ArrayLike, synthetic: ArrayLike, k: int = 5) -> Manifolds:
    """How much of each sample lies within reach of the other? A record reaches as far as its k-th neighbour.

    A distance equal to the reach is within it, so that tables whose records coincide score 1 against themselves.

    Args:
        real: Features of real records, shape (records, features), more than k of them.
        synthetic: Features of synthetic records.
        k: Which neighbour sets the reach.

    Example:
        >>> points = np.arange(20.0)[:, None]
        >>> shared_manifolds(points, points, k=3).coverage
        1.0

    Source: Kynkaanniemi et al., "Improved precision and recall metric" (NeurIPS 2019); Naeem, Oh, Uh, Choi and Yoo,
    "Reliable fidelity and diversity metrics for generative models" (ICML 2020).
    """
    points, made = (np.asarray(one, dtype=np.float64) for one in (real, synthetic))
    return from_distances(_distances(points, points), _distances(made, made), _distances(points, made), k)


def from_distances(real: Floats, synthetic: Floats, between: Floats, k: int = 5) -> Manifolds:
    """`shared_manifolds` of distances: within each sample, and from real records (rows) to synthetic ones (columns)."""
    if min(len(real), len(synthetic)) <= k:
        raise ValueError(f"shared_manifolds: {min(len(real), len(synthetic))} records have no {k}-th neighbour")
    # A record is its own nearest neighbour, at distance 0.
    real_reach, made_reach = (np.partition(one, k, axis=1)[:, k] for one in (real, synthetic))
    within = between <= real_reach[:, None]
    others = (real <= real_reach[:, None]).sum(axis=1) - 1
    return Manifolds(
        precision=float(within.any(axis=0).mean()),
        recall=float((between <= made_reach[None, :]).any(axis=1).mean()),
        density=float(within.sum(axis=0).mean() / others.mean()),
        coverage=float(within.any(axis=1).mean()),
    )


def pairwise_distances(first: ArrayLike, second: ArrayLike) -> Floats:
    """Euclidean distances, shape (records of the first, records of the second)."""
    return _distances(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))


def _distances(first: Floats, second: Floats) -> Floats:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    # What rounding leaves of the distance between equal records must be nothing, or none would be within reach.
    floor = 1e-12 * max(float((first**2).sum(axis=1).max()), float((second**2).sum(axis=1).max()), 1e-300)
    return np.asarray(np.sqrt(np.where(squares < floor, 0.0, squares)))
