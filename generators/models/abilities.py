"""What a generator can do beyond sampling: small protocols that a family fulfils or not.

An attack with more than samples asks for one of these, with `isinstance` on a fitted generator; a table of them, such
as `genassay list generators`, asks `abilities_of` the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@runtime_checkable
class HasRecordLoss(Protocol):
    """Scores records by what its training lowers."""

    def record_loss(self, frame: pd.DataFrame) -> Floats:
        """Return each record's loss, shape (records,); smaller for records that the model finds more familiar."""
        ...


@runtime_checkable
class HasLogLikelihood(Protocol):
    """Knows the probability that it gives to a record, exactly."""

    def log_likelihood(self, frame: pd.DataFrame) -> Floats:
        """Return each record's log-likelihood in nats, shape (records,)."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """Maps records to a latent space and back."""

    def encode(self, frame: pd.DataFrame) -> Floats:
        """Return each record's latent point, shape (records, latent)."""
        ...

    def decode(self, latents: Floats, seed: int = 0) -> pd.DataFrame:
        """Return one record for each latent point."""
        ...


@runtime_checkable
class Discriminates(Protocol):
    """Tells real records from generated ones."""

    def discriminate(self, frame: pd.DataFrame) -> Floats:
        """Return a score for each record, shape (records,); larger for records that look real."""
        ...


@runtime_checkable
class PredictsTokens(Protocol):
    """Predicts the next token of a text."""

    def next_token_logits(self, prompts: Sequence[str]) -> Floats:
        """Return the logits of the token after each prompt, shape (prompts, vocabulary)."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Goes on with a text that someone else began."""

    def complete(self, prompts: Sequence[str], tokens: int) -> list[str]:
        """Return how each text most likely goes on, without its beginning."""
        ...


ABILITIES: dict[str, type[Any]] = {
    "record_loss": HasRecordLoss,
    "log_likelihood": HasLogLikelihood,
    "encode": Encodes,
    "discriminate": Discriminates,
    "next_token_logits": PredictsTokens,
    "complete": Completes,
}
"""Protocols by the name of the method that gives them away."""


def abilities_of(family: type[Any]) -> tuple[str, ...]:
    """Return the names of the abilities that a class of generators has."""
    return tuple(name for name in ABILITIES if callable(getattr(family, name, None)))
