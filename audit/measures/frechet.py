"""The Frechet distance between two samples of features, as if both were Gaussian: the formula of FID."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def frechet_distance(first: ArrayLike, second: ArrayLike) -> float:
    """The squared 2-Wasserstein distance between Gaussians with the two samples' means and covariances.

    ``|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2)``. The last trace is the sum of the singular values of
    ``R1 R2'``, where ``A = Q R`` for each sample centred and divided by ``sqrt(n - 1)``: no square root of a matrix is
    taken, so the result is exact also where there are fewer records than features.

    Args:
        first: Features, shape (records, features), at least 2 records.
        second: The same of the other sample.

    Returns:
        From 0 (equal means and covariances) upwards, in squared units of the features; lower is more alike. Few records
        make it too large, so compare it with samples of the same size only.

    Example:
        >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
        9.0

    Source: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, "GANs trained by a two time-scale update rule"
    (NIPS 2017); Dowson and Landau (1982).
    """
    (m1, r1), (m2, r2) = (_factor(one) for one in (first, second))
    shared = np.linalg.svd(r1 @ r2.T, compute_uv=False).sum()
    value = ((m1 - m2) ** 2).sum() + (r1**2).sum() + (r2**2).sum() - 2 * shared
    return float(max(value, 0.0))


def _factor(rows: ArrayLike) -> tuple[Floats, Floats]:
    """Mean, and R with R'R the covariance."""
    points = np.asarray(rows, dtype=np.float64)
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(
            f"frechet_distance: features must be (records, features) with 2 records or more, not {points.shape}"
        )
    middle = points.mean(axis=0)
    return middle, np.asarray(np.linalg.qr((points - middle) / np.sqrt(len(points) - 1), mode="r"))
