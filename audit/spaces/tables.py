"""The space of tables: exact distances between records of mixed columns.

Two distances between records are offered, both over the columns that describe a person (identifiers and constant
columns are left out):

- `Space.nearest`: the mixed L1 (Gower 1971) distance, one unit for each category that differs and, for numbers, the
  absolute difference over the column's central range (1st to 99th percentile of what an attacker can see).
- `Space.twin`: the largest difference of any number, as a share of the column's full range, to the nearest record
  whose categories are *all* equal; infinite where there is no such record. Zero is an exact copy.

A missing value is a value of its own: equal to another missing value, one unit away from any number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from audit.spaces.points import FloatArray, Points, distinct_rows
from audit.spaces.search import Measure, smallest
from generators import Schema

WIDE = 128
"""A category of more levels is compared level by level, since a column for each of them would not fit into memory."""

_FARTHEST = 1e6  # ranges; whatever lies beyond is as far away as anything can be
Codes = NDArray[np.int64]

_NUMERIC = ("numeric", "integer", "ordinal", "datetime")
_CATEGORICAL = ("categorical", "boolean", "text")


class Space:
    """A common frame of measurement for all records of one audit.

    Args:
        schema: the columns and their kinds.
        synthetic: the published records; with the reference they set the scale of `nearest`, as an attacker would.
        reference: records that the attacker knows.
        hidden: every other real record that will be placed in the space.
        device: where pairs of distances are computed.

    Example:
        >>> space = Space(schema, synthetic, reference, [train, holdout])   # doctest: +SKIP
        >>> space.nearest(space.place(train), space.place(synthetic), k=1)  # doctest: +SKIP
    """

    def __init__(
        self,
        schema: Schema,
        synthetic: pd.DataFrame,
        reference: pd.DataFrame,
        hidden: Sequence[pd.DataFrame] = (),
        device: str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        columns = [column for column in schema.columns if not column.constant and column.name != schema.unit]
        self.numeric = [column.name for column in columns if column.kind in _NUMERIC]
        self.categorical = [column.name for column in columns if column.kind in _CATEGORICAL]
        everything = [synthetic, reference, *hidden]
        seen = _numbers([synthetic, reference], self.numeric)
        real = _numbers([reference, *hidden], self.numeric)
        self._fill = _by_column(np.nanmedian, seen)
        # The real records alone say what is close: one wild synthetic cell must not make all others look alike.
        full = _by_column(np.nanmax, real) - _by_column(np.nanmin, real)
        self.full_range = np.where(full > 0, full, 1.0)
        low, high = (_by_column(partial(np.nanquantile, q=q), seen) for q in (0.01, 0.99))
        central = np.where(high > low, high - low, full)
        self._central_range = np.where(central > 0, central, 1.0)
        self._has_missing = np.isnan(_numbers(everything, self.numeric)).any(axis=0)
        self._levels = {
            name: pd.Index(pd.unique(pd.concat([frame[name] for frame in everything], ignore_index=True).dropna()))
            for name in self.categorical
        }

    @property
    def dimensions(self) -> int:
        """How many columns are compared."""
        return len(self.numeric) + len(self.categorical)

    @property
    def middle(self) -> FloatArray:
        """What stands in the place of a missing number, by numeric column."""
        return self._fill

    def locate(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which columns of `Points.numbers`, and which of `Points.codes`, hold these columns of the table."""
        wanted = np.isin(self.numeric, list(columns))
        among = np.isin(self.categorical, list(columns))
        return np.flatnonzero(wanted), np.flatnonzero(np.concatenate([among, wanted[self._has_missing]]))

    def place(self, frame: pd.DataFrame) -> Points:
        """Turn records into points; missing numbers also become a category, so that missing equals missing."""
        numbers = _numbers([frame], self.numeric)
        missing = np.isnan(numbers)
        codes = [self._levels[name].get_indexer(pd.Index(frame[name])) for name in self.categorical]
        codes += [missing[:, j].astype(np.int64) for j in np.flatnonzero(self._has_missing)]
        stacked = np.stack(codes, axis=1).astype(np.int64) if codes else np.zeros((len(frame), 0), dtype=np.int64)
        return Points(np.where(missing, self._fill, numbers), stacked)

    def nearest(self, queries: Points, targets: Points, k: int = 1, *, exclude_self: bool = False) -> FloatArray:
        """Mixed L1 distances from each query to its `k` nearest targets, ascending.

        Args:
            queries: n points.
            targets: m points.
            k: how many neighbours; fewer than `k` targets repeat the farthest.
            exclude_self: queries and targets are the same list and a point is not its own neighbour.

        Returns:
            Array (n, k).
        """
        return self.closest(queries, targets, k, exclude_self=exclude_self)[0]

    def closest(
        self, queries: Points, targets: Points, k: int = 1, *, exclude_self: bool = False
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """What `nearest` gives, and which targets those are: two arrays (n, k), distances and row numbers."""
        measure = self._measure(queries, targets)
        found, rows = smallest(measure, len(queries), len(targets), k, exclude_self=exclude_self)
        found += queries.codes.shape[1]
        # Float32 rounding of a sum of ones must not hide an exact copy.
        return np.where(found < 1e-5, 0.0, found), rows

    def twin(self, queries: Points, targets: Points, *, exclude_self: bool = False) -> FloatArray:
        """Chebyshev distance, as a share of full column ranges, to the nearest target with equal categories.

        Returns:
            Array (n,) with 0 for an exact copy and `inf` where no target has the same categories.
        """
        groups = distinct_rows(np.concatenate([queries.codes, targets.codes]))
        of_query, of_target = groups[: len(queries)], groups[len(queries) :]
        scaled_q, scaled_t = (self._relative(points, self.full_range) for points in (queries, targets))
        target_rows = _rows_by_group(of_target)
        found = np.full(len(queries), np.inf)
        for group, rows in _rows_by_group(of_query).items():
            candidates = target_rows.get(group)
            if candidates is None or len(candidates) <= int(exclude_self):
                continue
            if scaled_t.shape[1] == 0:
                found[rows] = 0.0
            elif len(rows) * len(candidates) <= 256:  # a tree costs more than a handful of comparisons
                gaps = np.abs(scaled_q[rows, None, :] - scaled_t[None, candidates, :]).max(axis=2)
                if exclude_self:
                    gaps[rows[:, None] == candidates[None, :]] = np.inf
                found[rows] = gaps.min(axis=1)
            else:
                rank = [2] if exclude_self else [1]
                found[rows] = np.asarray(cKDTree(scaled_t[candidates]).query(scaled_q[rows], k=rank, p=np.inf)[0])[:, 0]
        return found

    def blurred(self, points: Points, most: float, rng: np.random.Generator) -> Points:
        """The points, every number moved by up to `most` of its column's full range."""
        shift = rng.uniform(-most, most, size=points.numbers.shape) * self.full_range
        return Points(points.numbers + shift, points.codes)

    def _measure(self, queries: Points, targets: Points) -> Measure:
        """Mixed L1 distances less the number of categories: one product of one-hot categories counts agreements."""
        wide, one_hot_q, one_hot_t = self._one_hot(queries.codes, targets.codes)
        numbers_q, numbers_t = self._scaled(queries), self._scaled(targets)

        def distances(start: int, stop: int) -> torch.Tensor:
            apart = torch.cdist(numbers_q[start:stop], numbers_t, p=1)
            apart.addmm_(one_hot_q[start:stop], one_hot_t.T, alpha=-1.0)
            for asked, there in wide:
                apart -= (asked[start:stop, None] == there).to(apart.dtype)
            return apart

        return distances

    def _scaled(self, points: Points) -> torch.Tensor:
        return torch.tensor(self._relative(points, self._central_range), dtype=torch.float32, device=self.device)

    def _relative(self, points: Points, ranges: FloatArray) -> FloatArray:
        """Numbers from the column's middle, in ranges; the middle is taken off first, lest rounding eat the rest."""
        with np.errstate(over="ignore"):
            return np.clip((points.numbers - self._fill) / ranges, -_FARTHEST, _FARTHEST)

    def _one_hot(
        self, queries: Codes, targets: Codes
    ) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], torch.Tensor, torch.Tensor]:
        """One-hot categories of both sides; their product counts the columns in which two records agree.

        Only levels that stand on both sides can agree, so others have no column. Categories of very many levels, such
        as a text that nearly everybody writes differently, are left as they are: pairs of codes, queries' and targets'.
        """
        wide, places, width = [], [], 0
        for j in range(queries.shape[1]):
            shared = np.intersect1d(queries[:, j], targets[:, j])
            if len(shared) > WIDE:
                pair = (torch.as_tensor(codes[:, j].copy(), device=self.device) for codes in (queries, targets))
                wide.append((next(pair), next(pair)))
            elif len(shared):
                places.append((j, shared, width))
                width += len(shared)
        sides = []
        for codes in (queries, targets):
            encoded = torch.zeros((len(codes), max(width, 1)), dtype=torch.float32)
            for j, shared, first in places:
                rows = np.flatnonzero(np.isin(codes[:, j], shared))
                encoded[torch.as_tensor(rows), torch.as_tensor(first + np.searchsorted(shared, codes[rows, j]))] = 1.0
            sides.append(encoded.to(self.device))
        return wide, sides[0], sides[1]


