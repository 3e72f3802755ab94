"""Records as rows of numbers in which near means alike, for every check that looks at whole records."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Sample, Subject
from audit.features import embedder
from audit.fidelity.binning import ORDERED, numbers
from generators import Column, Schema

Rows = NDArray[np.float32]

FEATURES = {"tabular": "columns", "image": "gradients", "text": "themes", "audio": "voice"}
"""The features of each modality; whatever is measured in them says so in its name."""

MOST_LEVELS = 50
MOST_SCALE = 4.0  # what hardly varies must not count for more than all the rest


class Placed:
    """The records of one subject as rows.

    Get it with `subject.shared(placed_by_train)`, or `placed_by_reference`, so that each part is placed once.

    What features learn, such as which levels are frequent, they must learn from records that are not compared: they
    would learn what happens to stand there, and tell those from all others.

    Attributes:
        place: from a canonical frame to its rows.
        columns: the columns of a table, each with how many numbers it takes, in order; empty for contents.
    """

    def __init__(self, subject: Subject, seen: pd.DataFrame) -> None:
        data = subject.dataset
        self.place: Callable[[pd.DataFrame], Rows]
        self.columns: list[tuple[str, int]] = []
        if data.modality == "tabular":
            self.place = columns(data.schema, seen)
            self.columns = widths(data.schema, seen)
        else:
            self.place = embedder(FEATURES[data.modality], data.schema, seen)
        self._seed = subject.seed
        self._kept: dict[tuple[str, int], tuple[Rows, NDArray[np.int64]]] = {}

    def chosen(self, records: int, size: int) -> NDArray[np.int64]:
        """Which of so many records are placed when a sample of `size` is wanted, in their order."""
        return np.sort(np.random.default_rng([self._seed, size]).permutation(records)[:size])

    def rows(self, sample: Sample, size: int) -> tuple[Rows, NDArray[np.int64]]:
        """A random `size` of the sample's records as rows, shape (size, numbers), and their persons."""
        key = (sample.case, size)
        if key in self._kept:
            return self._kept[key]
        chosen = self.chosen(len(sample.frame), size)
        units = np.unique(sample.units[chosen], return_inverse=True)[1]
        found = self.place(sample.frame.iloc[chosen]), units
        if sample.case != "damaged":
            self._kept[key] = found
        return found


def placed_by_train(subject: Subject) -> Placed:
    """Records in features learnt from train: for checks that compare published records, reference and holdout."""
    return Placed(subject, subject.dataset.train)


def placed_by_reference(subject: Subject) -> Placed:
    """Records in features learnt from the reference: for checks that compare train with the holdout."""
    return Placed(subject, subject.dataset.reference)


def holdout_sample(subject: Subject) -> Sample:
    """The real records that samples are compared with."""
    return Sample("holdout", subject.dataset.holdout, subject.dataset.units("holdout"))


def widths(schema: Schema, seen: pd.DataFrame) -> list[tuple[str, int]]:
    """The columns in the order of `columns`, and how many numbers each takes."""
    few = seen.iloc[:1]
    parts = [_column(seen[column.name], column) for column in schema.modelled if not column.constant]
    return [(name, place(few[name]).shape[1]) for name, place in parts]


def columns(schema: Schema, seen: pd.DataFrame) -> Callable[[pd.DataFrame], Rows]:
    """A way from records of a table to rows in which every column counts alike.

    A number becomes its rank among those seen, from -.5 to .5 (0 where it is missing), so that no unit and no far
    value counts for more than others; a category becomes one number for each of its 50 most frequent levels. Every
    column is scaled to the same spread among those, but at most four times as it stands.
    """
    parts = [_column(seen[column.name], column) for column in schema.modelled if not column.constant]
    return lambda frame: np.hstack([place(frame[name]) for name, place in parts]).astype(np.float32)


def _column(seen: pd.Series, column: Column) -> tuple[str, Callable[[pd.Series], Rows]]:
    place = _ranked(seen, column) if column.kind in ORDERED else _levelled(seen)
    spread = float(np.sqrt(place(seen).var(axis=0).sum()))
    scale = np.float32(min(1 / spread, MOST_SCALE) if spread > 0 else MOST_SCALE)
    return column.name, lambda cells: place(cells) * scale


def _ranked(seen: pd.Series, column: Column) -> Callable[[pd.Series], Rows]:
    values = numbers(seen, column)
    known = np.sort(values[np.isfinite(values)])

    def place(cells: pd.Series) -> Rows:
        asked = numbers(cells, column)
        below, up_to = (np.searchsorted(known, asked, side=side) for side in ("left", "right"))
        rank = (below + up_to) / (2 * max(len(known), 1)) - 0.5
        missing = ~np.isfinite(asked)
        return np.column_stack([np.where(missing, 0.0, rank), missing]).astype(np.float32)

    return place


def _levelled(seen: pd.Series) -> Callable[[pd.Series], Rows]:
    levels = pd.Index(seen.value_counts().index[:MOST_LEVELS])

    def place(cells: pd.Series) -> Rows:
        codes = levels.get_indexer(pd.Index(cells))
        codes = np.where(codes >= 0, codes, np.where(cells.isna(), len(levels) + 1, len(levels)))
        return np.eye(len(levels) + 2, dtype=np.float32)[codes]

    return place
