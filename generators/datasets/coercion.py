"""Strings to canonical cells and back.

The canonical form of a table, used by every part of the project: float64 for numeric, integer and ordinal columns
(NaN where missing), datetime64[ns] in UTC for datetime columns (NaT where missing), and Python strings in an object
column for all the rest (NaN where missing). Rows are numbered from 0; columns stand in the schema's order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.columns import Column
from generators.datasets.tokens import MISSING_TOKENS, TRUTH, to_dates, to_numbers
from generators.errors import InputError

_EXACT = 2**53
"""Below it, float64 tells any two whole numbers apart."""
_LONG = re.compile(r"[+-]?\d{16,}")
_EXPECTED = {
    "numeric": "a number",
    "integer": "an integer",
    "ordinal": "a number",
    "boolean": "a truth value",
    "datetime": "an ISO date",
}


def coerce(columns: Sequence[Column], frame: pd.DataFrame, source: str, *, unit: str | None = None) -> pd.DataFrame:
    """Turn a table of strings into canonical cells.

    Args:
        columns: What they are, in order. Categories that they do not know are accepted.
        frame: Cells as `read_table` returns them.
        source: The file's name, for messages.
        unit: The column that names the person, which no record may lack.

    Returns:
        The canonical frame, columns in the given order.

    Raises:
        InputError: A column is missing or unexpected, holds nothing, or a cell is not of its column's kind; the
            message names source, column and 1-based data row.
    """
    names = [column.name for column in columns]
    for name in names:
        if name not in frame.columns:
            raise InputError(
                f"{source}: column '{name}' is missing; the table has {', '.join(map(str, frame.columns))}"
            )
    for name in frame.columns:
        if name not in names:
            raise InputError(f"{source}: unexpected column '{name}'; remove it, or add it to the other files")
    cells: dict[str, Any] = {}
    for column in columns:
        values, wrong = coerce_column(column, frame[column.name])
        if wrong is not None:
            raise InputError(f"{source}: {_complaint(column, str(frame[column.name].iloc[wrong]), wrong + 1)}")
        if len(values) and bool(pd.isna(values).all()):
            raise InputError(f"{source}: column '{column.name}' holds no value at all; drop the column")
        if column.name == unit and bool(pd.isna(values).any()):
            row = int(np.flatnonzero(pd.isna(values))[0]) + 1
            raise InputError(
                f"{source}: unit column '{column.name}' is empty in row {row}; every record needs its person"
            )
        # Naming the dtype keeps strings in object columns, which pandas 3 would otherwise turn into its own type.
        cells[column.name] = pd.Series(values, dtype=values.dtype)
    return pd.DataFrame(cells, columns=names)


def coerce_column(column: Column, cells: pd.Series[Any]) -> tuple[npt.NDArray[Any], int | None]:
    """Turn one column of strings into canonical values.

    Returns:
        The values (missing where a cell does not fit), and the 0-based row of the first cell that does not fit.
    """
    # Work on the distinct tokens only: tables repeat themselves.
    codes, uniques = pd.factorize(cells.to_numpy(dtype=object))
    tokens = [str(token) for token in uniques]
    absent = np.array([_means_missing(token, column) for token in tokens], dtype=bool)
    values = _convert(column, tokens)
    wrong = ~absent & pd.isna(values)
    if column.is_number:
        wrong |= ~absent & np.isinf(values)
    if column.kind == "integer":
        wrong |= ~absent & (values != np.round(values))
    values[absent | wrong] = np.datetime64("NaT") if column.kind == "datetime" else np.nan
    rows = np.flatnonzero(wrong[codes]) if wrong.any() else np.array([], dtype=np.int64)
    return values[codes], int(rows[0]) if len(rows) else None


def _means_missing(token: str, column: Column) -> bool:
    # "NA" is Namibia to whoever declares it as a level; only where nothing stands at all, no declaration helps.
    if token in column.missing_codes or token == "":
        return True
    return token in MISSING_TOKENS and token not in (column.levels or ())


def _convert(column: Column, tokens: list[str]) -> npt.NDArray[Any]:
    if column.is_number:
        return to_numbers(tokens)
    if column.kind == "datetime":
        return to_dates(tokens)
    values = np.empty(len(tokens), dtype=object)
    values[:] = tokens
    if column.kind == "boolean":
        # Levels, when known, fix the spelling, so that 'True', 'true' and '1' of three files are one value.
        words = column.levels or _truth_words(tokens)
        values[:] = [words[TRUTH[token.lower()]] if token.lower() in TRUTH else _own(token, words) for token in tokens]
    return values


def _truth_words(tokens: list[str]) -> tuple[str, str]:
    found = {TRUTH[token.lower()]: token.removesuffix(".0") for token in reversed(tokens) if token.lower() in TRUTH}
    return found.get(False, "false"), found.get(True, "true")


def _own(token: str, words: tuple[Any, ...]) -> Any:
    return token if token in words else np.nan


def _complaint(column: Column, cell: str, row: int) -> str:
    number = to_numbers([cell])[0]
    if column.is_number and np.isinf(number):
        return (
            f"column '{column.name}' is not finite: row {row} holds '{cell}'; replace it by a number or leave it empty"
        )
    expected = _EXPECTED.get(column.kind, column.kind)
    if column.kind == "integer" and np.isfinite(number):
        return (
            f"column '{column.name}' changes type: row {row} holds '{cell}', expected {expected}; "
            f"declare it numeric in a schema file if fractions are right"
        )
    return (
        f"column '{column.name}' changes type: row {row} holds '{cell}', expected {expected}; "
        "correct the cell, or declare the column's kind in a schema file"
    )


def restore(columns: Sequence[Column], frame: pd.DataFrame) -> pd.DataFrame:
    """Turn canonical cells into presentable ones: whole numbers become Int64 where that is exact, the rest stays.

    Args:
        columns: What they are.
        frame: A canonical frame.

    Returns:
        A new frame; `coerce` of its written form gives the canonical frame back.
    """
    cells: dict[str, Any] = {}
    for column in columns:
        values = frame[column.name]
        present = values.dropna()
        # Beyond 2**53 float64 skips whole numbers, and beyond 2**63 Int64 ends: such cells stay as they are.
        whole = bool(((present == present.round()) & (present.abs() < _EXACT)).all()) if column.is_number else False
        if whole and column.kind != "numeric":
            values = values.astype("Int64")
        cells[column.name] = values
    return pd.DataFrame(cells, index=frame.index)


def notes_on_rounding(columns: Sequence[Column], cells: pd.DataFrame) -> tuple[str, ...]:
    """Return a note for each column of numbers in which whole numbers are too large to keep every digit.

    Args:
        columns: What they are.
        cells: The table of strings, which `coerce` has accepted.
    """
    notes = []
    for column in columns:
        tokens = cells[column.name].unique() if column.is_number else ()
        long = [token for token in tokens if _LONG.fullmatch(token) and not _means_missing(token, column)]
        rounded = sum(int(token) != int(float(token)) for token in long)
        if rounded:
            notes.append(
                f"column '{column.name}': {rounded:,} whole numbers beyond 2**53 lose their last digits; declare it an "
                "identifier or categorical to keep them"
            )
    return tuple(notes)
