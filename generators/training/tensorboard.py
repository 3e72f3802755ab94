"""Show training in TensorBoard: the extra `tensorboard`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generators.errors import InputError


class TensorBoardCallback:
    """Writes each step's values as an event file that `tensorboard --logdir FOLDER` shows.

    Under a privacy budget there are no values to write but the number of the step.

    Args:
        folder: Where the event file goes; one folder a run.

    Raises:
        InputError: TensorBoard is not installed.

    Example:
        >>> TensorBoardCallback("runs/first").folder.name
        'first'
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                f"TensorBoardCallback needs tensorboard ({error}): pip install 'genassay[tensorboard]'"
            ) from error
        self.folder = Path(folder)
        self._open = SummaryWriter
        self._writer: Any = None

    def started(self, title: str, parameters: Mapping[str, Any], steps: int) -> None:
        """Open the event file and write down how the run is done."""
        self._writer = self._open(str(self.folder))
        facts = {"title": title, "steps": steps, **parameters}
        self._writer.add_text("parameters", f"```\n{json.dumps(facts, indent=2, default=str)}\n```")

    def stepped(self, step: int, values: Mapping[str, float]) -> None:
        """Write the step's values."""
        for name, value in (values or {"step": step}).items():
            self._writer.add_scalar(name, value, step)

    def finished(self, notes: list[str]) -> None:
        """Write the notes and close the file."""
        if notes:
            self._writer.add_text("notes", "\n".join(f"- {note}" for note in notes))
        self._writer.close()
