"""Predicates such as "age at least 80 and country equal to X": made from published records, counted on any records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Bits = NDArray[np.uint64]
MISSING = -1
TRIES_A_RECORD, TRIES_A_PREDICATE = 10, 25  # after so many, what is asked for can hardly be had
TOP = np.iinfo(np.int32).max
_AT_ONCE = 256  # predicates whose conditions are held in memory together


def encode(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> list[IntArray]:
    """Each frame's cells as ranks: equal values have equal ranks, and ranks ascend with the values.

    Args:
        frames: frames with the same columns; numbers, dates, words or truth values.
        columns: the columns to encode.

    Returns:
        For each frame an array (rows, columns) of ranks from 0; missing cells are -1.
    """
    ranks = []
    for name in columns:
        cells = pd.concat([frame[name] for frame in frames], ignore_index=True)
        ranks.append(pd.factorize(cells.to_numpy(), sort=True)[0])
    stacked = np.stack(ranks, axis=1).astype(np.int64)
    return np.split(stacked, np.cumsum([len(frame) for frame in frames])[:-1])


@dataclass(frozen=True)
class Predicates:
    """Conjunctions of ranges of ranks, one a row, each over the same number of columns.

    A record matches where every one of its cells lies within the range. Missing cells have rank -1, so that only the
    range from -1 to -1 holds them.

    Attributes:
        columns: (q, c) column numbers, ascending in each row.
        low: (q, c) smallest rank that matches.
        high: (q, c) largest rank that matches.
    """

    columns: IntArray
    low: IntArray
    high: IntArray

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Predicates:
        """Some of the predicates."""
        return Predicates(self.columns[rows], self.low[rows], self.high[rows])

    def beside(self, other: Predicates) -> Predicates:
        """Both lists, one after the other."""
        pairs = ((self.columns, other.columns), (self.low, other.low), (self.high, other.high))
        return Predicates(*(np.concatenate(pair) for pair in pairs))

    def distinct(self) -> IntArray:
        """The row numbers of every predicate's first appearance."""
        return np.sort(np.unique(np.hstack([self.columns, self.low, self.high]), axis=0, return_index=True)[1])

    def counts(self, records: IntArray) -> IntArray:
        """How many of these encoded records (n, columns) match each predicate, shape (q,)."""
        counted = [np.bitwise_count(bits).sum(axis=1, dtype=np.int64) for bits in self._matching(records)]
        return np.concatenate([np.zeros(0, dtype=np.int64), *counted])

    def matches(self, records: IntArray, most: int) -> tuple[IntArray, IntArray]:
        """Which records match, for predicates that at most `most` of them match: predicate numbers and row numbers."""
        found, start = [np.zeros((2, 0), dtype=np.int64)], 0
        for bits in self._matching(records):
            few = np.flatnonzero(np.bitwise_count(bits).sum(axis=1, dtype=np.int64) <= most)
            number, word = np.nonzero(bits[few])
            bytes_ = bits[few[number], word].view(np.uint8).reshape(-1, 8)  # in the order in which they were packed
            held = np.unpackbits(bytes_, axis=1, bitorder="little")
            which, bit = np.nonzero(held)
            found.append(np.stack([start + few[number[which]], word[which] * 64 + bit]))
            start += len(bits)
        numbers, rows = np.concatenate(found, axis=1)
        return numbers, rows

    def _matching(self, records: IntArray) -> Iterator[Bits]:
        """One bit for each predicate and record, some predicates at a time: a word answers for 64 records at once."""
        for start in range(0, len(self), _AT_ONCE):
            yield self.take(np.arange(start, min(start + _AT_ONCE, len(self))))._bits(records)

    def _bits(self, records: IntArray) -> Bits:
        conditions = np.stack([self.columns, self.low, self.high], axis=2).reshape(-1, 3)
        distinct, place = np.unique(conditions, axis=0, return_inverse=True)
        place = place.reshape(self.columns.shape)
        masks = np.zeros((len(distinct), max(1, -(-len(records) // 64)) * 8), dtype=np.uint8)
        for column in np.unique(distinct[:, 0]):
            rows = np.flatnonzero(distinct[:, 0] == column)
            cells = records[:, column].astype(np.int32)
            low, high = distinct[rows, 1:].T.astype(np.int32)[:, :, None]
            within = (cells >= low) & (cells <= high)
            masks[rows, : -(-len(records) // 8)] = np.packbits(within, axis=1, bitorder="little")
        words = masks.view(np.uint64)
        joined = words[place[:, 0]]
        for more in place[:, 1:].T:
            joined &= words[more]
        return joined


def univariate(published: IntArray, ordered: Sequence[bool]) -> Predicates:
    """All predicates on one column that match exactly one published record: extremes, rare values, a lone gap.

    Args:
        published: (n, columns) encoded records.
        ordered: for each column, whether its values have an order.

    Source: Giomi et al. (PoPETs 2023), section 4.1, univariate attack.
    """
    found: list[tuple[int, int, int]] = []
    for column, has_order in enumerate(ordered):
        values, times = np.unique(published[:, column], return_counts=True)
        rare = values[times == 1]
        present = values[values != MISSING]
        if has_order:  # an extreme value matches one record if it occurs once
            found += [(column, 0, value) for value in present[:1] if value in rare]
            found += [(column, value, TOP) for value in present[-1:] if value in rare]
        found += [(column, value, value) for value in rare]
    columns, low, high = np.array(found, dtype=np.int64).reshape(-1, 3).T[:, :, None]
    return Predicates(columns, low, high)


def multivariate(
    published: IntArray,
    ordered: Sequence[bool],
    columns: int,
    count: int,
    rng: np.random.Generator,
    *,
    once: bool = False,
) -> Predicates:
    """Predicates on several columns that match exactly one published record each, made from random records.

    A value above its column's median becomes "at least this", another number "at most this", a category "equal to
    this", a missing cell "missing".

    Args:
        published: (n, all columns) encoded records.
        ordered: for each column, whether its values have an order.
        columns: how many columns a predicate is about.
        count: how many predicates are wanted; fewer come back where records give no more.
        rng: chooses records and columns.
        once: at most one predicate for each published record; otherwise the few that stand apart make most of them.

    Source: Giomi et al. (PoPETs 2023), section 4.1, multivariate attack.
    """
    middle = medians(published)
    found = from_rows(published, ordered, middle, np.zeros((0, columns), int), np.zeros(0, int))
    origin, waiting = np.zeros(0, int), np.zeros(0, int)
    whole = columns == len(ordered)  # then a record makes the same predicate again and again
    tries = len(published) if whole else min(TRIES_A_RECORD * len(published), TRIES_A_PREDICATE * count)
    while tries > 0 and len(found) < count:
        if not len(waiting):
            waiting = rng.permutation(len(published))
        rows, waiting = waiting[:count], waiting[count:]
        tries -= len(rows)
        chosen = rng.permuted(np.tile(np.arange(len(ordered)), (len(rows), 1)), axis=1)[:, :columns]
        made = from_rows(published, ordered, middle, np.sort(chosen, axis=1), rows)
        alone = made.counts(published) == 1
        found, origin = found.beside(made.take(alone)), np.concatenate([origin, rows[alone]])
        new = np.sort(np.unique(origin, return_index=True)[1]) if once else found.distinct()
        found, origin = found.take(new), origin[new]
    return found.take(np.arange(min(count, len(found))))


def medians(records: IntArray) -> NDArray[np.float64]:
    """The median rank of each column, missing cells left aside."""
    present = [column[column != MISSING] for column in records.T]
    return np.array([np.median(ranks) if len(ranks) else 0.0 for ranks in present])


def from_rows(
    published: IntArray, ordered: Sequence[bool], middle: NDArray[np.float64], columns: IntArray, rows: IntArray
) -> Predicates:
    """For each of these records, the predicate over these of its columns; `middle` holds each column's median."""
    value = published[rows[:, None], columns]
    numeric = np.asarray(ordered, dtype=bool)[columns] & (value != MISSING)
    above = value > middle[columns]
    return Predicates(columns, np.where(numeric & ~above, 0, value), np.where(numeric & above, TOP, value))