def _numbers(frames: Sequence[pd.DataFrame], columns: list[str]) -> FloatArray:
    """The numeric columns of several frames as one float array, datetimes as seconds."""
    if not columns:
        return np.zeros((sum(len(frame) for frame in frames), 0))
    stacked = pd.concat([frame[columns] for frame in frames], ignore_index=True)
    return np.column_stack([_as_float(stacked[name]) for name in columns])


def _as_float(series: pd.Series) -> FloatArray:
    if pd.api.types.is_datetime64_any_dtype(series):
        seconds = series.astype("datetime64[ns]").to_numpy().astype(np.int64) / 1e9
        return np.where(series.isna().to_numpy(), np.nan, seconds)
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _by_column(reduce: Callable[..., Any], values: FloatArray) -> FloatArray:
    """A nan-reduction over rows that gives 0 for a column without any number, instead of a warning and a nan."""
    if values.shape[1] == 0:
        return np.zeros(0)
    filled = np.where(np.isnan(values).all(axis=0, keepdims=True), 0.0, values)
    return np.asarray(reduce(filled, axis=0), dtype=np.float64)


def _rows_by_group(groups: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(groups, kind="stable")
    names, starts = np.unique(groups[order], return_index=True)
    return {int(name): rows for name, rows in zip(names, np.split(order, starts[1:]), strict=True)}
