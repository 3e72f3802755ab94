"""Do the synthetic records answer the questions that a statistician asks?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from audit.checks import Measured, Subject, register
from audit.fidelity.binning import ORDERED, binned, numbers
from audit.fidelity.distance import UNBOUNDED, Distance, Gap, Gauge, Gauges, Summaries, Weights
from audit.fidelity.marginals import compared_columns
from audit.statistics import Floats

QUERIES = 50
FEWEST = 30  # pooled records that a query must be about: fewer would measure chance alone


@register
class Queries(Distance):
    """Do the synthetic records answer the questions that a statistician asks?

    A workload of fifty random questions of each sort: how many records have these levels of two columns (counts),
    and what is the average of a number among the records with this level (averages). The error of a count is a share of
    the real answer, that of an average is in standard deviations of the number. Questions about fewer than 30 records
    are not asked.

    Source: query workloads as in Hardt, Ligett and McSherry, "A simple and practical algorithm for differentially
    private data release" (NIPS 2012); Vietri et al. (ICML 2020).
    """

    id = "utility.queries"
    title = "Counts and averages by group"
    question = "Do the synthetic records answer the questions that a statistician asks?"
    measures = ("count_error", "average_error", "p_value")
    source = "query workloads: Hardt, Ligett and McSherry (NIPS 2012); test by Westfall and Young (1993)"
    remedy = "Give the model more capacity or records; a marginal model should have the workload's columns as cliques."
    damage_done = "with every second column shuffled"
    gauges: ClassVar[Gauges] = {
        "count": Gauge("error over the true count, from 0", UNBOUNDED),
        "average": Gauge("standard deviations, from 0", UNBOUNDED),
    }
    summaries: ClassVar[Summaries] = {"count_error": ("mean", "count"), "average_error": ("mean", "average")}
    most = 5000

    def unfit(self, subject: Subject) -> str | None:
        """A question needs two columns."""
        return None if len(compared_columns(subject)) > 1 else "fewer than two columns carry values that vary"

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:
        """One for each question."""
        columns, rng = compared_columns(subject), self.rng(subject, "queries")
        levels = {column.name: binned(pooled[column.name], column) for column in columns}
        return [*self._counts(levels, first, rng), *self._averages(pooled, levels, subject, rng)]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut half of the columns loose, each on its own."""
        names = [column.name for column in compared_columns(subject)][::2]
        return records.assign(**{name: records[name].to_numpy()[rng.permutation(len(records))] for name in names})

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The errors beside their floors, in words."""
        errors = {one.name: one.value for one in measured}
        real = {one.name: one.value for one in floor}
        parts = []
        if "count_error" in errors:
            parts.append(
                f"A count by two columns is {errors['count_error']:.1%} off the real one on average, one from fresh "
                f"real records {real.get('count_error', 0):.1%}"
            )
        if "average_error" in errors:
            parts.append(
                f"an average within a group is off by {errors['average_error']:.3f} standard deviations "
                f"({real.get('average_error', 0):.3f})"
            )
        return "; ".join(parts) + "."

    @staticmethod
    def _counts(levels: dict[str, NDArray[np.int64]], first: NDArray[np.bool_], rng: np.random.Generator) -> list[Gap]:
        made, names = [], list(levels)
        for _ in range(3 * QUERIES):
            one, other = rng.choice(len(names), 2, replace=False)
            record = int(rng.integers(len(first)))  # asks about levels as often as they occur together
            inside = np.ones(len(first), dtype=bool)
            for name in (names[one], names[other]):
                inside &= levels[name] == levels[name][record]
            real = float(inside[~first].sum())
            if inside.sum() >= FEWEST and real > 0:
                scale = real / (~first).sum()
                made.append(
                    Gap(
                        f"{names[one]} x {names[other]}",
                        partial(_count_error, csr_matrix(inside[None].astype(np.float32)), scale),
                    )
                )
        return made[:QUERIES]

    @staticmethod
    def _averages(
        pooled: pd.DataFrame, levels: dict[str, NDArray[np.int64]], subject: Subject, rng: np.random.Generator
    ) -> list[Gap]:
        values = {
            column.name: numbers(pooled[column.name], column)
            for column in compared_columns(subject)
            if column.kind in ORDERED
        }
        usable = [name for name, cells in values.items() if np.isfinite(cells).any() and np.nanstd(cells) > 0]
        made: list[Gap] = []
        for _ in range(3 * QUERIES if usable else 0):
            number = usable[int(rng.integers(len(usable)))]
            others = [name for name in levels if name != number]
            group = others[int(rng.integers(len(others)))]
            inside = levels[group] == levels[group][int(rng.integers(len(pooled)))]
            inside = inside & np.isfinite(values[number])
            if inside.sum() >= FEWEST:
                cells = np.where(inside, values[number] / np.nanstd(values[number]), 0.0)
                both = csr_matrix(np.stack([inside, cells]).astype(np.float32))
                made.append(Gap(f"{number} by {group}", partial(_average_error, both)))
        return made[:QUERIES]


def _count_error(inside: csr_matrix, scale: float, first: Weights, second: Weights) -> Floats:
    shares = [(inside @ weights)[0] / weights.sum(axis=0) for weights in (first, second)]
    return np.stack([np.abs(shares[0] - shares[1]) / scale, np.full(first.shape[1], np.nan)])


def _average_error(both: csr_matrix, first: Weights, second: Weights) -> Floats:
    (n1, sum1), (n2, sum2) = (both @ weights for weights in (first, second))
    # Where a resample has nobody in the group there is no average; such a draw says nothing of the error.
    gap = np.abs(sum1 / np.maximum(n1, 1) - sum2 / np.maximum(n2, 1)) * ((n1 > 0) & (n2 > 0))
    return np.stack([np.full(first.shape[1], np.nan), gap])
