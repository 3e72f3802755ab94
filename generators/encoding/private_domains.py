"""Domains that nobody declared public, learnt from the records under differential privacy and paid for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from generators.datasets.schema import LEVEL_KINDS, Column, Schema
from generators.encoding.blocks import present_values
from generators.errors import InputError
from generators.privacy.curator import Curator

_CELLS = 1024
"""Cells of the histogram from which a range's quantiles are read."""

_QUANTILES = 128
_FREQUENT = 16
"""Most single values of a range that get a category of their own."""

_SHARE = 0.01
"""Smallest share of all units at which a single value of a range counts as frequent."""

_SMALLEST, _LARGEST = -20, 64
"""Powers of two between which bounds are sought: beyond the last, and below the first, values count as these."""


def learn_domains(frame: pd.DataFrame, schema: Schema, curator: Curator, *, shares: bool) -> Schema:
    """Learn what encoders need to know and nobody declared, for the budget's share of preprocessing.

    A column of levels without a declared domain is asked which values are frequent; rarer ones become missing. A range
    without bounds is asked for the magnitude of its values, and every range for its frequent single values and for its
    quantiles. Where labels are to be drawn as they occur, each declared column of levels is asked how often.

    Args:
        frame: Canonical training frame.
        schema: Its columns, each of which somebody has declared public, at least in its kind.
        curator: Who answers.
        shares: Whether it matters how often each level occurs.

    Returns:
        The schema with these domains known; the frame has to be `fitted_into` them.

    Raises:
        InputError: A column's kind is not declared, a domain came out empty, or the budget is exhausted.
    """
    for column in schema.modelled:
        if column.public is None:
            raise InputError(
                f"column '{column.name}': its kind was guessed from the records, which a budget does not allow; "
                f"declare kind: {column.kind} and public: WHO for it in a schema file"
            )
    asked = sum(_questions(column, shares) for column in schema.modelled) + (not curator.budget.n_public)
    if asked == 0 or curator.budget.preprocessing == 0:
        return schema
    curator.expect(asked)
    curator.count_units()
    known = {
        column.name: (
            _with_levels(column, frame[column.name], curator, shares)
            if column.kind in LEVEL_KINDS
            else _with_range(column, frame[column.name], curator)
        )
        for column in schema.modelled
    }
    return replace(schema, columns=tuple(known.get(column.name, column) for column in schema.columns))


