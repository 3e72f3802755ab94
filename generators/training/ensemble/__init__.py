"""Many networks of one architecture trained at once: shadows and controls of an audit."""

from __future__ import annotations

from generators.training.ensemble.checking import require_stackable
from generators.training.ensemble.free import Run, train_many
from generators.training.ensemble.memory import models_at_once
from generators.training.ensemble.private import PaidRun, train_many_privately
from generators.training.ensemble.stack import Stack, StackingError

__all__ = [
    "PaidRun",
    "Run",
    "Stack",
    "StackingError",
    "models_at_once",
    "require_stackable",
    "train_many",
    "train_many_privately",
]
