"""What the networks of all text families have in common: they predict each token from those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch.nn.functional as functional
from torch import Tensor, nn

State = list[Tensor]
"""What a network remembers of the tokens that it has read; first axis of every tensor the sequence."""


class LanguageModel(nn.Module, ABC):
    """A network that reads tokens from left to right.

    Args:
        vocabulary: Number of tokens that it predicts. It may read more: tokens from `vocabulary` on are given, never
            predicted, and cost nothing.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def forward(self, rows: Tensor) -> Tensor:
        """Return each row's mean loss in nats per predicted token, shape (batch,).

        Args:
            rows: Tokens, shape (batch, tokens); negative where a row has none left.
        """
        targets = rows[:, 1:]
        predicted = (targets >= 0) & (targets < self.vocabulary)
        losses = token_losses(self.logits(rows[:, :-1].clamp_min(0)), targets.where(predicted, 0))
        return (losses * predicted).sum(dim=1) / predicted.sum(dim=1).clamp_min(1)

    @abstractmethod
    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each one of a training row, shape (batch, tokens, vocabulary)."""

    @abstractmethod
    def advance(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read on.

        Args:
            tokens: Shape (batch, tokens), any number of them.
            state: What came before; None for nothing.

        Returns:
            The logits of the token after each, shape (batch, tokens, vocabulary), and the state to go on from. Reading
            in one go or piece by piece gives the same.
        """


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Return minus the log-probability of each target in nats.

    Args:
        logits: Shape (batch, tokens, vocabulary).
        targets: Shape (batch, tokens).
    """
    flat = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return flat.view(targets.shape)
