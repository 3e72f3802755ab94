"""Exact nearest neighbours, sought once per audit and shared by every check; `spaces/` says what near means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.features import Rows
from audit.spaces import ContentSpace, FloatArray, Points, Space, distinct_rows, join

__all__ = ["FloatArray", "Neighbours", "Points", "Space", "distinct_rows", "join"]


class Neighbours:
    """Nearest neighbours in one space, each pair of point sets searched once and then remembered.

    Sets are told apart by identity, so every check should ask with the same `Points` objects.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._found: dict[tuple[str, int, int], tuple[Points, Points, NDArray[Any]]] = {}

    def nearest(self, queries: Points, targets: Points, k: int = 1) -> FloatArray:
        """The `k` smallest mixed L1 distances of each query, shape (n, k), ascending; see `Space.nearest`."""
        return self.closest(queries, targets, k)[0]

    def closest(self, queries: Points, targets: Points, k: int = 1) -> tuple[FloatArray, NDArray[np.int64]]:
        """Distances of the `k` nearest targets of each query, ascending, and their row numbers; each (n, k)."""
        distances, rows = (self._recall(kind, queries, targets) for kind in ("distances", "rows"))
        if distances is None or rows is None or distances.shape[1] < k:
            distances, rows = self.space.closest(queries, targets, k)
            self._remember("distances", queries, targets, distances)
            self._remember("rows", queries, targets, rows)
        return distances[:, :k], rows[:, :k]

    def twin(self, queries: Points, targets: Points) -> FloatArray:
        """Distance to the nearest target that is equal but for its numbers, or its content; see the spaces' `twin`."""
        if isinstance(self.space, ContentSpace):
            return self.contents(queries, targets)[:, 0] / self.space.usual_gap
        known = self._recall("twin", queries, targets)
        return self._remember("twin", queries, targets, self.space.twin(queries, targets)) if known is None else known

    def contents(self, queries: Points, targets: Points, k: int = 1) -> FloatArray:
        """Distances between contents alone to the `k` nearest targets, shape (n, k); see `ContentSpace`."""
        known = self._recall("contents", queries, targets)
        if known is None or known.shape[1] < k:
            found = self._content_space.nearest_contents(queries, targets, k)
            known = self._remember("contents", queries, targets, found)
        return known[:, :k]

    def view(self, embedding: str, points: Points) -> Rows:
        """What one embedding says of the points' contents, shape (n, d); see `ContentSpace.view`."""
        return self._content_space.view(embedding, points)

    @property
    def _content_space(self) -> ContentSpace:
        if not isinstance(self.space, ContentSpace):
            raise TypeError("records of tables have no content to compare")
        return self.space

    def _recall(self, kind: str, queries: Points, targets: Points) -> NDArray[Any] | None:
        """What was found for these queries, or for others that they are part of."""
        entry = self._found.get((kind, id(queries), id(targets)))
        if entry is not None:
            return entry[2]
        if queries.origin is None:
            return None
        whole, rows = queries.origin
        known = self._recall(kind, whole, targets)
        return None if known is None else known[rows]

    def _remember(self, kind: str, queries: Points, targets: Points, found: NDArray[Any]) -> NDArray[Any]:
        # The points are kept too, so that their identity cannot pass to others.
        self._found[kind, id(queries), id(targets)] = (queries, targets, found)
        return found
