"""Signals: what one model says about one record; higher where the record looks more like one that it was trained on.

A signal alone compares records with each other; an attack may first compare each record with itself, under models that
did and did not see it (`audit.membership.shadows`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from audit.checks import Part
from audit.neighbours import Points, Space
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


def _likely(model: Generator, asked: Part, space: Space) -> Floats:
    if isinstance(model, HasLogLikelihood):
        return model.log_likelihood(asked.frame)
    return _loss(model, asked, space)


LIKELIHOOD = Signal("likelihood", "reads off each record's likelihood under the model", _lacks_loss, _likely)
"""The whole record's log-likelihood, or the bound of it that training lowers: what a ratio of densities takes. It
differs from `LOSS` where that is a mean per token."""


def _judged(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    assert isinstance(model, Discriminates)  # noqa: S101  # `lacks` has looked
    return model.discriminate(asked.frame)


def _lacks_judge(model: Generator) -> str | None:
    return None if isinstance(model, Discriminates) else f"a {model.kind} has no discriminator"


DISCRIMINATOR = Signal("discriminator", "lets the model's own discriminator judge each record", _lacks_judge, _judged)
"""The discriminator's score: it was trained to call training records real (LOGAN, white-box)."""


def drawn_from(model: Generator, space: Space) -> Points:
    """As many samples of a model as it was trained on, at least a thousand; the same whenever it is asked."""
    return space.place(model.sample(max(model.rows_, _FEWEST_SAMPLES), seed=_SAMPLES_SEED))


def _near_samples(model: Generator, asked: Part, space: Space) -> Floats:
    found = space.nearest(asked.points, drawn_from(model, space), NEAREST)
    return np.asarray(-np.log(found + RESOLUTION).mean(axis=1))


SAMPLES = Signal(
    "samples",
    "draws as many records from the model as it was trained on, and looks how near they come",
    lambda model: None,  # noqa: ARG005  # every generator can be sampled
    _near_samples,
)
"""Minus the mean log distance to the nearest of the model's own samples: their log-density there, up to a factor."""

NEAREST = 3
_FEWEST_SAMPLES = 1000
_SAMPLES_SEED = 1


@runtime_checkable
class Denoises(Protocol):
    """A diffusion model that may be asked at times of one's choice; see `generators.TabularDiffusion`."""

    def denoising_losses(self, frame: pd.DataFrame, times: Sequence[float], draws: int = 1, seed: int = 0) -> Floats:
        """Return each record's loss at each time, shape (records, times)."""
        ...

    def proximal_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> Floats:
        """Return each record's error with the model's own noise at each time, shape (records, times)."""
        ...

    def retracing_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> Floats:
        """Return each record's error in a deterministic step and back at each time, shape (records, times)."""
        ...


def _lacks_denoising(model: Generator) -> str | None:
    return None if isinstance(model, Denoises) else f"a {model.kind} is no diffusion model"


def _denoised(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    assert isinstance(model, Denoises)  # noqa: S101  # `lacks` has looked
    losses = model.denoising_losses(asked.frame, TIMES, DRAWS)
    return np.asarray(-np.log(losses + _SMALLEST_LOSS).mean(axis=1))


DENOISING = Signal("denoising", "reads off how well each record is freed of noise", _lacks_denoising, _denoised)
"""Minus the mean log denoising loss over fixed times: in logs no time outweighs the others."""

TIMES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
DRAWS = 8
_SMALLEST_LOSS = 1e-6


def _undone(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    assert isinstance(model, Denoises)  # noqa: S101  # `lacks` has looked
    errors = model.proximal_errors(asked.frame, PROXIMAL_TIMES)
    return np.asarray(-np.log(errors + _SMALLEST_LOSS).mean(axis=1))


PROXIMAL = Signal("proximal", "adds the noise that the model itself sees in a record", _lacks_denoising, _undone)
"""Minus the log error in undoing the model's own noise: no draw blurs it."""

PROXIMAL_TIMES = (0.1, 0.2, 0.3)


def _retraced(model: Generator, asked: Part, space: Space) -> Floats:  # noqa: ARG001
    assert isinstance(model, Denoises)  # noqa: S101  # `lacks` has looked
    errors = model.retracing_errors(asked.frame, SECMI_TIMES)
    return np.asarray(-np.log(errors + _SMALLEST_LOSS).mean(axis=1))


SECMI = Signal("secmi", "walks each record towards noise, and one step further and back", _lacks_denoising, _retraced)
"""Minus the log of SecMI's t-error: how far a deterministic step and its reversal end from where they began."""

SECMI_TIMES = (0.1, 0.2, 0.3)


@runtime_checkable
class ScoresTokens(Protocol):
    """A language model that says how likely each token of a record was; see `generators.TextTransformer`."""

    def token_log_likelihoods(self, frame: pd.DataFrame, *, standardised: bool = False) -> list[Floats]:
        """Return the log-probability of each token of each record; see there."""
        ...


def _lacks_tokens(model: Generator) -> str | None:
    return None if isinstance(model, ScoresTokens) else f"a {model.kind} gives tokens no likelihood"


def _unlikeliest(model: Generator, asked: Part, *, standardised: bool) -> Floats:
    assert isinstance(model, ScoresTokens)  # noqa: S101  # `lacks` has looked
    tokens = model.token_log_likelihoods(asked.frame, standardised=standardised)
    return np.array([np.sort(one)[: max(1, round(UNLIKELIEST * len(one)))].mean() for one in tokens])


MIN_K = Signal(
    "min-k",
    "reads off the likelihood of each record's least likely tokens",
    _lacks_tokens,
    lambda model, asked, space: _unlikeliest(model, asked, standardised=False),  # noqa: ARG005
)
"""Mean log-probability of the fifth of tokens that are the least likely."""

MIN_K_PLUS_PLUS = Signal(
    "min-k-plus-plus",
    "compares each record's least likely tokens with what else could stand there",
    _lacks_tokens,
    lambda model, asked, space: _unlikeliest(model, asked, standardised=True),  # noqa: ARG005
)
"""The same of log-probabilities less their mean under the prediction, over their deviation."""

UNLIKELIEST = 0.2


INSIDE = (DENOISING, LOSS, LIKELIHOOD, DISCRIMINATOR, PROXIMAL, SECMI, MIN_K, MIN_K_PLUS_PLUS)
"""What may be asked of a model that may be looked into."""


def inside_signals(model: Generator) -> list[Signal]:
    """All signals of a model that may be looked into.

    The likelihood is one of its own only where the loss is a mean per token; else the two rank alike.
    """
    per_token = isinstance(model, ScoresTokens)
    return [one for one in INSIDE if one.lacks(model) is None and (per_token or one is not LIKELIHOOD)]


def strongest_inside(model: Generator) -> Signal | None:
    """The signal that tells most of a model that may be looked into, by its kind alone; None if it has none."""
    return next((signal for signal in (DENOISING, LOSS, DISCRIMINATOR) if signal.lacks(model) is None), None)
