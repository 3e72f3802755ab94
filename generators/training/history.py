"""What is remembered of a training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

_POINTS = 200


@dataclass
class History:
    """The course of one training run.

    Under a privacy budget only `steps` is filled in: everything else depends on the records and is not paid for.

    Attributes:
        steps: Optimiser steps done.
        losses: Mean loss by phase, averaged over up to 200 stretches of equal length.
        validation: (step, mean loss on the validation slice).
        watched: (step, what the family looked at meanwhile), such as a GAN's variety.
        stopped_early: Whether the validation loss ended the run.
        notes: What a user should know about how it went, one sentence each.
    """

    steps: int = 0
    losses: dict[str, list[float]] = field(default_factory=dict)
    validation: list[tuple[int, float]] = field(default_factory=list)
    watched: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    stopped_early: bool = False
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data, losses thinned."""
        return {**asdict(self), "losses": {name: _thinned(values) for name, values in self.losses.items()}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a history from `to_dict` data."""
        pairs = {name: [tuple(pair) for pair in data[name]] for name in ("validation", "watched")}
        return cls(**{**data, **pairs})


def _thinned(values: list[float]) -> list[float]:
    stretch = -(-len(values) // _POINTS) or 1
    parts = [values[start : start + stretch] for start in range(0, len(values), stretch)]
    return [sum(part) / len(part) for part in parts]