def fitted_into(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the frame with cells beyond the domains that were paid for made missing, or moved to their bounds."""
    return frame.assign(
        **{column.name: _fitted(frame[column.name], column) for column in schema.modelled if column.paid}
    )


def _questions(column: Column, shares: bool) -> int:
    if column.kind in LEVEL_KINDS:
        return int(shares or not column.domain_is_known)
    return 3 - column.domain_is_known


def _with_levels(column: Column, cells: pd.Series[Any], curator: Curator, shares: bool) -> Column:
    if column.domain_is_known:
        if not shares or column.levels is None:
            return column
        codes = pd.Index(list(column.levels), dtype=cells.dtype).get_indexer(pd.Index(cells)).astype(np.int64)
        codes[cells.isna().to_numpy()] = len(column.levels) if column.missing else -1
        size = len(column.levels) + column.missing
        counts = curator.counts(f"how often each value of {column.name} occurs", codes, size).clip(0)
        return replace(column, shares=tuple((counts / counts.sum()).tolist()) if counts.sum() > 0 else ())
    found = curator.frequent(f"which values of {column.name} occur often enough to be seen through the noise", cells)
    if not found:
        raise InputError(
            f"column '{column.name}': no value is frequent enough to be seen through the noise; declare its levels "
            "public in a schema file, or allow more epsilon or preprocessing"
        )
    levels = sorted(value for value, _ in found)
    counts = np.array([max(dict(found)[level], 0.0) for level in levels] + [0.0])
    return replace(
        column,
        levels=tuple(levels),
        missing=True,
        paid=True,
        shares=tuple((counts / counts.sum()).tolist()) if shares else (),
    )


def _with_range(column: Column, cells: pd.Series[Any], curator: Curator) -> Column:
    moment = column.kind == "datetime"
    numbers = np.full(len(cells), np.nan)
    numbers[cells.notna().to_numpy()] = present_values(cells, moment=moment)
    if column.domain_is_known and column.low is not None and column.high is not None:
        low, high, paid, missing = column.low, column.high, column.paid, column.missing
    else:
        low, high = _bounds(column, numbers, curator)
        paid, missing = True, True
    whole = column.kind == "integer" or moment
    seen = pd.Series(np.where(np.isnan(numbers), np.nan, numbers.clip(low, high)))
    found = curator.frequent(f"which single values of {column.name} are frequent", seen)
    least = _SHARE * curator.units
    atoms = tuple(sorted({*column.frequent, *(float(value) for value, count in found[:_FREQUENT] if count >= least)}))
    cells_of, edges = _grid(seen[~seen.isin(atoms)].reindex(seen.index), low, high, whole)
    counts = curator.counts(f"how the values of {column.name} are spread", cells_of, len(edges) - 1)
    quantiles = _quantiles(counts, edges, curator.noise)
    return replace(column, low=low, high=high, frequent=atoms, quantiles=quantiles, missing=missing, paid=paid)


def _bounds(column: Column, numbers: npt.NDArray[np.float64], curator: Curator) -> tuple[float, float]:
    """Read bounds off a noisy histogram of magnitudes: signed powers of two, the same for any data."""
    sizes = np.clip(np.ceil(np.log2(np.maximum(np.abs(numbers), 2.0**_SMALLEST))), _SMALLEST, _LARGEST)
    steps = sizes - _SMALLEST + 1
    places = np.where(np.abs(numbers) <= 2.0**_SMALLEST, 0, np.sign(numbers) * steps)
    reach = _LARGEST - _SMALLEST + 1
    cells = np.where(np.isnan(numbers), -1, np.nan_to_num(places) + reach).astype(np.int64)
    counts = curator.counts(f"the magnitude of the values of {column.name}", cells, 2 * reach + 1)
    # So high that noise alone passes it, in any of the cells, once in a hundred runs.
    occupied = np.flatnonzero(counts > curator.noise * norm.isf(0.01 / len(counts)))
    if not len(occupied):
        raise InputError(
            f"column '{column.name}': too few values to see their magnitude through the noise; declare low and high "
            "public in a schema file, or allow more epsilon or preprocessing"
        )

    def outer(place: int) -> float:
        return 0.0 if place == 0 else math.copysign(2.0 ** (abs(place) - 1 + _SMALLEST), place)

    def inner(place: int) -> float:
        return 0.0 if abs(place) <= 1 else math.copysign(2.0 ** (abs(place) - 2 + _SMALLEST), place)

    first, last = int(occupied[0]) - reach, int(occupied[-1]) - reach
    low = outer(first) if first <= 0 else inner(first)
    high = outer(last) if last >= 0 else inner(last)
    return (math.floor(low), math.ceil(high)) if column.kind in ("integer", "datetime") else (low, high)


def _grid(
    cells: pd.Series[Any], low: float, high: float, whole: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the cell of each value on an even grid, -1 for missing ones, and the grid's edges."""
    span = high - low + (1 if whole else 0)
    number = int(min(_CELLS, span)) if whole else _CELLS
    edges = np.linspace(low, low + span, max(number, 1) + 1)
    values = cells.to_numpy(dtype=np.float64)
    inside = np.clip(np.searchsorted(edges, np.nan_to_num(values), side="right") - 1, 0, len(edges) - 2)
    return np.where(np.isnan(values), -1, inside).astype(np.int64), edges


def _quantiles(counts: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], noise: float) -> tuple[float, ...]:
    """Return the values at even shares, read off a noisy histogram; empty if it shows nothing but noise."""
    # Cells that noise alone could have filled are left out where they are empty around, or their sum would drown all.
    kept = np.where(counts > noise, counts, 0.0)
    total = kept.sum()
    if total <= 4 * noise * math.sqrt(len(counts)):
        return ()
    below = np.concatenate([[0.0], np.cumsum(kept)]) / total
    places = np.interp(np.linspace(0, 1, _QUANTILES + 1), below, edges)
    return tuple(float(place) for place in places)


def _fitted(cells: pd.Series[Any], column: Column) -> pd.Series[Any]:
    if column.kind in LEVEL_KINDS:
        return cells.where(cells.isin(list(column.levels or ())))
    if column.kind != "datetime":
        return cells.clip(column.low, column.high)
    low, high = (np.datetime64(int(bound or 0), "s") for bound in (column.low, column.high))
    return pd.Series(np.clip(cells.to_numpy(), low, high), index=cells.index).astype("datetime64[ns]")
