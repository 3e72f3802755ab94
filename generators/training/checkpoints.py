"""Interrupted training goes on where it was, to the same result: one safetensors file, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from generators.datasets.files import whole_file
from generators.errors import InputError


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often to keep the state of a training run.

    Attributes:
        path: The file. It holds weights trained on the records: protect it like the model.
        every: Steps between two savings, at least 1.
        resume: Whether to go on from the file; without it, an existing file is an error, so that none is lost.
    """

    path: Path
    every: int = 1000
    resume: bool = False

    def __post_init__(self) -> None:
        """Refuse what would lose an earlier run or cannot be resumed."""
        if self.every < 1:
            raise InputError(f"checkpoints every {self.every} steps: expected at least 1")
        if self.resume and not self.path.is_file():
            raise InputError(f"{self.path}: no checkpoint to resume from")
        if not self.resume and self.path.exists():
            raise InputError(f"{self.path}: a checkpoint of an interrupted run is there; resume it, or remove it first")

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write the state: tensors, and JSON-ready facts beside them."""
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        with whole_file(self.path, private=True) as beside:
            save_file(plain, beside, metadata={"facts": json.dumps(facts)})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Read the state back.

        Raises:
            InputError: The file is damaged.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                facts = dict(json.loads(file.metadata()["facts"]))
                return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path}: is damaged ({' '.join(str(error).split())[:200]})") from error

    def done(self) -> None:
        """Remove the file, and what a run under a budget keeps beside it: the run is over and its model kept."""
        self.path.unlink(missing_ok=True)
        begun_file(self.path).unlink(missing_ok=True)


def begun_file(path: Path) -> Path:
    """Return the file that says how many steps of a checkpoint's run under a budget have begun."""
    return path.with_name(f"{path.name}.begun")
