"""One column as a block of categories: either its levels, or bins of its range."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

UNSEEN = -1
"""Code of a cell that has no category: a level or a gap that the training data did not show."""

MIN_ATOM_RECORDS = 10
"""A single value becomes a category of its own only if at least this many records share it."""

_MAX_DECIMALS = 6

_OFF_GRID, _OFF_VALUE = 1e-6, 1e-9
"""How far from its grid point a value may lie: in steps, and as a share of the value itself."""


@dataclass(frozen=True)
class LevelBlock:
    """Categories of a categorical, boolean or ordinal column.

    Attributes:
        name: The column.
        levels: Its values; the category's code is the position here.
        missing: Whether there is one more category, the last, for missing cells.
    """

    name: str
    levels: tuple[Any, ...]
    missing: bool

    @property
    def size(self) -> int:
        """Number of categories."""
        return len(self.levels) + self.missing

    def encode(self, cells: pd.Series[Any]) -> npt.NDArray[np.int64]:
        """Return each cell's code, shape (rows,); `UNSEEN` where there is none."""
        codes = np.asarray(pd.Index(list(self.levels), dtype=cells.dtype).get_indexer(pd.Index(cells)), dtype=np.int64)
        codes[cells.isna().to_numpy()] = len(self.levels) if self.missing else UNSEEN
        return codes

    def decode(self, codes: npt.NDArray[np.int64], uniform: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return each code's value; `uniform` is not needed here."""
        del uniform
        numbers = bool(self.levels) and isinstance(self.levels[0], float)
        values = np.array([*self.levels, np.nan], dtype=np.float64 if numbers else object)
        return values[codes]

    @property
    def widths(self) -> npt.NDArray[np.float64]:
        """Length of each category on the real line, shape (size,): 0, for each is a single value."""
        return np.zeros(self.size)

    def within(self, cells: pd.Series[Any]) -> npt.NDArray[np.float64]:
        """Return the part of [0, 1] that decodes to each cell: all of it. Shape (rows, 2)."""
        return np.tile([0.0, 1.0], (len(cells), 1))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state."""
        return {"type": "levels", **asdict(self), "levels": list(self.levels)}


@dataclass(frozen=True)
class BinBlock:
    """Categories of a numeric, integer or datetime column: frequent single values, and bins between edges.

    Values are kept in units of `step`: a grid (whole numbers, cents, days) whose points are the integers, or, with step
    0, the value itself.

    Attributes:
        name: The column.
        atoms: Values with a category of their own, ascending.
        edges: Ascending edges; bin i is [edges[i], edges[i + 1]), the last one closed if step is 0. May be empty.
        step: Spacing of the column's values, 0 for none.
        missing: Whether there is one more category, the last, for missing cells.
        moment: Whether values are datetimes, in seconds since 1970 UTC.
    """

    name: str
    atoms: tuple[float, ...]
    edges: tuple[float, ...]
    step: float
    missing: bool
    moment: bool = False

    @property
    def bins(self) -> int:
        """Number of bins."""
        return max(0, len(self.edges) - 1)

    @property
    def size(self) -> int:
        """Number of categories."""
        return len(self.atoms) + self.bins + self.missing

    @classmethod
    def learn(cls, name: str, values: npt.NDArray[np.float64], bins: int, *, missing: bool, moment: bool) -> Self:
        """Place atoms and quantile bins by the data.

        Args:
            name: The column.
            values: Present values, at least one.
            bins: Largest number of categories, missing left aside.
            missing: Whether cells may be missing.
            moment: Whether values are datetimes in seconds.
        """
        step = grid_of(values, moment=moment)
        rest = np.round(values / step) if step else values
        atoms: list[float] = []
        # Taking the frequent values out raises the share of those that remain, so look again until none stands out.
        while len(rest) and len(atoms) < bins - 1:
            points, counts = np.unique(rest, return_counts=True)
            frequent = counts >= max(MIN_ATOM_RECORDS, len(rest) / (bins - len(atoms)))
            if not frequent.any():
                break
            order = np.argsort(-counts[frequent], kind="stable")[: bins - 1 - len(atoms)]
            chosen = points[frequent][order]
            atoms += chosen.tolist()
            rest = rest[~np.isin(rest, chosen)]
        edges: list[float] = []
        if len(rest):
            quantiles = np.quantile(rest, _shares(bins - len(atoms), len(rest)))
            edges = _closed(np.floor(quantiles) if step else quantiles, step)
            edges = _without_empty_bins(edges, sorted(atoms)) if step else edges
        return cls(name, tuple(sorted(atoms)), tuple(edges), step, missing, moment)

    @classmethod
    def declared(
        cls,
        name: str,
        low: float,
        high: float,
        bins: int,
        *,
        kind: str,
        missing: bool,
        frequent: tuple[float, ...] = (),
        quantiles: tuple[float, ...] = (),
    ) -> Self:
        """Place declared atoms, and bins between public bounds, without a look at the data.

        Bins hold equal shares of what the quantiles, values at even shares, tell; without them they have equal width.
        """
        day = 86400.0
        step = {"integer": 1.0, "datetime": day if low % day == 0 == high % day else 1.0}.get(kind, 0.0)
        bounds = (np.round(low / step), np.round(high / step)) if step else (low, high)
        points = np.linspace(bounds[0], bounds[1] + (1 if step else 0), bins + 1)
        atoms = sorted({float(np.round(value / step)) if step else value for value in frequent})
        if quantiles:
            number = max(2, bins - len(atoms))
            known = np.interp(np.linspace(0, 1, number + 1), np.linspace(0, 1, len(quantiles)), quantiles)
            if step:
                known = np.append(known[:-1], known[-1] + step) / step
            points = np.clip(known, points[0], points[-1])
        edges = _without_empty_bins(np.unique(np.floor(points)).tolist(), atoms) if step else _closed(points, step)
        return cls(name, tuple(atoms), tuple(edges), step, missing, kind == "datetime")

    def encode(self, cells: pd.Series[Any]) -> npt.NDArray[np.int64]:
        """Return each cell's code, shape (rows,); values beyond the edges fall into the outermost bins."""
        values = _numbers(cells, moment=self.moment)
        absent = np.isnan(values)
        points = np.where(absent, 0.0, np.round(values / self.step) if self.step else values)
        atoms = np.array(self.atoms)
        codes = np.full(len(points), UNSEEN, dtype=np.int64)
        if self.bins:
            codes = np.searchsorted(np.array(self.edges[1:-1]), points, side="right") + len(atoms)
        if len(atoms):
            nearest = np.clip(np.searchsorted(atoms, points), 0, len(atoms) - 1)
            codes = np.where(atoms[nearest] == points, nearest, codes)
            if not self.bins:
                codes = np.abs(points[:, None] - atoms[None, :]).argmin(axis=1)
        codes[absent] = self.size - 1 if self.missing else UNSEEN
        return np.asarray(codes, dtype=np.int64)

    def decode(self, codes: npt.NDArray[np.int64], uniform: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Return a value for each code: the atom, or a point drawn evenly from the bin by `uniform` in [0, 1)."""
        starts = np.array([*self.atoms, *self.edges[:-1], np.nan])[codes]
        stops = np.array([*self.atoms, *self.edges[1:], np.nan])[codes]
        if self.step:
            values = np.round(self._grid_points(starts, stops, uniform) * self.step, _MAX_DECIMALS)
        else:
            values = starts + uniform * (stops - starts)
        if not self.moment:
            return values
        moments = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[ns]")
        known = ~np.isnan(values)
        moments[known] = (np.round(values[known] * 1e6).astype(np.int64) * 1000).astype("datetime64[ns]")
        return moments

    @property
    def widths(self) -> npt.NDArray[np.float64]:
        """Length of each category on the real line, shape (size,); 0 where values have probabilities, not densities."""
        lengths = np.zeros(self.size)
        if self.bins and not self.step:
            lengths[len(self.atoms) : len(self.atoms) + self.bins] = np.diff(self.edges)
        return lengths

    def within(self, cells: pd.Series[Any]) -> npt.NDArray[np.float64]:
        """Return the part of [0, 1] that `decode` turns into each cell, given its code.

        Returns:
            Start and stop, shape (rows, 2): 0 and 1 for a value alone in its category, an n-th for one of n points of
            a grid, and twice the same number for a real one. Values beyond the edges count as the edges.
        """
        values = _numbers(cells, moment=self.moment)
        codes = self.encode(cells)
        binned = ~np.isnan(values) & (codes >= len(self.atoms))
        part = np.tile([0.0, 1.0], (len(values), 1))
        if not binned.any():
            return part
        codes, values = codes[binned] - len(self.atoms), values[binned]
        starts, stops = np.array(self.edges[:-1])[codes], np.array(self.edges[1:])[codes]
        if self.step:
            points = np.clip(np.round(values / self.step), starts, stops - 1)
            ranks = points - starts - self._atoms_between(starts, points)
            free = stops - starts - self._atoms_between(starts, stops)
            part[binned] = np.stack([ranks, ranks + 1], axis=1) / free[:, None]
        else:
            lengths = stops - starts
            shares = np.clip((values - starts) / np.where(lengths > 0, lengths, 1), 0, 1)
            part[binned] = np.where(lengths > 0, [shares, shares], [[0.0], [1.0]]).T
        return part

    def _atoms_between(
        self, starts: npt.NDArray[np.float64], stops: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Count the atoms in each [start, stop)."""
        atoms = np.array(self.atoms)
        return (np.searchsorted(atoms, stops) - np.searchsorted(atoms, starts)).astype(np.float64)

    def _grid_points(
        self, starts: npt.NDArray[np.float64], stops: npt.NDArray[np.float64], uniform: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Draw grid points evenly from [start, stop), leaving out the atoms, which have categories of their own."""
        points = starts + np.floor(uniform * (stops - starts - self._atoms_between(starts, stops)))
        for atom in self.atoms:
            points += (starts <= atom) & (atom < stops) & (points >= atom)
        return points

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state."""
        return {"type": "bins", **asdict(self), "atoms": list(self.atoms), "edges": list(self.edges)}


Block = LevelBlock | BinBlock


def block_from_dict(data: dict[str, Any]) -> Block:
    """Build a block from `to_dict` state."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    del fields["type"]
    return LevelBlock(**fields) if data["type"] == "levels" else BinBlock(**fields)


def _without_empty_bins(edges: list[float], atoms: list[float]) -> list[float]:
    """Edges on a grid, joined so that no bin consists of atoms alone; empty if every point is an atom."""
    kept = edges[:1]
    for edge in edges[1:]:
        if edge - kept[-1] > sum(kept[-1] <= atom < edge for atom in atoms):
            kept.append(edge)
    if len(kept) > 1:
        kept[-1] = edges[-1]  # what is left over at the top are atoms, which the last bin may span
    return kept if len(kept) > 1 else []


def grid_of(values: npt.NDArray[np.float64], *, moment: bool) -> float:
    """Return the spacing on which all values lie (days, seconds, or a power of ten from 1 down), or 0 if none does."""
    candidates = [86400.0, 1.0] if moment else [10.0**-places for places in range(_MAX_DECIMALS)]
    for step in candidates:
        points = values / step
        # A share of the value too, or values that are all tiny would count as whole numbers, all of them 0.
        near = np.minimum(_OFF_GRID, _OFF_VALUE * np.abs(points))
        if np.all(np.abs(points) < 2**52) and np.all(np.abs(points - np.round(points)) <= near):
            return step
    return 0.0


def present_values(cells: pd.Series[Any], *, moment: bool) -> npt.NDArray[np.float64]:
    """Return the cells that are not missing as numbers, datetimes as seconds."""
    values = _numbers(cells, moment=moment)
    return values[~np.isnan(values)]


def _shares(bins: int, records: int) -> npt.NDArray[np.float64]:
    """Return the shares at which quantile edges lie: evenly, but halved thrice at both ends, where tails are long."""
    tail = 3
    inner = bins - 2 * tail
    if inner < 2 * tail or records / inner / 2**tail < MIN_ATOM_RECORDS:
        return np.linspace(0, 1, bins + 1)
    even = np.linspace(0, 1, inner + 1)
    ends = even[1] * 0.5 ** np.arange(1, tail + 1)
    return np.sort(np.concatenate([even, ends, 1 - ends]))


def _numbers(cells: pd.Series[Any], *, moment: bool) -> npt.NDArray[np.float64]:
    if not moment:
        return cells.to_numpy(dtype=np.float64)
    nanoseconds = cells.to_numpy(dtype="datetime64[ns]")
    return np.where(np.isnat(nanoseconds), np.nan, nanoseconds.astype(np.int64) / 1e9)


def _closed(points: npt.NDArray[np.float64], step: float) -> list[float]:
    """Drop equal edges, and give the last bin room for the largest value."""
    edges = np.unique(points).tolist()
    if step:
        # On a grid the bin [a, a + 1) holds the one value a, so the last edge lies one beyond the largest value.
        return [*edges, edges[-1] + 1] if len(edges) == 1 else [*edges[:-1], edges[-1] + 1]
    return edges if len(edges) > 1 else [edges[0], edges[0]]
