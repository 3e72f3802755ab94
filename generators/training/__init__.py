"""Training loops: plain, and private."""

from __future__ import annotations

from generators.training.callbacks import Callback
from generators.training.canaries import WithCanaries
from generators.training.checkpoints import Checkpoints
from generators.training.history import History
from generators.training.loop import Course, Phase, Watch, train
from generators.training.mlflow_runs import MLflowCallback
from generators.training.private import train_privately
from generators.training.private_checkpoints import PrivateCheckpoints
from generators.training.randomness import system_entropy
from generators.training.tensorboard import TensorBoardCallback

__all__ = [
    "Callback",
    "Checkpoints",
    "Course",
    "History",
    "MLflowCallback",
    "Phase",
    "PrivateCheckpoints",
    "TensorBoardCallback",
    "Watch",
    "WithCanaries",
    "system_entropy",
    "train",
    "train_privately",
]
