"""What an attacker sees in a whole set of synthetic records: its moments, its histograms, its correlations.

Numbers are cut into tenths of the attacker's reference; categories stand for themselves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audit.neighbours import Points, distinct_rows, join
from audit.statistics import Floats

BINS = 10
Codes = npt.NDArray[np.int64]


class Columns:
    """How columns are cut into cells.

    Args:
        reference: What the attacker knows of the population; scale and edges of numbers come from it alone.
        asked: Records that are asked about, whose categories count beside those of the reference.
    """

    def __init__(self, reference: Points, asked: Points) -> None:
        shares = np.linspace(0, 1, BINS + 1)[1:-1]
        self._edges = [np.unique(np.quantile(column, shares)) for column in reference.numbers.T]
        self._levels = [int(column.max(initial=0)) + 2 for column in join(reference, asked).codes.T]
        self._middle = np.median(reference.numbers, axis=0) if len(reference) else np.zeros(0)
        self._spread = np.maximum(_spread(reference.numbers), 1e-12)

    @property
    def sizes(self) -> list[int]:
        """Cells of each column."""
        return [len(edges) + 1 for edges in self._edges] + self._levels

    def cells(self, points: Points) -> Codes:
        """The cell of each record in each column, shape (records, columns)."""
        numbers = [np.searchsorted(edges, points.numbers[:, j], side="right") for j, edges in enumerate(self._edges)]
        # What only synthetic records hold shares the last cell.
        codes = [
            np.where(c < 0, top - 1, np.minimum(c, top - 1))
            for c, top in zip(points.codes.T, self._levels, strict=True)
        ]
        columns = [*numbers, *codes]
        return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(points), 0), dtype=np.int64)

    def describe(self, points: Points) -> Floats:
        """Features of the whole set, in one row: naive, histogram and correlation features of Stadler et al. (2022).

        Naive are mean, median and deviation of each number and the number of levels in use; histograms the share of
        records in each cell; correlations those between all columns, categories by their codes.
        """
        scaled = np.clip((points.numbers - self._middle) / self._spread, -1e3, 1e3)
        cells = self.cells(points)
        histograms = [np.bincount(cells[:, j], minlength=size) / len(cells) for j, size in enumerate(self.sizes)]
        naive = [scaled.mean(axis=0), np.median(scaled, axis=0), scaled.std(axis=0)]
        levels = np.array([np.count_nonzero(one) for one in histograms], dtype=np.float64)
        both = np.hstack([np.clip(scaled, -10, 10), cells[:, len(self._edges) :]])
        return np.concatenate([*naive, levels, *histograms, _correlations(both)])


def _spread(numbers: Floats) -> Floats:
    low, high = np.quantile(numbers, [0.05, 0.95], axis=0) if len(numbers) else np.zeros((2, numbers.shape[1]))
    return np.asarray(high - low)


def _correlations(columns: Floats) -> Floats:
    """Correlations of all pairs of columns; none where a column is constant."""
    centred = columns - columns.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    normed = centred / np.where(scale > 0, scale, 1.0)
    first, second = np.triu_indices(columns.shape[1], k=1)
    return np.asarray((normed.T @ normed)[first, second])


def random_queries(columns: int, count: int) -> list[Codes]:
    """Different sets of columns drawn at random, all of a size as likely as another; fewer where there are fewer.

    The same for the same numbers: which questions are asked is part of the attack, not of its chance.
    """
    rng = np.random.default_rng(columns)
    found: dict[tuple[int, ...], None] = {}
    for _ in range(20 * count):
        size = int(rng.integers(1, columns + 1))
        found.setdefault(tuple(sorted(int(one) for one in rng.permutation(columns)[:size])))
        if len(found) == count:
            break
    return [np.array(one, dtype=np.int64) for one in found]


def matches(queries: list[Codes], asked: Codes, drawn: Codes) -> Floats:
    """How many drawn records agree with each asked one on each query's columns, shape (asked, queries).

    Args:
        queries: Column numbers of each query.
        asked: Cells of n records.
        drawn: Cells of the synthetic records.
    """
    counts = np.empty((len(asked), len(queries)))
    for place, columns in enumerate(queries):
        group = distinct_rows(np.concatenate([asked[:, columns], drawn[:, columns]]))
        found = np.bincount(group[len(asked) :], minlength=int(group.max()) + 1)
        counts[:, place] = found[group[: len(asked)]]
    return counts
