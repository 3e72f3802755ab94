"""Records as points: what a space remembers of each record, to compare it with others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Content:
    """What an image, a text or a recording is remembered by.

    Attributes:
        features: (n, d) where it lies among all others, float32.
        identity: (n,) a number that differs where contents differ.
    """

    features: NDArray[np.float32]
    identity: NDArray[np.int64]


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
        content = self.content and Content(self.content.features[rows], self.content.identity[rows])
        return Points(self.numbers[rows], self.codes[rows], (self, rows), content)

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
