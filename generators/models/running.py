"""What a training run has beside its records: who watches it, where it is kept, and under a budget who pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from generators.models.private_run import PrivateRun
from generators.privacy import Curator, PrivacyBudget
from generators.training import Callback, Checkpoints, History


@dataclass(frozen=True)
class Beside:
    """What goes on beside a training run: a progress bar, callbacks, checkpoints.

    Attributes:
        progress: Whether to show a progress bar.
        callbacks: Told how training goes.
        checkpoints: Where to keep the state of an unfinished run.
        lender: A generator of the same kind whose encoders to take, instead of learning them from the records.
        loops: What to train with, where it is not one network after another.
    """

    progress: bool = True
    callbacks: Sequence[Callback] = ()
    checkpoints: Checkpoints | None = None
    lender: Any = None
    loops: Loops | None = None


class Loops(Protocol):
    """Stands for `train` and `train_privately`, with their arguments."""

    rng: str
    """Where the random numbers of private training come from, for the ledger."""

    def train(self, network: nn.Module, rows: Tensor, *arguments: Any, **keywords: Any) -> History:
        """Do, or put off, what `generators.training.train` does."""
        ...

    def train_privately(self, objective: nn.Module, rows: Tensor, *arguments: Any, **keywords: Any) -> None:
        """Do, or put off, what `generators.training.train_privately` does."""
        ...


@dataclass(frozen=True)
class Paying:
    """What a run under a budget has: the budget as asked for, who pays, and its first part if it is resumed."""

    budget: PrivacyBudget
    curator: Curator
    run: PrivateRun | None = None
