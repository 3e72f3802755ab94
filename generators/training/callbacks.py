"""Watch a training run from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Callback(Protocol):
    """Told how a training run goes. Under a privacy budget it is told steps only: losses would not be paid for."""

    def started(self, title: str, parameters: Mapping[str, Any], steps: int) -> None:
        """A run of so many steps begins (at most: it may stop early)."""
        ...

    def stepped(self, step: int, values: Mapping[str, float]) -> None:
        """A step is done; values by name, such as `loss` or `validation`."""
        ...

    def finished(self, notes: list[str]) -> None:
        """The run is over."""
        ...
