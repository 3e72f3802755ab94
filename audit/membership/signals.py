"""Signals: what one model says about one record; higher where the record looks more like one that it was trained on.

A signal alone compares records with each other; an attack may first compare each record with itself, under models that
did and did not see it (`audit.membership.shadows`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audit.checks import Part
from audit.neighbours import Space
from audit.statistics import Floats
from generators import Generator
from generators.models.abilities import Discriminates, HasLogLikelihood, HasRecordLoss

RESOLUTION = 0.01
"""Distances below this share of one differing category count as this."""


@dataclass(frozen=True)
class Signal:
    """What is asked of a model about each record.

    Attributes:
        name: By which results are remembered.
        words: What it is, in a sentence about the attacker.
        lacks: Why a model cannot be asked, or None.
        values: Gives one number a record, shape (records,), higher for records that look like training records; the
            same for the same model and record, whatever the others.
    """

    name: str
    words: str
    lacks: Callable[[Generator], str | None]
    values: Callable[[Generator, Part, Space], Floats]


def _loss(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    if isinstance(model, HasRecordLoss):
        return -model.record_loss(asked.frame)
    assert isinstance(model, HasLogLikelihood)  # noqa: S101  # `lacks` has looked
    return model.log_likelihood(asked.frame)


def _lacks_loss(model: Generator) -> str | None:
    if isinstance(model, HasRecordLoss | HasLogLikelihood):
        return None
    return f"a {model.kind} gives no record a loss or a likelihood"


LOSS = Signal("loss", "reads off each record's loss under the model", _lacks_loss, _loss)
"""Minus the loss that training lowers: an exact log-likelihood, a bound of it (VAE), or a denoising error."""


def _judged(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    assert isinstance(model, Discriminates)  # noqa: S101  # `lacks` has looked
    return model.discriminate(asked.frame)


def _lacks_judge(model: Generator) -> str | None:
    return None if isinstance(model, Discriminates) else f"a {model.kind} has no discriminator"


DISCRIMINATOR = Signal("discriminator", "lets the model's own discriminator judge each record", _lacks_judge, _judged)
"""The discriminator's score: it was trained to call training records real (LOGAN, white-box)."""


def _near_samples(model: Generator, asked: Part, space: Space) -> Floats:
    drawn = space.place(model.sample(max(model.rows_, _FEWEST_SAMPLES), seed=_SAMPLES_SEED))
    found = space.nearest(asked.points, drawn, NEAREST)
    return np.asarray(-np.log(found + RESOLUTION).mean(axis=1))


SAMPLES = Signal(
    "samples",
    "draws as many records from the model as it was trained on, and looks how near they come",
    lambda model: None,  # every generator can be sampled
    _near_samples,
)
"""Minus the mean log distance to the nearest of the model's own samples: their log-density there, up to a factor."""

NEAREST = 3
_FEWEST_SAMPLES = 1000
_SAMPLES_SEED = 1


def strongest_inside(model: Generator) -> Signal | None:
    """The signal that tells most of a model that may be looked into, by its kind alone; None if it has none."""
    return next((signal for signal in (LOSS, DISCRIMINATOR) if signal.lacks(model) is None), None)
