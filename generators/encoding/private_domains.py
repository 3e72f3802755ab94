"""Domains that nobody declared public, learnt from the records under differential privacy and paid for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from generators.datasets.columns import LEVEL_KINDS, Column
from generators.datasets.schema import Schema
from generators.encoding.blocks import present_values
from generators.errors import InputError
from generators.privacy.curator import Curator, Floats

_DEPTH = 5
"""How often an octave is split into four: into 1024 cells in the end."""

_SMALLEST, _LARGEST = -20, 64
"""Powers of two, the smallest and the largest octave: values beyond the last, and below the first, count as these."""

_LAST_MOMENT = 9.2e9
"""Seconds from 1970 to either end of what nanoseconds of 64 bits can tell."""

_QUANTILES = 128
_FREQUENT = 16
"""Most single values of a range that get a category of their own."""

_SHARE = 1 / 32
"""Smallest share of all units at which a single value of a range counts as frequent: that of one bin of 32."""

_FALSE_OCTAVE = 1e-3
"""Chance with which noise alone makes an empty octave look occupied, for a whole column."""


def declared_only(schema: Schema) -> Schema:
    """Return the schema without anything that reading the records put into it.

    Raises:
        InputError: What a column is, or the size of images, or the rate of recordings was read from the records.
    """
    return replace(schema, columns=tuple(_declared(column, schema) for column in schema.columns))


def _declared(column: Column, schema: Schema) -> Column:
    if column.paid:
        raise InputError(
            f"column '{column.name}': its domain was paid for by another run, whose ledger this run does not have; "
            "train with the schema that the other run began with, and pay again"
        )
    if column.name == schema.unit or column.kind == "text":
        # That it names people, or holds the texts, the caller says; nothing else is known of it.
        return Column(column.name, column.kind, public=column.public)
    if column.public is None:
        need, read = f"kind: {column.kind}", "its kind was guessed from the records"
        if column.kind == "image" and column.shape is not None:
            need, read = f"kind: image, shape: {list(column.shape)}", "the size of its images was read from the records"
        elif column.kind == "audio":
            need, read = f"kind: audio, rate: {column.rate}", "its sample rate was read from the records"
        raise InputError(
            f"column '{column.name}': {read}, which a budget does not allow; declare {need} and public: WHO for it in "
            "a schema file" + ("; a domain may be declared too, or paid for" if column.is_modelled else "")
        )
    return column


def learn_domains(frame: pd.DataFrame, schema: Schema, curator: Curator, *, shares: bool) -> Schema:
    """Learn what encoders need to know and nobody declared, for the budget's share of preprocessing.

    A column of levels without a declared domain is asked which values are frequent; rarer ones become missing. A range
    is asked for its frequent single values, and how the others are spread: from that follow quantiles and, unless they
    are declared, bounds. Where labels are to be drawn as they occur, each declared column of levels is asked how often.

    Args:
        frame: Canonical training frame.
        schema: What `declared_only` returned.
        curator: Who answers.
        shares: Whether it matters how often each level occurs.

    Returns:
        The schema with these domains known; the frame has to be `fitted_into` them.

    Raises:
        InputError: A domain came out empty, or the budget is exhausted.
    """
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
    return 2


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
    numbers = np.clip(numbers, _low(column), _high(column))
    found = curator.frequent(f"which single values of {column.name} are frequent", pd.Series(numbers))
    frequent = [float(value) for value, count in found if count >= _SHARE * curator.units][:_FREQUENT]
    atoms = tuple(sorted({*column.frequent, *frequent}))
    numbers[np.isin(numbers, atoms)] = np.nan
    quantiles = _quantiles(_spread(column, numbers, curator), whole=_is_whole(column))
    if column.domain_is_known:
        return replace(column, frequent=atoms, quantiles=quantiles)
    seen = [*atoms, *quantiles]
    if not seen:
        raise InputError(
            f"column '{column.name}': too few values to see their magnitude through the noise; declare low and high "
            "public in a schema file, or allow more epsilon or preprocessing"
        )
    low = min(seen) if column.low is None else column.low
    high = max(seen) if column.high is None else column.high
    return replace(column, low=low, high=high, frequent=atoms, quantiles=quantiles, paid=True)


def _low(column: Column) -> float:
    return (-_LAST_MOMENT if column.kind == "datetime" else -math.inf) if column.low is None else column.low


def _high(column: Column) -> float:
    return (_LAST_MOMENT if column.kind == "datetime" else math.inf) if column.high is None else column.high


def _is_whole(column: Column) -> bool:
    return column.kind in ("integer", "datetime")


def _spread(column: Column, numbers: Floats, curator: Curator) -> list[tuple[float, float, float]]:
    """Return where values lie as far as noise lets through: ascending pieces (from, to, how many units).

    Tables of counts are read from coarse to fine. The first counts octaves, signed powers of two from the declared low
    end or from 0, which are the same for any data; each next one splits every cell into four. A cell is looked into
    only if it holds enough to tell its parts, so that noise does not add up over what is empty.
    """
    origin = 0.0 if column.low is None else column.low
    powers = 2.0 ** np.arange(_SMALLEST, _LARGEST + 1)
    edges = np.concatenate([-powers[::-1], [0.0], powers])
    octaves = len(edges) - 1
    present = ~np.isnan(numbers)
    offsets = np.where(present, numbers - origin, 0.0)
    octave = np.clip(np.searchsorted(edges, offsets, side="right") - 1, 0, octaves - 1)
    part = np.clip((offsets - edges[octave]) / np.diff(edges)[octave], 0.0, 1.0)
    asked = []
    for level in range(_DEPTH + 1):
        parts = 4**level
        cells = octave * parts + np.minimum((part * parts).astype(np.int64), parts - 1)
        asked.append((np.where(present, cells, -1), octaves * parts))
    tables, noise = curator.tables(f"how the values of {column.name} are spread", asked)

    def pieces(level: int, cell: int, units: float) -> list[tuple[float, float, float]]:
        low, width = edges[cell >> 2 * level], np.diff(edges)[cell >> 2 * level] / 4**level
        low += origin + width * (cell % 4**level)
        if level < _DEPTH and units > 4 * noise and not (_is_whole(column) and width <= 1):
            counts = tables[level + 1][4 * cell : 4 * cell + 4]
            counts = np.where(counts > 2 * noise, counts, 0.0)
            if counts.any():
                shares = units * counts / counts.sum()
                below = [
                    pieces(level + 1, 4 * cell + place, float(shares[place]))
                    for place in np.flatnonzero(counts).tolist()
                ]
                return [piece for one in below for piece in one]
        return [(max(low, _low(column)), min(low + width, _high(column)), units)]

    occupied = np.flatnonzero(tables[0] > noise * norm.isf(_FALSE_OCTAVE / octaves))
    found = [piece for cell in occupied for piece in pieces(0, int(cell), float(tables[0][cell]))]
    return [(low, high, units) for low, high, units in found if low <= high]


def _quantiles(spread: list[tuple[float, float, float]], *, whole: bool) -> tuple[float, ...]:
    """Return the values at even shares; none if nothing is known of the spread."""
    if not spread:
        return ()
    ends = np.array([end for low, high, _ in spread for end in (low, high)])
    units = np.array([units for _, _, units in spread])
    upto = np.repeat(np.cumsum(units), 2)
    upto[::2] -= units
    places = np.interp(np.linspace(0, 1, _QUANTILES + 1) * upto[-1], upto, ends)
    if whole:
        # Whole number v stands for all of [v, v + 1), up to its end, which is no value itself.
        places = np.minimum(np.floor(places), max(math.ceil(places[-1]) - 1, math.floor(places[0])))
    return tuple(places.tolist())


def _fitted(cells: pd.Series[Any], column: Column) -> pd.Series[Any]:
    if column.kind in LEVEL_KINDS:
        return cells.where(cells.isin(list(column.levels or ())))
    if column.kind != "datetime":
        return cells.clip(column.low, column.high)
    low, high = (np.datetime64(int(bound or 0), "s") for bound in (column.low, column.high))
    return pd.Series(np.clip(cells.to_numpy(), low, high), index=cells.index).astype("datetime64[ns]")
