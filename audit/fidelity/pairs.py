"""Do the columns depend on each other as they do in the real records?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from audit.checks import Measured, Subject, register
from audit.fidelity.binning import ORDERED, binned, numbers
from audit.fidelity.distance import UNBOUNDED, Distance, Gap, Gauge, Gauges, Summaries, Weights
from audit.fidelity.marginals import compared_columns, one_hot
from audit.measures import correlation, cramers_v, mutual_information
from audit.statistics import Floats

MOST_PAIRS = 60
_Ranks = tuple[NDArray[Any], NDArray[Any]] | None


@register
class Pairs(Distance):
    """Do pairs of columns depend on each other as they do in the real records?

    For every pair (a random 60 where there are more) the strength of association is measured in both samples: Cramer's
    V and mutual information of the columns in at most eight levels, and for two numbers the correlation of their ranks.
    The gap is the absolute difference between the samples.

    Source: Cramer (1946); Spearman (1904); Cover and Thomas (2006); use as fidelity measures as in SDMetrics' column
    pair trends.
    """

    id = "fidelity.pairs"
    title = "Dependence between columns"
    question = "Do the columns depend on each other as they do in the real records?"
    measures = (
        "association_difference",
        "worst_association_difference",
        "correlation_difference",
        "information_difference",
        "p_value",
    )
    source = "Cramer's V, Spearman's correlation and mutual information; test by Westfall and Young (1993)"
    remedy = (
        "Give the model more capacity or more records; a marginal model needs the pairs that matter among its cliques."
    )
    damage_done = "with one column shuffled"
    gauges: ClassVar[Gauges] = {
        "association": Gauge("difference of Cramer's V, 0 to 1"),
        "correlation": Gauge("difference of rank correlations, 0 to 2", 2.0),
        "information": Gauge("difference in nats, from 0", UNBOUNDED),
    }
    summaries: ClassVar[Summaries] = {
        "association_difference": ("mean", "association"),
        "worst_association_difference": ("worst", "association"),
        "correlation_difference": ("mean", "correlation"),
        "information_difference": ("mean", "information"),
    }
    most = 3000

    def unfit(self, subject: Subject) -> str | None:
        """A pair needs two columns."""
        return None if len(compared_columns(subject)) > 1 else "fewer than two columns carry values that vary"

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:  # noqa: ARG002
        """One for each pair."""
        columns = {column.name: column for column in compared_columns(subject)}
        levels = {name: binned(pooled[name], column) for name, column in columns.items()}
        ranks = {
            name: pd.Series(numbers(pooled[name], column)).rank().fillna(len(pooled) / 2).to_numpy()
            for name, column in columns.items()
            if column.kind in ORDERED
        }
        made = []
        for one, other in self._pairs(list(columns), subject):
            width = int(levels[other].max()) + 1
            height = int(levels[one].max()) + 1
            cells = one_hot(levels[one] * width + levels[other], height * width)
            both = (ranks[one], ranks[other]) if one in ranks and other in ranks else None
            made.append(Gap(f"{one} x {other}", partial(_differences, cells, (height, width), both)))
        return made

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut the column loose that hangs together most with the others."""
        columns = compared_columns(subject)
        levels = {column.name: binned(records[column.name], column) for column in columns}
        held = dict.fromkeys(levels, 0.0)
        for one, other in combinations(levels, 2):
            counts = np.zeros((levels[one].max() + 1, levels[other].max() + 1))
            np.add.at(counts, (levels[one], levels[other]), 1)
            for name in (one, other):
                held[name] += float(cramers_v(counts))
        name = max(held, key=lambda column: held[column])
        return records.assign(**{name: records[name].to_numpy()[rng.permutation(len(records))]})

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The mean difference beside its floor, in words."""
        return (
            f"The association of two columns (Cramer's V, 0 to 1) differs from the real one by {measured[0].value:.3f} "
            f"on average, where that of fresh real records differs by {floor[0].value:.3f}."
        )

    def _pairs(self, names: list[str], subject: Subject) -> list[tuple[str, str]]:
        pairs = list(combinations(names, 2))
        if len(pairs) <= MOST_PAIRS:
            return pairs
        rows = np.sort(self.rng(subject, "pairs").permutation(len(pairs))[:MOST_PAIRS])
        return [pairs[row] for row in rows]


def _differences(cells: csr_matrix, shape: tuple[int, int], ranks: _Ranks, first: Weights, second: Weights) -> Floats:
    mine, real = ((cells @ weights).reshape(*shape, -1) for weights in (first, second))
    gaps = [np.abs(strength(mine) - strength(real)) for strength in (cramers_v, mutual_information)]
    if ranks is None:
        linear = np.full(first.shape[1], np.nan)
    else:
        linear = np.abs(correlation(*ranks, first) - correlation(*ranks, second))
    return np.stack([gaps[0], linear, gaps[1]])
