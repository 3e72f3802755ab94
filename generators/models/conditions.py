"""Conditions on samples, met by rejection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from generators.datasets import Column, Schema
from generators.datasets.coercion import coerce_column
from generators.errors import InputError

_PATIENCE = 100_000
"""Records drawn for each one found before giving up."""


class Conditions:
    """Values that columns of a sample must have.

    Args:
        schema: The columns, and the values that they can take.
        wanted: {column: value}; values may be given as text.

    Raises:
        InputError: A column is unknown or not modelled, or can never have the value.
    """

    def __init__(self, schema: Schema, wanted: Mapping[str, Any]) -> None:
        self.values = {name: _canonical(schema[name], value) for name, value in wanted.items()}

    def kept(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the records that meet every condition."""
        fits = np.ones(len(frame), dtype=bool)
        for name, value in self.values.items():
            cells = frame[name]
            fits &= (cells.isna() if pd.isna(value) else cells == value).to_numpy(dtype=bool)
        return frame if fits.all() else frame.loc[fits]

    def give_up_if_hopeless(self, found: int, drawn: int) -> None:
        """Stop a search that hardly ever succeeds.

        Raises:
            InputError: Fewer than one in 100,000 records drawn met the conditions.
        """
        if self.values and drawn >= _PATIENCE * (found + 1):
            listed = ", ".join(f"{name}={value}" for name, value in self.values.items())
            raise InputError(f"only {found} of {drawn} generated records have {listed}; ask for something less rare")


def _canonical(column: Column, value: Any) -> Any:
    if not column.is_modelled:
        raise InputError(f"column '{column.name}' is {column.kind}, which is not modelled; it cannot be a condition")
    text = "" if value is None else str(value)
    values, wrong = coerce_column(column, pd.Series([text], dtype=object))
    if wrong is not None:
        raise InputError(f"condition {column.name}={text}: the column is {column.kind}")
    found = values[0]
    if pd.isna(found):
        if not column.missing:
            raise InputError(f"condition {column.name}={text}: the column is never missing")
        return found
    if column.levels is not None and found not in column.levels:
        raise InputError(f"condition {column.name}={text}: never seen; the column has {_listed(column.levels)}")
    if not column.is_number or column.low is None or column.high is None:
        return found
    if not column.low <= found <= column.high:
        raise InputError(f"condition {column.name}={text}: outside the column's {column.low:g} to {column.high:g}")
    return found


def _listed(levels: tuple[Any, ...]) -> str:
    shown = ", ".join(f"{level:g}" if isinstance(level, float) else str(level) for level in levels[:12])
    return shown + (", ..." if len(levels) > 12 else "")
