"""An interrupted private run goes on without ever spending more than it was charged for.

The whole run is charged before its first step. What could still undercount is a crash: steps whose result was lost are
taken again, and the noise of the first time was released all the same, to whoever watched. So the number of steps begun
is on the disk before they begin, in blocks; a resumed run takes up the weights of its last checkpoint and only as many
steps as have never begun. It ends with fewer useful steps, and with no more than it was charged for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generators.errors import InputError
from generators.privacy.held import settle
from generators.training.checkpoints import Checkpoints, begun_file


class PrivateCheckpoints:
    """The state of a private run, and how many of its steps have begun.

    Nothing in either file was computed from records except through the paid steps.

    Args:
        checkpoints: Where and how often to keep the state.
        facts: What identifies the run and is needed to resume it, JSON-ready.
    """

    def __init__(self, checkpoints: Checkpoints, facts: Mapping[str, Any]) -> None:
        self.checkpoints = checkpoints
        self.facts = dict(facts)
        self._count = begun_file(checkpoints.path)

    @property
    def every(self) -> int:
        """Steps of a block."""
        return self.checkpoints.every

    def start(self, tensors: Mapping[str, Tensor]) -> int:
        """Keep the state before the first step, or, if the run is resumed, put the last one into the tensors.

        Args:
            tensors: All that changes from step to step, by name.

        Returns:
            The first step to take: those before it have begun already.
        """
        if not self.checkpoints.resume:
            if self.checkpoints.path.exists():
                raise InputError(f"{self.checkpoints.path}: a checkpoint is there already; resume it, or remove it")
            # The state comes first: a count of steps never stands beside the state of another run that took more.
            self.save(tensors)
            self._begin(0)
            return 0
        state, _ = self.checkpoints.load()
        if state.keys() != tensors.keys():
            raise InputError(f"{self.checkpoints.path}: is of another run: its tensors have other names")
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(state[name])
        return steps_begun(self.checkpoints.path)

    def begin(self, upto: int) -> None:
        """Write down that all steps before this one may have begun; on the disk when this returns."""
        self._begin(upto)

    def save(self, tensors: Mapping[str, Tensor]) -> None:
        """Keep the state after a block."""
        self.checkpoints.save(tensors, self.facts)

    def _begin(self, upto: int) -> None:
        beside = self._count.with_name(f".{self._count.name}.new")
        beside.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(f"{upto}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._count)
        settle(beside.parent)


def steps_begun(path: Path) -> int:
    """Return how many steps of a checkpoint's run may have begun.

    Raises:
        InputError: The file that says so is missing or damaged: nobody knows what was spent.
    """
    file = begun_file(path)
    try:
        begun = int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file}: is missing or damaged, so that nobody knows what the run has spent; it cannot be resumed"
        ) from error
    return begun
