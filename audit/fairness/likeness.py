"""Do the synthetic records of every subgroup look like its real ones?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from audit.checks import Sample, Subject, register
from audit.fairness.subgroups import FEWEST, Group, Share, Subgrouped, subgroups
from audit.fidelity.distance import compared_size, resampled_interval
from audit.fidelity.placing import Rows, holdout_sample, placed_by_train
from audit.measures import gaussian_kernel, squared_mmd
from audit.statistics import unit_weights

MOST = 5000
MOST_OF_A_GROUP = 400
DRAWS = 200


@register
class SubgroupLikeness(Subgrouped):
    """Do the synthetic records of every subgroup look like its real ones?

    Within each subgroup the unbiased squared maximum mean discrepancy between its synthetic and its real records: 0 on
    average where they are alike, however few there are, and so comparable between small and large subgroups. At most
    400 records of a subgroup are compared.

    Source: Gretton et al. (JMLR 2012) for the distance.
    """

    id = "fairness.likeness"
    title = "Likeness of subgroups"
    question = "Do the synthetic records of every subgroup look like its real ones?"
    measures = ("worst_squared_mmd", "squared_mmd")
    source = "squared MMD by subgroup: Gretton et al. (JMLR 2012); Holm (1979)"
    remedy = "Train longer on the subgroup, or sample it with conditions; under a budget small groups pay most."
    damage_done = "the largest subgroup of which repeats a single record"
    quantity = "squared distance"
    bounds = (-float("inf"), float("inf"))

    def by_group(
        self, sample: Sample, subject: Subject, groups: Sequence[Group], rng: np.random.Generator
    ) -> tuple[list[Share], Share]:
        """The distance of each subgroup."""
        size = compared_size(subject, MOST)
        placed, real = subject.shared(placed_by_train), holdout_sample(subject)
        drawn = [np.sort(rng.permutation(len(one.frame))[:size]) for one in (sample, real)]
        frames = [one.frame.iloc[rows].reset_index(drop=True) for one, rows in zip((sample, real), drawn, strict=True)]
        units = [one.units[rows] for one, rows in zip((sample, real), drawn, strict=True)]
        rows = [placed.place(frame) for frame in frames]
        shares = []
        for group in groups:
            inside = [np.flatnonzero(group.of(frame)) for frame in frames]
            chosen = [rng.permutation(one)[:MOST_OF_A_GROUP] for one in inside]
            people = [len(np.unique(unit[one])) for unit, one in zip(units, chosen, strict=True)]
            if min(people) >= FEWEST:
                shares.append(_share(group.label, rows, units, chosen, rng))
        everybody = [rng.permutation(len(frame))[: 2 * MOST_OF_A_GROUP] for frame in frames]
        return shares, _share("everybody", rows, units, everybody, rng)

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Let a single record stand for the whole of the largest subgroup."""
        inside = np.flatnonzero(subject.shared(subgroups)[0][0].of(records))
        rows = np.arange(len(records))
        rows[inside] = inside[rng.integers(len(inside))]
        return records.iloc[rows].reset_index(drop=True)


def _share(
    label: str, rows: list[Rows], units: list[np.ndarray], chosen: list[np.ndarray], rng: np.random.Generator
) -> Share:
    ours, theirs = (one[some] for one, some in zip(rows, chosen, strict=True))
    between = squared_mmd(gaussian_kernel(np.vstack([ours, theirs])))
    people = [unit[some] for unit, some in zip(units, chosen, strict=True)]
    weights = [unit_weights(one, DRAWS, rng).T for one in people]
    first = np.vstack([weights[0], np.zeros((len(theirs), DRAWS), dtype=np.float32)])
    second = np.vstack([np.zeros((len(ours), DRAWS), dtype=np.float32), weights[1]])
    mask = (np.arange(len(first)) < len(ours)).astype(np.float32)[:, None]
    value, draws = float(between(mask, 1 - mask)[0]), between(first, second)
    fewest = min(len(np.unique(one)) for one in people)
    unbounded = (-float("inf"), float("inf"))
    return Share(
        label=label,
        people=len(np.unique(people[1])),
        value=value,
        error=max(float(draws.std(ddof=1)), 1e-12),
        interval=partial(resampled_interval, value, draws, fewest, unbounded, 1),
    )
