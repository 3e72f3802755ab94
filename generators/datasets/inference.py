"""Guessing what the columns of a table of strings are: kinds first, then domains."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.coercion import coerce_column
from generators.datasets.columns import LEVEL_KINDS, RANGE_KINDS, Column, Kind
from generators.datasets.tokens import MISSING_TOKENS, TRUTH, is_date, is_number, to_numbers
from generators.errors import InputError

MAX_ORDINAL_LEVELS = 20
"""Numbers with at most this many distinct values are an ordinal scale."""
IDENTIFIER_SHARE = 0.95
"""Share of distinct values above which short strings name records rather than describe them."""
MAX_IDENTIFIER_LENGTH = 64
MIN_TEXT_LENGTH = 30
_ID_NAME = re.compile(r"(^|[_\W])(id|index|number|uuid|nr|no)$|^unnamed|^$", re.IGNORECASE)


def infer_columns(
    frame: pd.DataFrame, declared: Mapping[str, dict[str, Any]], unit: str | None = None
) -> tuple[Column, ...]:
    """Guess what the columns of a table of strings are; see `Schema.infer`.

    Args:
        frame: Cells as `read_table` returns them.
        declared: What is known already, checked: {column: {field: value}}.
        unit: Column that names the person; it becomes an identifier.

    Raises:
        InputError: A declared column is not in the table.
    """
    strangers = set(declared) - set(frame.columns)
    if strangers:
        raise InputError(f"schema: column '{sorted(strangers)[0]}' is not in the table")
    columns = []
    for name in frame.columns:
        given = declared.get(name, {})
        if name == unit:
            given = {**given, "kind": "identifier"}
        columns.append(_infer_column(str(name), frame[name], given))
    return tuple(columns)


def _infer_column(name: str, cells: pd.Series[Any], given: dict[str, Any]) -> Column:
    codes, uniques = pd.factorize(cells.to_numpy(dtype=object))
    counts = np.bincount(codes, minlength=len(uniques))
    kind, codes_for_missing = guess_kind(name, [str(token) for token in uniques], counts)
    if "kind" in given and given["kind"] != kind:
        codes_for_missing = ()
    fields = {"kind": kind, "missing_codes": codes_for_missing, **given}
    if given.get("public") is not None:
        # Whether cells are missing, and by what sign, are facts about the data: a public domain must not depend on it.
        return Column(name=name, **{"missing": True, "kind": kind, **given})
    # Cells that do not fit their kind are left out here: `coerce` reports them with file and row.
    values, _ = coerce_column(Column(name=name, **fields), cells)
    learnt = learn_domain(Column(name=name, **fields), pd.Series(values))
    return replace(learnt, **{key: given[key] for key in given if key != "kind"})


def guess_kind(name: str, uniques: Sequence[str], counts: npt.NDArray[np.int64]) -> tuple[Kind, tuple[str, ...]]:
    """Guess a column's kind from its distinct tokens.

    Args:
        name: The column's name; names such as `id` make distinct integers an identifier.
        uniques: Distinct tokens in order of appearance.
        counts: How often each occurs.

    Returns:
        The kind, and the tokens that mean "missing" in this column beside the usual ones.
    """
    present = [(token, int(count)) for token, count in zip(uniques, counts, strict=True) if token not in MISSING_TOKENS]
    if not present:
        return "categorical", ()
    tokens = [token for token, _ in present]
    rows = sum(count for _, count in present)
    truths = {token.lower() for token in tokens}
    if len(tokens) == 2 and truths <= set(TRUTH) and len({TRUTH[word] for word in truths}) == 2:
        return "boolean", ()
    strange = [(token, count) for token, count in present if not is_number(token)]
    if not strange:
        return _kind_of_numbers(name, to_numbers(tokens), rows), ()
    if len(strange) <= 2 and len(tokens) - len(strange) >= MAX_ORDINAL_LEVELS:
        values = to_numbers([token for token in tokens if is_number(token)])
        # A code for "not applicable" recurs and holds no digit, such as 'N'. A cell that occurs once is a slip: the
        # column stays numeric, and coercion names the row.
        if all(count > 1 and not re.search(r"\d", token) for token, count in strange):
            return _kind_of_numbers(name, values, rows), tuple(token for token, _ in strange)
        if all(count == 1 for _, count in strange):
            return _kind_of_numbers(name, values, rows), ()
    if all(is_date(token) for token in tokens):
        return "datetime", ()
    return _kind_of_strings(tokens, rows), ()


def _kind_of_numbers(name: str, values: npt.NDArray[np.float64], rows: int) -> Kind:
    whole = bool(np.all(np.isfinite(values)) and np.all(values == np.round(values)))
    if whole and len(values) == rows and rows > 2:
        steps = np.diff(values)
        if _ID_NAME.search(name) or np.all(steps > 0) or np.all(steps < 0):
            return "identifier"
    # A scale repeats itself; a handful of rows with distinct numbers is just a small table.
    if len(values) <= MAX_ORDINAL_LEVELS and 2 * len(values) <= rows:
        return "ordinal"
    return "integer" if whole else "numeric"


def _kind_of_strings(tokens: Sequence[str], rows: int) -> Kind:
    spaced = sum(" " in token for token in tokens) / len(tokens)
    length = float(np.median([len(token) for token in tokens]))
    distinct = len(tokens) / rows
    if distinct > IDENTIFIER_SHARE and spaced == 0 and length <= MAX_IDENTIFIER_LENGTH:
        return "identifier"
    if distinct > 0.5 and spaced > 0.5 and length >= MIN_TEXT_LENGTH:
        return "text"
    return "categorical"


def learn_domain(column: Column, cells: pd.Series[Any]) -> Column:
    """Return the column with the bounds or levels that its canonical cells show, and whether any is missing."""
    if not column.is_modelled:
        # Nothing is learnt from identifiers and free text, so that nothing has to be paid for them.
        return replace(column, missing=False, constant=False, low=None, high=None, levels=None)
    values = cells.dropna()
    missing = len(values) < len(cells)
    learnt = replace(column, missing=missing, constant=bool(values.nunique() == 1), low=None, high=None)
    if column.kind in RANGE_KINDS and len(values):
        seconds = to_seconds(values) if column.kind == "datetime" else values.to_numpy(dtype=np.float64)
        seconds = seconds[np.isfinite(seconds)]
        if len(seconds):
            return replace(learnt, low=float(seconds.min()), high=float(seconds.max()), levels=None)
    if column.kind == "boolean" and column.levels is not None:
        return learnt
    if column.kind in LEVEL_KINDS:
        return replace(learnt, levels=tuple(sorted(values.unique().tolist())))
    return replace(learnt, levels=None)


def to_seconds(moments: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return datetimes as seconds since 1970 UTC, NaN where missing."""
    nanoseconds = moments.to_numpy(dtype="datetime64[ns]")
    seconds = nanoseconds.astype(np.int64).astype(np.float64) / 1e9
    seconds[np.isnat(nanoseconds)] = np.nan
    return seconds
