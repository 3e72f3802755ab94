"""Are combinations of values as frequent as they are in the real records?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from audit.checks import Measured, Subject, register
from audit.fidelity.binning import binned, crossed
from audit.fidelity.distance import Distance, Gap, Gauge, Gauges, Summaries, Weights
from audit.fidelity.marginals import compared_columns, one_hot
from audit.measures import total_variation
from audit.statistics import Floats

TAKEN = 25
"""Sets of columns of each size, chosen at random where there are more."""


@register
class Combinations(Distance):
    """Are combinations of two and of three columns as frequent as they are in the real records?

    The total variation between joint distributions of 25 pairs and 25 triples of columns, each column in at most eight
    levels. Many cells and few records put even equal distributions apart: compare with the floor.

    Source: k-way marginals as in the NIST 2018 synthetic data challenge; McKenna, Miklau and Sheldon, "Winning the NIST
    contest" (2021).
    """

    id = "fidelity.combinations"
    title = "Combinations of columns"
    question = "Are combinations of values as frequent as they are in the real records?"
    measures = ("two_way_distance", "three_way_distance", "p_value")
    source = "k-way marginals, as in the NIST synthetic data challenge (2018); test by Westfall and Young (1993)"
    remedy = "Give the model more capacity or more records, or a larger privacy budget."
    damage_done = "with one column shuffled"
    gauges: ClassVar[Gauges] = {
        "two_way": Gauge("total variation, 0 to 1"),
        "three_way": Gauge("total variation, 0 to 1"),
    }
    summaries: ClassVar[Summaries] = {
        "two_way_distance": ("mean", "two_way"),
        "three_way_distance": ("mean", "three_way"),
    }
    most = 3000

    def unfit(self, subject: Subject) -> str | None:
        """A combination needs two columns."""
        return None if len(compared_columns(subject)) > 1 else "fewer than two columns carry values that vary"

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:  # noqa: ARG002
        """One for each set of columns."""
        levels = {column.name: binned(pooled[column.name], column) for column in compared_columns(subject)}
        made = []
        for size in (2, 3):
            for names in self._sets(list(levels), size, subject):
                cells = one_hot(*crossed([levels[name] for name in names]))
                made.append(Gap(" x ".join(names), partial(_distance, cells, size)))
        return made

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut half of the columns loose, each on its own."""
        names = [column.name for column in compared_columns(subject)][::2]
        return records.assign(**{name: records[name].to_numpy()[rng.permutation(len(records))] for name in names})

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The mean distance beside its floor, in words."""
        return (
            f"The shares of combinations of {'three' if len(measured) > 2 else 'two'} columns lie "
            f"{measured[-2].value:.3f} from the real ones on a scale from 0 to 1, those of fresh real records "
            f"{floor[-2].value:.3f}."
        )

    def _sets(self, names: list[str], size: int, subject: Subject) -> list[tuple[str, ...]]:
        if math.comb(len(names), size) <= 10 * TAKEN:
            every = list(combinations(names, size))
            rows = np.sort(self.rng(subject, f"sets of {size}").permutation(len(every))[:TAKEN])
            return [every[row] for row in rows]
        rng = self.rng(subject, f"sets of {size}")
        drawn = {tuple(sorted(rng.choice(len(names), size, replace=False))) for _ in range(TAKEN)}
        return [tuple(names[place] for place in places) for places in sorted(drawn)]


def _distance(cells: csr_matrix, size: int, first: Weights, second: Weights) -> Floats:
    gap = total_variation(cells @ first, cells @ second)
    nothing = np.full(gap.shape, np.nan)
    return np.stack([gap, nothing] if size == 2 else [nothing, gap])
