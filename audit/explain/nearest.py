"""Do synthetic records lie closer to training records than to other real ones, and in what do they agree?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.checks.small_cells import share_in_words
from audit.fidelity.marginals import compared_columns
from audit.fidelity.placing import Rows, placed_by_reference
from audit.statistics import Floats, Interval, bootstrap_interval, unit_weights
from reports import Table

MOST = 2000
DRAWS = 300
CLOSEST = 0.1
FEWEST_PAIRS = 30


@register
class NearestComparison(Evaluation):
    """Do synthetic records lie closer to training records than to other real ones, and in what do they agree?

    Each synthetic record is compared with its nearest training record and its nearest holdout record, out of as many of
    each: where nothing was learnt by heart, either is the closer one half of the time. The table says in which columns
    the closest tenth of pairs agree; no record is shown. A share of one half proves nothing: it is a diagnostic, and
    data that look so can fall to membership inference.

    Source: distance to closest record, as in Zhao et al. (2021); its limits: Yao et al. (2025, arXiv 2505.01524).
    """

    id = "explain.nearest"
    title = "Nearest training records"
    question = "Do synthetic records lie closer to training records than to other real ones, and in what do they agree?"
    measures = ("closer_to_train",)
    source = "distance to closest record, against as many holdout records; limits: Yao et al. (arXiv 2505.01524)"
    modalities = EVERY_MODALITY
    remedy = "Train for fewer epochs, deduplicate the training records, or train with a privacy budget."
    damage_done = "all of them copies of training records"

    def __init__(self) -> None:
        self._pairs: tuple[pd.DataFrame, dict[str, pd.DataFrame]] | None = None

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The share of synthetic records that lie closer to train; equal distances count half."""
        placed, data = subject.shared(placed_by_reference), subject.dataset
        size = min(len(data.train), len(data.holdout), MOST)
        asked = sample.frame.iloc[np.sort(rng.permutation(len(sample.frame))[:size])]
        rows = placed.place(asked)
        found, frames = {}, {}
        for part in ("train", "holdout"):
            chosen = np.sort(rng.permutation(len(data.parts[part]))[:size])
            frame = data.parts[part].iloc[chosen]
            distance, place = nearest(rows, placed.place(frame))
            found[part] = distance, data.units(part)[chosen], place
            frames[part] = frame.iloc[place].reset_index(drop=True)
        closer = np.sign(found["holdout"][0] - found["train"][0]) / 2 + 0.5
        if sample.case == "synthetic":
            self._pairs = _closest(asked.reset_index(drop=True), frames, {part: found[part][0] for part in found})
        value, draws = float(closer.mean()), _resampled(rows, found, closer, rng)
        return [
            Measured(
                name="closer_to_train",
                value=value,
                n=size,
                unit="share of synthetic records closer to train, 0 to 1",
                interval=partial(_interval, value, draws, size),
                chance=0.5,
            )
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Copies of training records alone."""
        train = subject.dataset.train
        return train.iloc[rng.integers(len(train), size=len(records))].reset_index(drop=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The share beside its floor, in words."""
        return (
            f"{measured[0].value:.1%} of the synthetic records lie closer to a training record than to a holdout "
            f"record, of fresh real ones {floor[0].value:.1%}; where nothing was learnt by heart it would be half. "
            "Half proves nothing: see the membership checks."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """In which columns the closest pairs agree."""
        if subject.dataset.modality != "tabular" or self._pairs is None or len(self._pairs[0]) < FEWEST_PAIRS:
            return []
        asked, frames = self._pairs
        rows: list[list[str | int | float | None]] = []
        for column in compared_columns(subject):
            shares: list[str | int | float | None] = [column.name]
            for part in ("train", "holdout"):
                mine, other = asked[column.name], frames[part][column.name]
                equal = (mine == other) | (mine.isna() & other.isna())
                shares.append(share_in_words(int(equal.sum()), len(asked)))
            rows.append(shares)
        return [
            Table(
                title="What the closest pairs agree in",
                description=f"Of the tenth of synthetic records that lie closest to train ({len(asked)}): how many "
                "have the same value as their nearest training record, and as their nearest holdout record.",
                columns=["column", "nearest in train", "nearest in holdout"],
                rows=rows,
            )
        ]


def nearest(rows: Rows, real: Rows) -> tuple[Floats, NDArray[np.int64]]:
    """Squared distance to the nearest real row, and which it is."""
    distance, place = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        squares = (part**2).sum(axis=1)[:, None] + (real**2).sum(axis=1)[None, :] - 2 * part @ real.T
        place[start : start + 500] = squares.argmin(axis=1)
        distance[start : start + 500] = squares.min(axis=1)
    return np.round(distance, 4), place


def _closest(
    asked: pd.DataFrame, frames: dict[str, pd.DataFrame], distances: dict[str, Floats]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    rows = np.argsort(distances["train"], kind="stable")[: max(1, round(CLOSEST * len(asked)))]
    return asked.iloc[rows].reset_index(drop=True), {
        part: frame.iloc[rows].reset_index(drop=True) for part, frame in frames.items()
    }


def _resampled(
    rows: Rows,
    found: dict[str, tuple[Floats, NDArray[np.int64], NDArray[np.int64]]],
    closer: Floats,
    rng: np.random.Generator,
) -> Floats:
    """The share when synthetic records, and the people whom they lie closest to, are drawn again.

    A real record that is nearest to many synthetic ones moves all of them together.
    """
    draws = unit_weights(np.arange(len(rows)), DRAWS, rng)
    for part in ("train", "holdout"):
        _, units, place = found[part]
        people = np.unique(units, return_inverse=True)[1]
        draws = draws * unit_weights(people, DRAWS, rng)[:, place]
    total = draws.sum(axis=1)
    return np.asarray(draws @ closer / np.where(total > 0, total, 1), dtype=np.float64)


def _interval(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence)
