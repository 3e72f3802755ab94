"""Maximum mean discrepancy: how far two samples lie apart in what a kernel can see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


def gaussian_kernel(rows: ArrayLike) -> Rows:
    """Similarity exp(-d^2 / 2 s^2) of every pair of records, s the median distance between two of them.

    Args:
        rows: Shape (records, numbers).

    Returns:
        Shape (records, records), 0 (far) to 1 (equal).

    Source: Gretton et al., "A kernel two-sample test" (JMLR 2012), section 8 for the median.
    """
    points = np.asarray(rows, dtype=np.float32)
    squares = (points**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0)
    apart = distances[np.triu_indices(len(points), 1)][:: max(1, len(points) // 20)]  # a sample gives the median
    scale = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
    return np.asarray(np.exp(-distances / (2 * scale)), dtype=np.float32)


def polynomial_kernel(rows: ArrayLike) -> Rows:
    """Similarity (x y / d + 1)^3 of every pair of records, d how many numbers describe each: the kernel of KID.

    Args:
        rows: Shape (records, numbers).

    Returns:
        Shape (records, records).

    Source: Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs" (ICLR 2018).
    """
    points = np.asarray(rows, dtype=np.float64)
    return np.asarray((points @ points.T / points.shape[1] + 1) ** 3, dtype=np.float32)


def squared_mmd(kernel: ArrayLike) -> Callable[[ArrayLike, ArrayLike], Floats]:
    """The unbiased squared maximum mean discrepancy of two samples, for many weightings of the records.

    Args:
        kernel: Similarity of every pair of records of both samples, shape (records, records).

    Returns:
        A function from the records' weights in the first and in the second sample, shape (records, draws) each, to one
        number a draw: 0 on average for samples of one distribution, above for others; in units of the kernel. Chance
        can make it negative. A record is never compared with itself, nor with its own repetition in a resample.

    Example:
        >>> kernel = np.eye(4)
        >>> squared_mmd(kernel)([[1.0], [1.0], [0.0], [0.0]], [[0.0], [0.0], [1.0], [1.0]]).tolist()
        [0.0]

    Source: Gretton et al. (JMLR 2012), lemma 6.
    """
    apart = np.array(kernel, dtype=np.float32)
    np.fill_diagonal(apart, 0)

    def between(first: ArrayLike, second: ArrayLike) -> Floats:
        mine, real = (np.asarray(one, dtype=np.float32) for one in (first, second))
        seen, other = apart @ mine, apart @ real

        def mean(a: Rows, reached: Rows, b: Rows) -> Floats:
            pairs = a.sum(axis=0, dtype=np.float64) * b.sum(axis=0, dtype=np.float64)
            pairs -= (a.astype(np.float64) * b).sum(axis=0)
            return np.asarray((a.astype(np.float64) * reached).sum(axis=0) / pairs)

        return np.asarray(mean(mine, seen, mine) + mean(real, other, real) - 2 * mean(real, seen, mine))

    return between
