"""How the text of a cell is read: which tokens mean missing, and what counts as a number, a truth value or a date."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

# 'None' is absent on purpose: it is an ordinary category in published medical tables ("test not ordered").
MISSING_TOKENS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "?"})

# Numbers with leading zeros (007, 02139) are codes, not quantities, so they do not match.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|Inf|INF|Infinity|infinity)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?")

TRUTH = {"false": False, "no": False, "0": False, "0.0": False, "true": True, "yes": True, "1": True, "1.0": True}


def is_number(token: str) -> bool:
    """Tell whether the whole token is a number (infinities included, so that they can be refused by name)."""
    return _NUMBER.fullmatch(token) is not None


def is_date(token: str) -> bool:
    """Tell whether the whole token looks like an ISO 8601 date or time."""
    return _DATE.fullmatch(token) is not None


def to_numbers(tokens: Sequence[str]) -> npt.NDArray[np.float64]:
    """Read tokens as float64, NaN where a token is no number. The reading is exact: the nearest float64."""
    return np.array([float(token) if is_number(token) else np.nan for token in tokens], dtype=np.float64)


def to_dates(tokens: Sequence[str]) -> npt.NDArray[np.datetime64]:
    """Read tokens as datetime64[ns] in UTC, NaT where a token is no date or lies outside the years 1678 to 2262."""
    kept = [token if is_date(token) else None for token in tokens]
    moments = pd.to_datetime(pd.Series(kept, dtype=object), format="ISO8601", utc=True, errors="coerce")
    outside = (moments.dt.year < 1678) | (moments.dt.year > 2261)
    return moments.mask(outside).dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
