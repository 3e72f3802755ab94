"""Which published records are nearest to each record in some of its columns?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.neighbours import Points, Space

IntArray = NDArray[np.int64]
ROWS = 4  # queries compared at a time: few enough that all their distances stay in the processor's cache


class Comparison:
    """Distances from some records to others over any choice of columns, after Gower (Biometrics 1971).

    A category that differs counts one, a number its absolute difference over the column's full range. A missing value
    is a value of its own: equal to another missing one.

    Args:
        queries: n points.
        targets: m points.
        space: where both were placed; it knows the ranges.
        rng: breaks ties at random (one order of the targets for all queries); without it the first in order wins.
    """

    def __init__(self, queries: Points, targets: Points, space: Space, rng: np.random.Generator | None = None) -> None:
        self._space, self._size = space, len(queries)
        self._order = np.arange(len(targets)) if rng is None else rng.permutation(len(targets))
        self._numbers = [
            ((points.numbers - space.middle) / space.full_range).astype(np.float32) for points in (queries, targets)
        ]
        self._numbers[1] = np.ascontiguousarray(self._numbers[1][self._order].T)
        least = min(points.codes.min(initial=0) for points in (queries, targets))
        most = max(points.codes.max(initial=0) for points in (queries, targets))
        kind = np.min_scalar_type(most - least)  # bytes, mostly: sixteen and more are compared at once
        self._codes = [(points.codes - least).astype(kind) for points in (queries, targets)]
        self._codes[1] = np.ascontiguousarray(self._codes[1][self._order].T)

    def nearest(self, columns: Sequence[str], k: int = 1) -> IntArray:
        """Row numbers of the `k` nearest targets of each query by these columns, nearest first, shape (n, k)."""
        found = [_least(self._distances(rows, columns), k) for rows in self._chunks()]
        return np.asarray(self._order[np.concatenate(found)], dtype=np.int64)

    def nearest_without(self, columns: Sequence[str], left_out: Sequence[str]) -> IntArray:
        """The nearest target of each query by all of `columns` but one, for each one left out in turn.

        All distances are made once, and what a column adds to them is taken off again.

        Returns:
            Row numbers, shape (n, number left out).
        """
        found = []
        for rows in self._chunks():
            total = self._distances(rows, columns)
            found.append(np.stack([(total - self._distances(rows, [one])).argmin(axis=1) for one in left_out], axis=1))
        return np.asarray(self._order[np.concatenate(found)], dtype=np.int64)

    def _chunks(self) -> Iterator[slice]:
        return (slice(start, start + ROWS) for start in range(0, self._size, ROWS))

    def _distances(self, rows: slice, columns: Sequence[str]) -> NDArray[np.float32]:
        numbers, codes = self._space.locate(columns)
        size = len(self._numbers[0][rows]), len(self._order)
        differing = np.zeros(size, dtype=np.uint8 if len(codes) < 256 else np.uint16)
        other = np.empty(size, dtype=np.bool_)
        for j in codes:
            np.not_equal(self._codes[0][rows, j, None], self._codes[1][j], out=other)
            differing += other.view(np.uint8)
        total = differing.astype(np.float32)
        gap = np.empty(size, dtype=np.float32)
        for j in numbers:
            np.subtract(self._numbers[0][rows, j, None], self._numbers[1][j], out=gap)
            np.abs(gap, out=gap)
            total += gap
        return total


def _least(distances: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The positions of the `k` smallest values of each row, the first among equals."""
    if k == 1:
        return np.asarray(distances.argmin(axis=1)[:, None], dtype=np.int64)
    near = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(near, order, axis=1), dtype=np.int64)
