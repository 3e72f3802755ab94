"""Some of the people behind many records, drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

ENOUGH = 300
"""Units with which resampling is steady."""


def some_units(units: IntArray, most: int, rng: np.random.Generator) -> IntArray:
    """Row numbers of randomly chosen units, at most `most` rows: whole units, unless that would leave too few of them.

    Intervals resample units, so where each has very many records, it is better to look at some records of enough units
    than at all records of a handful.

    Args:
        units: Who each row belongs to, shape (n,).
        most: Rows to choose at most, above 0.
        rng: The source of randomness.
    """
    if len(units) <= most:
        return np.arange(len(units))
    _, of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order, of_row = rng.permutation(len(sizes)), of_row.reshape(-1)
    whole = int(np.searchsorted(np.cumsum(sizes[order]), most, side="right"))
    wanted = min(len(sizes), ENOUGH, most)
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[: max(whole, wanted)]] = True
    rows = np.flatnonzero(chosen[of_row])
    if whole >= wanted:
        return rows
    rows = rng.permutation(rows)
    rows = rows[np.argsort(of_row[rows], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(of_row[rows], minlength=len(sizes)))])[:-1]
    place = np.arange(len(rows)) - starts[of_row[rows]]  # of a row among its unit's, in random order
    return np.sort(rows[place < most // wanted])


def half(units: IntArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random half of the units, as a mask over rows."""
    distinct, of_row = np.unique(units, return_inverse=True)
    chosen = np.zeros(len(distinct), dtype=bool)
    chosen[rng.permutation(len(distinct))[: len(distinct) // 2]] = True
    return chosen[of_row.reshape(-1)]
