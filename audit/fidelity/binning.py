"""Columns as few levels, so that combinations of them can be counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generators import Column

ORDERED = ("numeric", "integer", "ordinal", "datetime")
LEVELS = 8
"""Most levels of a column: equal shares of the records for numbers, the most frequent values for categories."""


def numbers(cells: pd.Series, column: Column) -> NDArray[np.float64]:
    """An ordered column's cells as numbers (dates as seconds since 1970), missing ones as NaN."""
    if column.kind == "datetime":
        seconds = cells.astype("datetime64[ns]").to_numpy().astype(np.int64) / 1e9
        return np.where(cells.isna(), np.nan, seconds)
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def binned(cells: pd.Series, column: Column, levels: int = LEVELS) -> NDArray[np.int64]:
    """The level of each cell, from 0: at most `levels`, and two more for other and for missing values.

    Edges and levels follow from all the cells together, whichever sample they come from, so that no relabelling of
    the samples would move them.
    """
    if column.kind in ORDERED:
        values = numbers(cells, column)
        known = np.isfinite(values)
        if not known.any():
            return np.zeros(len(cells), dtype=np.int64)
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, levels + 1)[1:-1], method="higher"))
        codes = np.searchsorted(edges, np.where(known, values, edges[0]), side="left")
        return np.where(known, codes, len(edges) + 1).astype(np.int64)
    ranked = cells.value_counts().index[:levels]
    codes = pd.Index(ranked).get_indexer(pd.Index(cells))
    return np.where(codes >= 0, codes, np.where(cells.isna(), len(ranked) + 1, len(ranked))).astype(np.int64)


def crossed(codes: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], int]:
    """One code for each combination of levels that occurs, from 0, and how many there are."""
    together = np.zeros(len(codes[0]), dtype=np.int64)
    for one in codes:
        together = together * (int(one.max()) + 1) + one
    values, crossed = np.unique(together, return_inverse=True)
    return crossed.astype(np.int64), len(values)
