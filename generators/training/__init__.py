"""Training loops: plain, and private."""

from __future__ import annotations

from generators.training.canaries import WithCanaries
from generators.training.loop import train
from generators.training.private import system_entropy, train_privately

__all__ = ["WithCanaries", "system_entropy", "train", "train_privately"]
