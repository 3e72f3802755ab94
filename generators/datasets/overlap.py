"""Do the holdout's records also stand in the training data, more often than chance explains?

Holdout records that were trained on turn every membership attack blind, so an audit on such parts would wrongly
reassure. Equal rows alone prove nothing: in a coarse table different people look alike. What chance explains is
measured inside train, where one random half's rows are looked up in the other half.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.payload import cell_bytes
from generators.datasets.schema import Schema

_Z = 3.090232306167813
"""Normal quantile of a one-sided 99.9% bound."""


@dataclass(frozen=True)
class Overlap:
    """Holdout rows that are equal to a train row.

    Attributes:
        count: Holdout rows with an equal row anywhere in train.
        expected: How many chance would explain.
        first: 1-based number of the first such holdout row; 0 if there is none.
        beyond_chance: Whether the 99.9% lower bound of the excess share is above zero.
    """

    count: int
    expected: float
    first: int
    beyond_chance: bool


def find_overlap(
    train: pd.DataFrame, holdout: pd.DataFrame, schema: Schema, units: npt.NDArray[np.int64], seed: int = 0
) -> Overlap:
    """Count holdout rows that also stand in train and compare with chance.

    Args:
        train: Canonical frame.
        holdout: Canonical frame with the same columns.
        schema: Tells identifiers, which are left out of the comparison.
        units: Person of each train row, shape (rows,); the halves of train are split by person.
        seed: Which halves.

    Returns:
        The counts, and whether they exceed chance (Newcombe's hybrid score interval for a difference of proportions,
        Statistics in Medicine 17, 1998, method 10).
    """
    names = [column.name for column in schema.columns if column.kind != "identifier"]
    trained, held = row_hashes(train, names), row_hashes(holdout, names)
    found = np.isin(held, trained)
    if not found.any():
        return Overlap(0, 0.0, 0, False)
    people = np.unique(units)
    half = np.random.default_rng(seed).permutation(len(people)) < len(people) / 2
    in_first = half[np.searchsorted(people, units)]
    first, second = trained[in_first], trained[~in_first]
    seen = (np.isin(held, first).mean() + np.isin(held, second).mean()) / 2
    chance = (np.isin(second, first).mean() + np.isin(first, second).mean()) / 2 if len(first) and len(second) else 0.0
    lower = _newcombe_lower(float(seen), len(held), float(chance), len(trained))
    expected = float(found.sum() * min(1.0, chance / seen)) if seen > 0 else 0.0
    return Overlap(int(found.sum()), expected, int(np.flatnonzero(found)[0]) + 1, lower > 0)


def row_hashes(frame: pd.DataFrame, names: list[str]) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each row over the named columns, shape (rows,); equal rows have equal hashes."""
    chosen: dict[str, pd.Series[Any]] = {name: _hashable(frame[name]) for name in names}
    hashes = pd.util.hash_pandas_object(pd.DataFrame(chosen), index=False)
    return np.asarray(hashes, dtype=np.uint64)


def _hashable(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Arrays, as image and audio cells are, cannot be hashed by pandas; their bytes can."""
    if len(cells) and isinstance(cells.iloc[0], np.ndarray):
        return pd.Series([hashlib.sha256(cell_bytes(cell)).hexdigest() for cell in cells], dtype=object)
    return cells


def _wilson(share: float, n: int) -> tuple[float, float]:
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return centre - reach, centre + reach


def _newcombe_lower(share: float, n: int, other: float, m: int) -> float:
    low, _ = _wilson(share, n)
    _, high = _wilson(other, m)
    return share - other - math.sqrt((share - low) ** 2 + (high - other) ** 2)
