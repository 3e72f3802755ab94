"""What no real record does: rules that hold in a whole table of real records, and could not hold by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.fidelity.binning import ORDERED, numbers
from generators import Column

Broken = Callable[[pd.DataFrame], NDArray[np.bool_]]
MOST_LEVELS = 100
_BY_CHANCE = 1e-9  # how likely a rule may be where columns are independent
_SUPPORT = 20


@dataclass(frozen=True)
class Rule:
    """Something that every real record seen obeys.

    Attributes:
        kind: what sort of rule.
        columns: what it speaks of, in words; never a value.
        broken: which records of a canonical frame break it, shape (records,).
    """

    kind: str
    columns: str
    broken: Broken


def learn_rules(frame: pd.DataFrame, columns: list[Column]) -> list[Rule]:
    """The rules that all records of a frame obey.

    - *domain*: a number lies between the least and the largest seen, a category is one of those seen.
    - *order*: a number (or date) is never above another one.
    - *implication*: where a column has a certain value, another one always has a certain value too (which may be that
      it is missing). Taken as a rule where at least 20 records say so and independent columns would do so with a
      probability below 1e-9.

    Args:
        frame: canonical records.
        columns: the columns to look at.

    Example:
        >>> frame = pd.DataFrame({"a": [1.0, 2.0, 3.0] * 20, "b": [2.0, 4.0, 6.0] * 20})
        >>> ordered = [Column("a", "numeric"), Column("b", "numeric")]
        >>> [(rule.kind, rule.columns) for rule in learn_rules(frame, ordered) if rule.kind == "order"]
        [('order', 'a <= b')]
    """
    return [
        *(_domain(frame, column) for column in columns),
        *_orders(frame, columns),
        *_implications(frame, columns),
    ]


def _domain(frame: pd.DataFrame, column: Column) -> Rule:
    if column.kind in ORDERED:
        seen = numbers(frame[column.name], column)
        low, high = (np.nanmin(seen), np.nanmax(seen)) if np.isfinite(seen).any() else (-np.inf, np.inf)

        def outside(asked: pd.DataFrame) -> NDArray[np.bool_]:
            values = numbers(asked[column.name], column)
            return np.asarray((values < low) | (values > high))

        return Rule("domain", f"{column.name} as seen", outside)
    levels = frame[column.name].dropna().unique()
    return Rule("domain", f"{column.name} as seen", lambda asked: _unknown(asked[column.name], levels))


def _unknown(cells: pd.Series, levels: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.asarray(~(cells.isin(levels) | cells.isna()))


def _orders(frame: pd.DataFrame, columns: list[Column]) -> list[Rule]:
    """Pairs of one kind whose ranges overlap, of which one is never above the other."""
    ordered = {column.name: column for column in columns if column.kind in ORDERED}
    values = {name: numbers(frame[name], column) for name, column in ordered.items()}
    rules = []
    for low, high in permutations(ordered, 2):
        if (ordered[low].kind == "datetime") != (ordered[high].kind == "datetime"):
            continue
        both = np.isfinite(values[low]) & np.isfinite(values[high])
        smaller, larger = values[low][both], values[high][both]
        if both.sum() < _SUPPORT or (smaller > larger).any() or not (smaller < larger).any():
            continue
        # How likely is it that no record breaks the order, if the second column had nothing to do with the first?
        above = np.searchsorted(np.sort(smaller), larger, side="right") / len(smaller)
        if len(smaller) * np.log(max(above.mean(), 1e-300)) > np.log(_BY_CHANCE):
            continue

        def broken(asked: pd.DataFrame, low: str = low, high: str = high) -> NDArray[np.bool_]:
            return np.asarray(numbers(asked[low], ordered[low]) > numbers(asked[high], ordered[high]))

        rules.append(Rule("order", f"{low} <= {high}", broken))
    return rules


def _implications(frame: pd.DataFrame, columns: list[Column]) -> list[Rule]:
    """For each pair of columns, the levels of the first that leave the second a single value."""
    few = [column.name for column in columns if frame[column.name].nunique() <= MOST_LEVELS]
    coded = {name: pd.factorize(frame[name], use_na_sentinel=False) for name in few}
    rules = []
    for given, told in permutations(few, 2):
        (codes, levels), (others, values) = coded[given], coded[told]
        if len(values) < 2:
            continue
        counts = np.zeros((len(levels), len(values)), dtype=np.int64)
        np.add.at(counts, (codes, others), 1)
        support, share = counts.sum(axis=1), counts.sum(axis=0) / len(frame)
        only = counts.argmax(axis=1)
        certain = (counts.max(axis=1) == support) & (support >= _SUPPORT)
        chance = support * np.log(share[only]) <= np.log(_BY_CHANCE / len(levels))
        implied = {levels[int(level)]: values[int(only[level])] for level in np.flatnonzero(certain & chance)}
        if not implied:
            continue

        def broken(
            asked: pd.DataFrame, given: str = given, told: str = told, implied: dict[object, object] = implied
        ) -> NDArray[np.bool_]:
            return _contradicts(asked[given], asked[told], implied)

        rules.append(Rule("implication", f"{given} determines {told} ({len(implied)} of {len(levels)} values)", broken))
    return rules


def _contradicts(given: pd.Series, told: pd.Series, implied: dict[object, object]) -> NDArray[np.bool_]:
    """Where the first column has a level that implies another value of the second; missing equals missing."""
    levels = pd.Index(list(implied))
    at = levels.get_indexer(pd.Index(given))
    expected = pd.Series([list(implied.values())[place] for place in at], index=told.index, dtype=object)
    same = (expected == told.astype(object)) | (expected.isna() & told.isna())
    return np.asarray((at >= 0) & ~same)
