"""What do the directions of a model's latent space change, and do they lead past training records?"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.explain.nearest import nearest
from audit.fidelity.marginals import compared_columns
from audit.fidelity.placing import holdout_sample, placed_by_reference
from audit.statistics import Floats, Interval, mean_interval
from generators.models.abilities import Encodes
from reports import Table
from reports.document import Access

PATHS = 100
STEPS = 5
DIRECTIONS = 5
REACH = 2.0


@register
class LatentTraversal(Evaluation):
    """Do the ways between records in the latent space lead past training records?

    A hundred pairs of holdout records are encoded, and five points between each pair are decoded: what comes out was
    never put in. The share of it that lies closer to a training record than to a holdout record (other ones than the
    pair's, as many of each) is one half where nothing was learnt by heart. The table says which columns, or how much of
    the content, each leading direction of the latent space changes; no record is shown.

    Source: White, "Sampling generative networks" (2016), for interpolation; Webster et al. (CVPR 2019) for comparing
    what comes out with train and test records.
    """

    id = "explain.latent"
    title = "Ways through the latent space"
    question = "Do the ways between records in the latent space lead past training records?"
    measures = ("closer_to_train",)
    source = "latent interpolation: White (2016); Webster et al. (CVPR 2019)"
    access: ClassVar[Access] = "white-box"
    modalities = EVERY_MODALITY
    remedy = "Train for fewer epochs, with a stronger prior, or with a privacy budget."
    damage_done = "half of which are training records"

    def __init__(self) -> None:
        self._table: Table | None = None

    def unfit(self, subject: Subject) -> str | None:
        """The model must be able to encode and decode."""
        if subject.target.model is None or not isinstance(subject.target.model, Encodes):
            return "the model cannot encode and decode records"
        fewest = len(subject.dataset.holdout)
        return None if fewest >= 4 * PATHS else f"only {fewest} holdout records; {4 * PATHS} are needed"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The share of points on the way that lie closer to train."""
        placed = subject.shared(placed_by_reference)
        model: Encodes = _asked(subject)
        holdout = holdout_sample(subject).frame
        order = rng.permutation(len(holdout))
        ends = [holdout.iloc[rows].reset_index(drop=True) for rows in (order[:PATHS], order[PATHS : 2 * PATHS])]
        if sample.case == "synthetic":
            first, second = (model.encode(end) for end in ends)
            steps = np.repeat(np.linspace(0, 1, STEPS + 2)[1:-1], PATHS)[:, None]
            points = (1 - steps) * np.tile(first, (STEPS, 1)) + steps * np.tile(second, (STEPS, 1))
            shown = model.decode(points, seed=subject.seed)
            self._table = _directions(np.vstack([first, second]), model, subject)
        else:
            shown = sample.frame.iloc[rng.integers(len(sample.frame), size=PATHS * STEPS)]
        spare = holdout.iloc[order[2 * PATHS :]]
        train = subject.dataset.train
        members = train.iloc[rng.permutation(len(train))[: len(spare)]]
        size = min(len(spare), len(members))
        rows = placed.place(shown)
        near = [nearest(rows, placed.place(frame.iloc[:size]))[0] for frame in (members, spare)]
        closer = np.sign(near[1] - near[0]) / 2 + 0.5
        paths = np.tile(np.arange(PATHS), STEPS)  # points of one way depend on each other
        return [
            Measured(
                name="closer_to_train",
                value=float(closer.mean()),
                n=PATHS,
                unit="share of points closer to train, 0 to 1",
                interval=partial(_interval, closer, paths),
                chance=0.5,
            )
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Put training records in half of the places."""
        train, half = subject.dataset.train, len(records) // 2
        return pd.concat([train.iloc[rng.integers(len(train), size=half)], records.iloc[half:]], ignore_index=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The share beside its floor, in words."""
        return (
            f"Of what is decoded between holdout records {measured[0].value:.1%} lies closer to a training record than "
            f"to another holdout record; of fresh real records {floor[0].value:.1%} do."
        )

    def tables(self, subject: Subject) -> list[Table]:  # noqa: ARG002
        """What each direction changes."""
        return [self._table] if self._table is not None else []


def _asked(subject: Subject) -> Any:
    """The model of a subject that is not unfit; that it can encode, its type does not say."""
    return subject.target.model


def _directions(latents: Floats, model: Encodes, subject: Subject) -> Table:
    """Decode two deviations to both sides along the leading directions, and say what changes."""
    middle = latents.mean(axis=0)
    _, sizes, directions = np.linalg.svd(latents - middle, full_matrices=False)
    share = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    rows: list[list[str | int | float | None]] = []
    for number in range(min(DIRECTIONS, len(sizes))):
        way = REACH * sizes[number] / np.sqrt(len(latents)) * directions[number]
        both = [model.decode(latents + sign * way, seed=subject.seed) for sign in (-1, 1)]
        rows.append([f"direction {number + 1}", f"{share[number]:.0%}", _changed(both[0], both[1], subject)])
    return Table(
        title="What the leading directions of the latent space change",
        description="Records are moved by two standard deviations to either side.",
        columns=["direction", "share of the variance", "what changes most"],
        rows=rows,
    )


def _changed(first: pd.DataFrame, second: pd.DataFrame, subject: Subject) -> str:
    if subject.dataset.modality != "tabular":
        placed = subject.shared(placed_by_reference)
        moved = np.linalg.norm(placed.place(first) - placed.place(second), axis=1).mean()
        return f"features move by {moved:.2f}"
    changes = {
        column.name: float((first[column.name].to_numpy() != second[column.name].to_numpy()).mean())
        for column in compared_columns(subject)
    }
    most = sorted(changes, key=lambda name: -changes[name])[:3]
    return ", ".join(f"{name} ({changes[name]:.0%} of records)" for name in most)


def _interval(closer: Floats, paths: np.ndarray, confidence: float) -> Interval:
    return mean_interval(closer, confidence, paths, bounds=(0.0, 1.0))
