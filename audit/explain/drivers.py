"""Which columns, regions or passages give members away?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.explain.closeness import Asked, asked_about, closeness, smooth_closeness
from audit.fidelity.marginals import compared_columns
from audit.fidelity.placing import Placed, Rows, placed_by_reference
from audit.measures.attribution import integrated_gradients
from audit.statistics import Floats, Interval, auc, auc_draws, bootstrap_interval
from generators.datasets.payload import payload_column
from reports import Figure, Table

GRID = 4
PASSAGES = 5
REPEATS = 2
EXPLAINED = 300
Part = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""From a frame and the records that lend their part, to the frame with the part replaced."""


@register
class Drivers(Evaluation):
    """Which columns of a table, regions of an image or passages of a text or recording give members away?

    The membership score is how close the nearest synthetic record lies. A part's importance is how much the area under
    the ROC curve falls when that part is exchanged among the records that are asked about: what the attack owes to it.
    On tables, integrated gradients of a smooth version of the score say the same of single records, averaged over
    members. Where nothing leaks there is nothing to explain, and every importance is near 0.

    Source: Breiman (2001), permutation importance; Sundararajan, Taly and Yan (ICML 2017), integrated gradients.
    """

    id = "explain.drivers"
    title = "What gives members away"
    question = "Which columns, regions or passages give members away?"
    measures = ("explained_auc", "largest_importance")
    source = "permutation importance: Breiman (2001); integrated gradients: Sundararajan, Taly and Yan (ICML 2017)"
    modalities = EVERY_MODALITY
    remedy = "Drop or coarsen the columns at the top of the table; then train again and see what is left."
    damage_done = "half of which are copies of training records"

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, float, Interval]]] = {}
        self._gradients: dict[str, float] = {}

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """What the attack reaches, and what it owes to its most important part."""
        asked, placed = asked_about(sample, subject, rng), subject.shared(placed_by_reference)
        whole, drawn = _attacked(asked.members, asked.others, asked, placed)
        falls: list[tuple[str, float, Floats]] = []
        for label, exchange in _parts(subject).items():
            without = [
                _attacked(
                    exchange(asked.members, _shuffled(asked.members, rng)),
                    exchange(asked.others, _shuffled(asked.others, rng)),
                    asked,
                    placed,
                )
                for _ in range(REPEATS)
            ]
            fall = whole - float(np.mean([value for value, _ in without]))
            falls.append((label, fall, drawn - np.mean([resampled for _, resampled in without], axis=0)))
        shown = subject.policy.confidence_shown
        self._found[sample.case] = [
            (label, value, _difference(value, draws, asked.fewest, 1, shown)) for label, value, draws in falls
        ]
        if sample.case == "synthetic" and subject.dataset.modality == "tabular":
            self._gradients = _attributed(asked, subject)
        label, value, draws = max(falls, key=lambda one: one[1])
        return [
            Measured(
                name="explained_auc",
                value=whole,
                n=asked.fewest,
                unit="area under the ROC curve, .5 is chance",
                interval=partial(_area, whole, drawn, asked.fewest),
                chance=0.5,
            ),
            Measured(
                name="largest_importance",
                value=value,
                n=asked.fewest,
                unit=f"fall of that area without the part, the largest of {len(falls)}",
                interval=partial(_difference, value, draws, asked.fewest, len(falls)),
                chance=0.0,
                bounds=(-1.0, 1.0),
            ),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Copy training records into half of the places."""
        train, half = subject.dataset.train, len(records) // 2
        return pd.concat([train.iloc[rng.integers(len(train), size=half)], records.iloc[half:]], ignore_index=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """What the attack owes to what, in words."""
        if measured[0].interval(subject.policy.confidence_verdict).low <= 0.5:
            return (
                f"An attack by the nearest record reaches an AUC of {measured[0].value:.3f}, which is not beyond "
                "chance: there is nothing to explain."
            )
        label, value, _ = max(self._found["synthetic"], key=lambda one: one[1])
        return (
            f"An attack by the nearest record reaches an AUC of {measured[0].value:.3f}; without {label} it would lose "
            f"{value:.3f} of it, more than without anything else."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """Every part by importance."""
        rows: list[list[str | int | float | None]] = []
        for label, value, (low, high) in sorted(self._found["synthetic"], key=lambda one: -one[1])[:30]:
            attributed = self._gradients.get(label)
            rows.append(
                [
                    label,
                    f"{value:+.4f} ({low:+.4f} to {high:+.4f})",
                    None if attributed is None else f"{attributed:.1%}",
                ]
            )
        tabular = subject.dataset.modality == "tabular"
        return [
            Table(
                title="What the attack owes to each part",
                description="Fall of the AUC when the part is exchanged among records, with its 95% interval"
                + ("; share of what integrated gradients attribute, over members." if tabular else "."),
                columns=["part", "importance", "integrated gradients"],
                rows=rows,
            )
        ]

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:  # noqa: ARG002
        """The importances as bars."""
        found = sorted(self._found["synthetic"], key=lambda one: -one[1])[:20]
        return [
            Figure(
                kind="bars",
                title="What gives members away",
                description="How much of the attack's AUC is lost when a part is exchanged among records.",
                data={
                    "labels": [label for label, _, _ in found],
                    "values": [value for _, value, _ in found],
                    "low": [min(end.low, value) for _, value, end in found],
                    "high": [max(end.high, value) for _, value, end in found],
                    "reference": 0.0,
                    "reference_label": "nothing",
                    "unit": "fall of the AUC",
                },
            )
        ]


def _attacked(members: pd.DataFrame, others: pd.DataFrame, asked: Asked, placed: Placed) -> tuple[float, Floats]:
    ours, theirs = (closeness(placed.place(frame), asked.published) for frame in (members, others))
    return auc(ours, theirs), auc_draws(ours, theirs, *asked.weights)


def _shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)


def _parts(subject: Subject) -> dict[str, Part]:
    """The parts of a record, and how each is taken from another one."""
    if subject.dataset.modality == "tabular":
        return {column.name: partial(_other_column, column.name) for column in compared_columns(subject)}
    column = payload_column(subject.dataset.schema)
    if column.kind == "image":
        return {
            f"region {row + 1}, {place + 1} of {GRID}": partial(_other_region, column.name, row, place)
            for row in range(GRID)
            for place in range(GRID)
        }
    return {
        f"passage {number + 1} of {PASSAGES}": partial(_other_passage, column.name, number)
        for number in range(PASSAGES)
    }


def _other_column(name: str, frame: pd.DataFrame, lending: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: lending[name].to_numpy()})


def _other_region(name: str, row: int, place: int, frame: pd.DataFrame, lending: pd.DataFrame) -> pd.DataFrame:
    cells = np.empty(len(frame), dtype=object)
    for number, (mine, other) in enumerate(zip(frame[name], lending[name], strict=True)):
        top, left = (np.linspace(0, side, GRID + 1).astype(int) for side in mine.shape[:2])
        area = np.s_[top[row] : top[row + 1], left[place] : left[place + 1]]
        cells[number] = mine.copy()
        cells[number][area] = other[area]
    return frame.assign(**{name: pd.Series(cells, dtype=object)})


def _other_passage(name: str, number: int, frame: pd.DataFrame, lending: pd.DataFrame) -> pd.DataFrame:
    """Passages are shares of a text or recording; the other one's passage may be longer or shorter."""
    cells = np.empty(len(frame), dtype=object)
    for row, (mine, other) in enumerate(zip(frame[name], lending[name], strict=True)):
        (low, high), (start, end) = (
            (len(one) * number // PASSAGES, len(one) * (number + 1) // PASSAGES) for one in (mine, other)
        )
        pieces = (mine[:low], other[start:end], mine[high:])
        cells[row] = "".join(pieces) if isinstance(mine, str) else np.concatenate(pieces)
    return frame.assign(**{name: pd.Series(cells, dtype=object)})


def _attributed(asked: Asked, subject: Subject) -> dict[str, float]:
    """Share of each column in the absolute attributions of members, from the middle of all published records."""
    placed = subject.shared(placed_by_reference)
    members: Rows = placed.place(asked.members.iloc[:EXPLAINED])
    published = torch.from_numpy(asked.published)
    width = max(float(np.median(-closeness(members, asked.published))), 1e-3)
    found = integrated_gradients(
        lambda rows: smooth_closeness(rows, published, width), members, asked.published.mean(axis=0)
    )
    shares, edges = dict[str, float](), 0
    for name, numbers in placed.columns:
        shares[name] = float(np.abs(found[:, edges : edges + numbers].sum(axis=1)).mean())
        edges += numbers
    total = sum(shares.values()) or 1.0
    return {name: share / total for name, share in shares.items()}


def _area(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence)


def _difference(value: float, draws: Floats, people: int, selected_from: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, 1 - (1 - confidence) / selected_from, bounds=(-1.0, 1.0))
