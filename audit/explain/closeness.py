"""The membership score that explanations take apart: how close the nearest published record lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.checks import Sample, Subject
from audit.fidelity.placing import Rows, placed_by_reference
from audit.statistics import Floats, Weights, unit_weights

MOST_ASKED = 1000
MOST_PUBLISHED = 3000
DRAWS = 300


@dataclass(frozen=True)
class Asked:
    """Members and non-members whose membership is asked about, and the published records.

    Attributes:
        members: frame of members.
        others: frame of non-members.
        people: the persons of both.
        weights: bootstrap weights of both, shape (draws, records).
        published: the published records as rows.
    """

    members: pd.DataFrame
    others: pd.DataFrame
    people: tuple[NDArray[np.int64], NDArray[np.int64]]
    weights: tuple[Weights, Weights]
    published: Rows

    @property
    def fewest(self) -> int:
        """People in the smaller group."""
        return min(len(np.unique(one)) for one in self.people)


def asked_about(sample: Sample, subject: Subject, rng: np.random.Generator) -> Asked:
    """A random thousand of train and of the holdout, and up to three thousand of the sample's records."""
    data, placed = subject.dataset, subject.shared(placed_by_reference)
    chosen = [np.sort(rng.permutation(len(data.parts[part]))[:MOST_ASKED]) for part in ("train", "holdout")]
    people = [data.units(part)[rows] for part, rows in zip(("train", "holdout"), chosen, strict=True)]
    published = sample.frame.iloc[np.sort(rng.permutation(len(sample.frame))[:MOST_PUBLISHED])]
    return Asked(
        members=data.train.iloc[chosen[0]].reset_index(drop=True),
        others=data.holdout.iloc[chosen[1]].reset_index(drop=True),
        people=(people[0], people[1]),
        weights=(unit_weights(people[0], DRAWS, rng), unit_weights(people[1], DRAWS, rng)),
        published=placed.place(published),
    )


def closeness(rows: Rows, published: Rows) -> Floats:
    """Minus the squared distance of each row to the nearest published one, shape (records,); higher is more alike."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        found[start : start + 500] = _squares(torch.from_numpy(part), torch.from_numpy(published)).min(dim=1).values
    return -np.round(found, 4)  # what rounding leaves between equal records must not tell copies apart


def smooth_closeness(rows: Tensor, published: Tensor, width: float) -> Tensor:
    """The same with a minimum that has gradients: minus a soft minimum of squared distances, shape (records,)."""
    return width * torch.logsumexp(-_squares(rows, published) / width, dim=1)


def _squares(rows: Tensor, published: Tensor) -> Tensor:
    squares = (rows**2).sum(dim=1)[:, None] + (published**2).sum(dim=1)[None, :] - 2 * rows @ published.T
    return squares.clamp_min(0)
