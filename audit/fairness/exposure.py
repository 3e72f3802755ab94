"""Are the people of some subgroups easier to find in the training data than others?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Sample, Subject, register
from audit.fairness.subgroups import FEWEST, Group, Share, Subgrouped, subgroups
from audit.fidelity.placing import Rows, placed_by_reference
from audit.statistics import Floats, Interval, Weights, auc, auc_draws, bootstrap_interval, unit_weights

MOST_ASKED = 3000
MOST_PUBLISHED = 10_000
DRAWS = 200


@register
class SubgroupExposure(Subgrouped):
    """Are the people of some subgroups easier to find in the training data than others?

    Every record of train and of the holdout is scored by how close its nearest synthetic record lies, and the area
    under the ROC curve is taken within each subgroup: .5 is chance. This is one attack, made to compare subgroups with
    each other; how much the best attack finds is what the membership checks say.

    Source: GAN-Leaks, Chen et al. (CCS 2020), for the score; Kulynych, Yaghini, Cherubin, Veale and Troncoso,
    "Disparate vulnerability to membership inference attacks" (PoPETs 2022), for the comparison.
    """

    id = "fairness.exposure"
    title = "Exposure of subgroups"
    question = "Are the people of some subgroups easier to find in the training data than others?"
    measures = ("worst_exposure", "exposure")
    source = "Kulynych et al. (PoPETs 2022), disparate vulnerability, by nearest synthetic record; Holm (1979)"
    remedy = "Coarsen the columns that single the subgroup out, or train with a privacy budget: it bounds all risks."
    damage_done = "replaced by copies of the training records of one subgroup"
    quantity = "AUC of finding its members"

    def by_group(
        self, sample: Sample, subject: Subject, groups: Sequence[Group], rng: np.random.Generator
    ) -> tuple[list[Share], Share]:
        """The AUC within each subgroup."""
        placed, data = subject.shared(placed_by_reference), subject.dataset
        published = placed.place(sample.frame.iloc[np.sort(rng.permutation(len(sample.frame))[:MOST_PUBLISHED])])
        chosen = {part: np.sort(rng.permutation(len(data.parts[part]))[:MOST_ASKED]) for part in ("train", "holdout")}
        frames = {part: data.parts[part].iloc[rows] for part, rows in chosen.items()}
        scores = {part: -_nearest(placed.place(frame), published) for part, frame in frames.items()}
        units = {part: data.units(part)[rows] for part, rows in chosen.items()}
        weights = {part: unit_weights(one, DRAWS, rng) for part, one in units.items()}
        shares = []
        for group in groups:
            inside = {part: group.of(frame) for part, frame in frames.items()}
            if min(len(np.unique(units[part][rows])) for part, rows in inside.items()) >= FEWEST:
                shares.append(_share(group.label, scores, units, weights, inside))
        everybody = {part: np.ones(len(frame), dtype=bool) for part, frame in frames.items()}
        return shares, _share("everybody", scores, units, weights, everybody)

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Publish nothing but copies of the training records of one subgroup."""
        train, groups = subject.dataset.train, subject.shared(subgroups)[0]
        inside = np.flatnonzero(groups[len(groups) // 4].of(train))
        return train.iloc[inside[rng.integers(len(inside), size=len(records))]].reset_index(drop=True)


def _nearest(asked: Rows, published: Rows) -> Floats:
    """Squared distance of each record to its nearest published one, shape (records,)."""
    squares = (published.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
    found = np.empty(len(asked))
    for start in range(0, len(asked), 500):
        part = asked[start : start + 500]
        distances = (part**2).sum(axis=1)[:, None] + squares[None, :] - 2 * part @ published.T
        found[start : start + 500] = distances.min(axis=1)
    return np.round(found, 4)  # what rounding leaves between equal records must not tell copies apart


def _share(
    label: str,
    scores: dict[str, Floats],
    units: dict[str, NDArray[np.int64]],
    weights: dict[str, Weights],
    inside: dict[str, NDArray[np.bool_]],
) -> Share:
    members, others = (scores[part][inside[part]] for part in ("train", "holdout"))
    taken = [weights[part][:, inside[part]] for part in ("train", "holdout")]
    value = auc(members, others)
    usable = taken[0].any(axis=1) & taken[1].any(axis=1)
    draws = auc_draws(members, others, taken[0][usable], taken[1][usable])
    people = min(len(np.unique(units[part][inside[part]])) for part in ("train", "holdout"))
    return Share(
        label=label,
        people=people,
        value=value,
        error=max(float(draws.std(ddof=1)), 1e-12),
        interval=partial(_interval, value, draws, people),
    )


def _interval(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence)
