"""The space of images, texts and recordings: their content is one column among its labels.

Two contents are compared by the embeddings of their modality, each having an equal say: the distance is the root mean
square of the embeddings' Euclidean distances, each divided by the typical distance between two reference records. So
two records drawn at random lie about 1 apart, and what an embedding measures in does not matter.

- `ContentSpace.nearest`: that distance, plus the mixed L1 distance of the labels: like any other column, the content
  counts about one unit where it has nothing in common.
- `ContentSpace.twin`: the distance between contents alone, whatever their labels say, in units of the median distance
  from a reference record to its nearest other one. Zero, and only zero, is an equal image, text or recording.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from audit.features import Rows, embedder, embeddings
from audit.spaces.points import Content, FloatArray, Points
from audit.spaces.search import Measure, smallest
from audit.spaces.tables import Space
from generators import Schema
from generators.datasets.payload import cell_bytes, payload_column

CALIBRATED_ON = 4000
"""At most so many reference records say how far apart neighbours usually lie."""

_CHANGED = -1  # the identity of a content that was changed
_AT_A_TIME = 4_000_000  # numbers of features that are gathered at a time


class ContentSpace(Space):
    """A common frame of measurement for records whose content is an image, a text or a recording.

    Args:
        schema: the columns and their kinds; one of them holds the content.
        synthetic: the published records.
        reference: records that the attacker knows; embeddings and units are learnt from these alone.
        hidden: every other real record that will be placed in the space.
        device: where pairs of distances are computed.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("digits-images").split(seed=0)
        >>> space = ContentSpace(data.schema, data.holdout, data.reference)
        >>> space.nearest(space.place(data.train), space.place(data.holdout)).shape == (len(data.train), 1)
        True
    """

    def __init__(
        self,
        schema: Schema,
        synthetic: pd.DataFrame,
        reference: pd.DataFrame,
        hidden: Sequence[pd.DataFrame] = (),
        device: str = "cpu",
    ) -> None:
        self._column = payload_column(schema)
        labels = tuple(column for column in schema.columns if column.name != self._column.name)
        target = None if schema.target == self._column.name else schema.target
        super().__init__(replace(schema, columns=labels, target=target), synthetic, reference, hidden, device)
        self._names = [one.name for one in embeddings(self._column.kind)]
        self._views = [embedder(name, schema, reference) for name in self._names]
        seen = [view(reference) for view in self._views]
        self._ends = np.cumsum([0, *(view.shape[1] for view in seen)])
        self._middles = [view.mean(axis=0) for view in seen]
        self._typical = [_typical_distance(view) for view in seen]
        known = Content(self._features(seen), self._identities(reference))
        self._varies = len(np.unique(known.identity)) > 1
        self.usual_gap = self._usual_gap(known) if self._varies else 1.0

    @property
    def dimensions(self) -> int:
        """How many columns are compared; the content is one."""
        return super().dimensions + int(self._varies)

    def place(self, frame: pd.DataFrame) -> Points:
        """Turn records into points: the labels beside the content, and the content by its embeddings."""
        content = Content(self._features([view(frame) for view in self._views]), self._identities(frame))
        return replace(super().place(frame), content=content)

    def closest(
        self, queries: Points, targets: Points, k: int = 1, *, exclude_self: bool = False
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """Distances of labels and content to the `k` nearest targets, ascending, and their rows, each (n, k)."""
        beside, within = self._measure(queries, targets), self._measure_content(queries, targets)
        _, rows = smallest(
            lambda start, stop: beside(start, stop) + within(start, stop),
            len(queries),
            len(targets),
            k,
            exclude_self=exclude_self,
        )
        found = self._labels_apart(queries, targets, rows) + self._contents_apart(queries, targets, rows)
        order = np.argsort(found, axis=1, kind="stable")
        return np.take_along_axis(found, order, axis=1), np.take_along_axis(rows, order, axis=1)

    def twin(self, queries: Points, targets: Points, *, exclude_self: bool = False) -> FloatArray:
        """Distance between contents to the nearest target, in units of the usual gap between neighbours, shape (n,)."""
        return self.nearest_contents(queries, targets, exclude_self=exclude_self)[:, 0] / self.usual_gap

    def nearest_contents(
        self, queries: Points, targets: Points, k: int = 1, *, exclude_self: bool = False
    ) -> FloatArray:
        """Distances between contents alone to the `k` nearest targets, ascending, shape (n, k)."""
        within = self._measure_content(queries, targets)
        _, rows = smallest(within, len(queries), len(targets), k, exclude_self=exclude_self)
        found = np.sort(self._contents_apart(queries, targets, rows), axis=1)
        if not exclude_self:
            # Embeddings leave things out, such as case or loudness: among targets as near as can be, the equal one may
            # not have been the one that was found.
            equal = np.isin(_content(queries).identity, _content(targets).identity) & (found[:, 0] > 0)
            found[equal] = np.insert(found[equal, :-1], 0, 0.0, axis=1)
        return found

    def view(self, name: str, points: Points) -> Rows:
        """What one embedding says of the points' contents, centred and scaled, shape (n, d)."""
        number, content = self._names.index(name), _content(points)
        seen = content.embedded[:, self._ends[number] : self._ends[number + 1]]
        return seen if content.rows is None else seen[content.rows]

    def blurred(self, points: Points, most: float, rng: np.random.Generator) -> Points:
        """The points, their contents moved up to `most` usual gaps in a random direction."""
        content = _content(points)
        features = content.features
        directions = rng.normal(size=features.shape)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        reach = rng.uniform(0, most * self.usual_gap, size=(len(points), 1))
        moved = (features + reach * directions).astype(np.float32)
        changed = np.full(len(points), _CHANGED, dtype=np.int64)
        return Points(points.numbers, points.codes, content=Content(moved, changed))

    def _features(self, views: Sequence[Rows]) -> Rows:
        """The embeddings side by side, each centred and scaled so that squared distances add up to a mean of shares."""
        scaled = [
            (view - middle) / (typical * len(views) ** 0.5)
            for view, middle, typical in zip(views, self._middles, self._typical, strict=True)
        ]
        return np.concatenate(scaled, axis=1).astype(np.float32)

    def _identities(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """The first 52 bits of each content's SHA-256: few enough to be exact as floats too."""
        digests = [hashlib.sha256(cell_bytes(cell)).digest() for cell in frame[self._column.name]]
        return np.array([int.from_bytes(digest[:7], "big") >> 4 for digest in digests], dtype=np.int64)

    def _usual_gap(self, known: Content) -> float:
        """The median distance from a reference content to the nearest one that differs."""
        distinct = np.unique(known.identity, return_index=True)[1]
        sample = Points(
            np.zeros((len(distinct), 0)),
            np.zeros((len(distinct), 0), dtype=np.int64),
            content=known.take(distinct),
        ).take(np.arange(min(len(distinct), CALIBRATED_ON)))
        gap = float(np.median(self.nearest_contents(sample, sample, exclude_self=True)))
        return gap if gap > 0 else 1.0

    def _measure_content(self, queries: Points, targets: Points) -> Measure:
        """Euclidean distances by one matrix product: fast, and good to about a thousandth."""
        asked, there = (torch.from_numpy(_content(one).features).to(self.device) for one in (queries, targets))
        return lambda start, stop: torch.cdist(asked[start:stop], there, compute_mode="use_mm_for_euclid_dist")

    @staticmethod
    def _contents_apart(queries: Points, targets: Points, rows: NDArray[np.int64]) -> FloatArray:
        """Distance from each query's content to chosen targets, exactly, shape (n, k): zero if and only if equal."""
        asked, there = _content(queries), _content(targets)
        found = np.empty(rows.shape)
        step = max(1, _AT_A_TIME // max(1, rows.shape[1] * asked.embedded.shape[1]))
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            gaps = asked.of(np.arange(len(rows))[some])[:, None, :] - there.of(rows[some])
            found[some] = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
        equal = asked.identity[:, None] == there.identity[rows]
        return np.where(equal, 0.0, np.maximum(found, 1e-6))

    def _labels_apart(self, queries: Points, targets: Points, rows: NDArray[np.int64]) -> FloatArray:
        """Mixed L1 distance from each query's labels to those of chosen targets, shape (n, k)."""
        asked, there = (self._relative(one, self._central_range) for one in (queries, targets))
        differ = queries.codes[:, None, :] != targets.codes[rows]
        return np.asarray(np.abs(asked[:, None, :] - there[rows]).sum(axis=2) + differ.sum(axis=2), dtype=np.float64)


def _content(points: Points) -> Content:
    if points.content is None:
        raise ValueError("these points have no content: they were placed in a space of tables")
    return points.content


def _typical_distance(view: Rows) -> float:
    """Root mean square distance between two records, 1 where all are equal."""
    typical = float(np.sqrt(2 * view.astype(np.float64).var(axis=0).sum()))
    return typical if typical > 0 else 1.0
