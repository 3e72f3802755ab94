"""How far does each column's distribution lie from the real one?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from audit.checks import Measured, Subject, register
from audit.fidelity.binning import ORDERED, numbers
from audit.fidelity.distance import UNBOUNDED, Distance, Gap, Gauge, Gauges, Summaries, Weights
from audit.measures import kolmogorov_smirnov, total_variation, wasserstein
from audit.statistics import Floats
from generators import Column


@register
class Marginals(Distance):
    """Does each column, taken alone, look like the real one?

    Numbers are compared by the Kolmogorov-Smirnov distance (the largest gap between two cumulative distributions),
    categories by total variation (half the sum of differences of shares); both run from 0, equal, to 1, disjoint, and a
    missing value is a value. Numbers are compared by the Wasserstein distance too, in units of the standard deviation
    of the real ones (clipped to their 1st to 99th percentile), which sees how far values have moved, missing ones left
    aside.

    Source: Smirnov (1948); Vallender (1974); use as fidelity measures as in SDMetrics' column shapes.
    """

    id = "fidelity.marginals"
    title = "Column distributions"
    question = "Does each column, taken alone, look like the real one?"
    measures = ("mean_distance", "worst_distance", "mean_wasserstein", "p_value")
    source = (
        "Kolmogorov-Smirnov, total-variation and Wasserstein distances per column; test by Westfall and Young (1993)"
    )
    remedy = "Train longer, give the model more bins or capacity, or a larger privacy budget."
    damage_done = "with one column replaced by its most frequent value"
    gauges: ClassVar[Gauges] = {
        "distance": Gauge(),
        "wasserstein": Gauge("spreads, from 0", UNBOUNDED),
    }
    summaries: ClassVar[Summaries] = {
        "mean_distance": ("mean", "distance"),
        "worst_distance": ("worst", "distance"),
        "mean_wasserstein": ("mean", "wasserstein"),
    }

    def unfit(self, subject: Subject) -> str | None:
        """A table of identifiers and constants alone has nothing to compare."""
        return None if compared_columns(subject) else "no column carries values that vary"

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:
        """One for each column."""
        return [
            Gap(column.name, partial(_distance, *_levels(pooled[column.name], ~first, column)))
            for column in compared_columns(subject)
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse the most varied column to its mode."""
        name = max((column.name for column in compared_columns(subject)), key=lambda name: records[name].nunique())
        modes = records[name].mode()
        return records.assign(**{name: modes.iloc[0]}) if len(modes) else records

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The mean distance beside its floor, in words."""
        return (
            f"On average a column lies {measured[0].value:.3f} from the real one on a scale from 0 to 1, where fresh "
            f"real records lie {floor[0].value:.3f}; the worst column lies {measured[1].value:.3f} away."
        )


def compared_columns(subject: Subject) -> list[Column]:
    """The columns that carry values that vary."""
    return [column for column in subject.dataset.schema.modelled if not column.constant]


def one_hot(codes: NDArray[np.int64], levels: int) -> csr_matrix:
    """Which record has which level, shape (levels, records): times weights it counts."""
    ones = np.ones(len(codes), dtype=np.float32)
    return csr_matrix((ones, (codes, np.arange(len(codes)))), shape=(levels, len(codes)))


def _levels(
    cells: pd.Series, real: NDArray[np.bool_], column: Column
) -> tuple[csr_matrix, bool, NDArray[np.float64] | None]:
    """Counts by level, whether levels have an order, and the values of numbers; missing is the last level."""
    ordered = column.kind in ORDERED
    codes, values = pd.factorize(cells, sort=ordered, use_na_sentinel=True)
    levels = one_hot(np.where(codes < 0, len(values), codes).astype(np.int64), len(values) + 1)
    if not ordered or len(values) < 2:
        return levels, ordered, None
    at = numbers(pd.Series(values), column)
    known = at[codes[real & (codes >= 0)]]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 0.0)
    spread = float(np.clip(known, low, high).std()) if len(known) else 0.0
    return levels, ordered, at / spread if spread > 0 else None


def _distance(
    levels: csr_matrix, ordered: bool, values: NDArray[np.float64] | None, first: Weights, second: Weights
) -> Floats:
    mine, real = levels @ first, levels @ second
    distance = kolmogorov_smirnov(mine, real) if ordered else total_variation(mine, real)
    moved = np.full(distance.shape, np.nan)
    if values is not None and (mine[:-1].sum(axis=0) > 0).all() and (real[:-1].sum(axis=0) > 0).all():
        moved = wasserstein(mine[:-1], real[:-1], values)
    return np.stack([distance, moved])
