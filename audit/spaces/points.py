"""Records as points: what a space remembers of each record, to compare it with others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Content:
    """What images, texts or recordings are remembered by.

    Embeddings are wide, and an audit cuts its parts into many overlapping ones: so a part of some contents holds their
    embeddings and the numbers of its rows, and gathers only when it is looked at.

    Attributes:
        embedded: (m, d) where contents lie among all others, float32; of all that these were taken from.
        identity: (n,) a number that differs where contents differ.
        rows: (n,) which of the embedded ones these are; None for all of them, in order.
    """

    embedded: NDArray[np.float32]
    identity: NDArray[np.int64]
    rows: NDArray[np.int64] | None = None

    @property
    def features(self) -> NDArray[np.float32]:
        """(n, d) where each content lies; a copy, if these are a part of others."""
        return self.embedded if self.rows is None else self.embedded[self.rows]

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where some of the contents lie, in any shape of row numbers."""
        return self.embedded[rows if self.rows is None else self.rows[rows]]

    def take(self, rows: NDArray[np.int64]) -> Content:
        """The contents at these row numbers."""
        return Content(self.embedded, self.identity[rows], rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True)
class Points:
    """Records placed in a space: numbers (n, a) unscaled with missing filled, category codes (n, b), and their content.

    `origin` remembers which rows of which other points these are, so that what is known of those is not sought again.
    """

    numbers: FloatArray
    codes: NDArray[np.int64]
    origin: tuple[Points, NDArray[np.int64]] | None = None
    content: Content | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.int64]) -> Points:
        """The points at these row numbers."""
        return Points(self.numbers[rows], self.codes[rows], (self, rows), self.content and self.content.take(rows))

    @property
    def cells(self) -> FloatArray:
        """What makes records equal, a column each: numbers, codes and the identity of the content."""
        columns = [self.numbers, self.codes.astype(np.float64)]
        if self.content is not None:
            columns.append(self.content.identity[:, None].astype(np.float64))
        return np.hstack(columns)

    @property
    def values(self) -> NDArray[np.floating]:
        """What a model can learn from, a column each: numbers, codes and the features of the content."""
        columns = np.hstack([self.numbers, self.codes.astype(np.float64)])
        if self.content is None:
            return columns
        return np.hstack([columns.astype(np.float32), self.content.features])


def join(*parts: Points) -> Points:
    """The points of several sets, one after another."""
    contents = [part.content for part in parts if part.content is not None]
    content = None
    if len(contents) == len(parts):
        content = Content(
            np.concatenate([one.features for one in contents]), np.concatenate([one.identity for one in contents])
        )
    return Points(
        np.concatenate([part.numbers for part in parts]), np.concatenate([part.codes for part in parts]), None, content
    )


def distinct_rows(values: NDArray[np.int64] | FloatArray) -> NDArray[np.int64]:
    """One integer per distinct row of a matrix, equal for equal rows."""
    groups = np.zeros(len(values), dtype=np.int64)
    for column in values.T:  # folding in one column at a time is far cheaper than sorting whole rows
        codes, levels = pd.factorize(column)
        groups, _ = pd.factorize(groups * max(len(levels), 1) + codes)
    return groups
