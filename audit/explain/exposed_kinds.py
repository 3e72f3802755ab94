"""Which kinds of record does the attack find?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.explain.closeness import Asked, asked_about, closeness
from audit.fidelity.placing import placed_by_reference
from audit.statistics import Floats, Interval, auc, auc_draws, bootstrap_interval
from reports import Figure

FIFTHS = 5
NEIGHBOURS = 5
FEWEST = 30


@register
class ExposedKinds(Evaluation):
    """Are unusual records found more easily than usual ones?

    Members and non-members are dealt into fifths by how far their five nearest reference records lie: a rule that knows
    neither who was a member nor what was published. Within each fifth the attack by the nearest synthetic record is
    run. `unusual_excess` is the area under its ROC curve in the most unusual fifth less that in the most usual one.

    Source: Meeus et al., "Achilles' heels" (ESORICS 2023), for the rule; GAN-Leaks, Chen et al. (CCS 2020), for the
    attack.
    """

    id = "explain.exposed-kinds"
    title = "Kinds of record that are exposed"
    question = "Are unusual records found more easily than usual ones?"
    measures = ("unusual_auc", "usual_auc", "unusual_excess")
    source = "Meeus et al., Achilles' heels (ESORICS 2023); Chen et al., GAN-Leaks (CCS 2020)"
    modalities = EVERY_MODALITY
    remedy = "Leave the most unusual records out of training, coarsen what makes them so, or train under a budget."
    damage_done = "some of which are copies of the most unusual training records"

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[float, Interval, int]]] = {}

    def unfit(self, subject: Subject) -> str | None:
        """A fifth must hold enough people."""
        fewest = min(len(np.unique(subject.dataset.units(part))) for part in ("train", "holdout"))
        return (
            None if fewest >= 2 * FIFTHS * FEWEST else f"only {fewest} people in a part; {2 * FIFTHS * FEWEST} needed"
        )

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The AUC among the most unusual and among the most usual records."""
        asked, placed = asked_about(sample, subject, rng), subject.shared(placed_by_reference)
        frames = asked.members, asked.others
        scores = [closeness(placed.place(frame), asked.published) for frame in frames]
        unusual = [_unusual(frame, subject) for frame in frames]
        edges = np.quantile(np.concatenate(unusual), np.linspace(0, 1, FIFTHS + 1)[1:-1])
        fifths = [np.searchsorted(edges, one, side="right") for one in unusual]
        found = [_in_fifth(number, scores, fifths, asked) for number in range(FIFTHS)]
        shown = subject.policy.confidence_shown
        self._found[sample.case] = [
            (value, bootstrap_interval(value, draws, people, shown), people) for value, draws, people in found
        ]
        (usual, usual_draws, few), (value, draws, people) = found[0], found[-1]
        return [
            _measured("unusual_auc", value, draws, people, "AUC among the most unusual fifth", (0.0, 1.0), 0.5),
            _measured("usual_auc", usual, usual_draws, few, "AUC among the most usual fifth", (0.0, 1.0), 0.5),
            _measured(
                "unusual_excess",
                value - usual,
                draws - usual_draws,
                min(people, few),
                "difference of the two, -1 to 1",
                (-1.0, 1.0),
                0.0,
            ),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Copy the most unusual fifth of the training records into the places of others."""
        train = subject.dataset.train
        unusual = _unusual(train, subject)
        leaked = train.iloc[np.argsort(-unusual)[: min(len(train) // FIFTHS, len(records) // 2)]]
        kept = records.iloc[rng.permutation(len(records))[: len(records) - len(leaked)]]
        return pd.concat([leaked, kept], ignore_index=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """Both areas, in words."""
        beyond = measured[2].interval(subject.policy.confidence_verdict).low > 0
        verdict = "are found more easily" if beyond else "are not found more easily than chance explains"
        return (
            f"Among the most unusual fifth of records the attack reaches an AUC of {measured[0].value:.3f}, among the "
            f"most usual one {measured[1].value:.3f}: unusual people {verdict}."
        )

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:  # noqa: ARG002
        """The five areas as bars."""
        found = self._found["synthetic"]
        words = ["most usual", "second", "third", "fourth", "most unusual"]
        return [
            Figure(
                kind="bars",
                title="AUC by how unusual a record is",
                description="Fifths of members and non-members by distance to their nearest reference records.",
                data={
                    "labels": words,
                    "values": [value for value, _, _ in found],
                    "low": [min(end.low, value) for value, end, _ in found],
                    "high": [max(end.high, value) for value, end, _ in found],
                    "reference": 0.5,
                    "reference_label": "chance",
                    "unit": "AUC",
                },
            )
        ]


def _unusual(frame: pd.DataFrame, subject: Subject) -> Floats:
    """Mean squared distance of each record to its five nearest reference records, shape (records,)."""
    placed, reference = subject.shared(placed_by_reference), subject.shared(_reference)
    found = np.empty(len(frame))
    for start in range(0, len(frame), 500):
        part = placed.place(frame.iloc[start : start + 500])
        squares = (part**2).sum(axis=1)[:, None] + (reference**2).sum(axis=1)[None, :] - 2 * part @ reference.T
        nearest = np.partition(squares, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        found[start : start + 500] = nearest.mean(axis=1)
    return found


def _reference(subject: Subject) -> NDArray[np.float32]:
    placed, reference = subject.shared(placed_by_reference), subject.dataset.reference
    return placed.place(reference.iloc[placed.chosen(len(reference), 5000)])


def _in_fifth(
    number: int, scores: list[Floats], fifths: list[NDArray[np.int64]], asked: Asked
) -> tuple[float, Floats, int]:
    inside = [one == number for one in fifths]
    members, others = (score[rows] for score, rows in zip(scores, inside, strict=True))
    weights = [weight[:, rows] for weight, rows in zip(asked.weights, inside, strict=True)]
    people = min(len(np.unique(one[rows])) for one, rows in zip(asked.people, inside, strict=True))
    return auc(members, others), auc_draws(members, others, weights[0], weights[1]), people


def _measured(
    name: str, value: float, draws: Floats, people: int, unit: str, bounds: tuple[float, float], chance: float
) -> Measured:
    return Measured(
        name=name,
        value=value,
        n=people,
        unit=unit,
        interval=partial(_interval, value, draws, people, bounds),
        chance=chance,
        bounds=bounds,
    )


def _interval(value: float, draws: Floats, people: int, bounds: tuple[float, float], confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence, bounds)
