"""How many models are trained at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from generators.training.randomness import seeded

_NUMBERS = 2**26
"""Numbers that all models together hold during a step, 256 MiB. More models at once gain nothing, for the time of a
step is then that of its products and of the memory; fewer pay the overhead of more steps."""

_COPIES = 4
"""Of each weight: itself, its gradient and Adam's two moments."""


def models_at_once(
    network: nn.Module, models: int, rows: Tensor | None = None, batch: float = 0, *, numbers: int = _NUMBERS
) -> int:
    """Return how many networks to train together, so that groups fit into memory and are about equal.

    Args:
        network: One of them.
        models: How many there are.
        rows: Two of its training records, to see what a record takes on its way back through the network; None if that
            does not count.
        batch: Records a step of each.
        numbers: What all models of a group may hold.

    Example:
        >>> models_at_once(nn.Linear(1000, 1000), models=32)
        16
    """
    own = _COPIES * sum(parameter.numel() for parameter in network.parameters())
    if rows is not None:
        own += math.ceil(batch) * numbers_a_row(network, rows)
    most = max(1, numbers // max(1, own))
    return math.ceil(models / math.ceil(models / most))


def numbers_a_row(network: nn.Module, rows: Tensor) -> int:
    """Return how many numbers the backward pass needs of each row: what two rows leave beyond what one does.

    Args:
        network: Maps a batch of rows to one loss per row.
        rows: Two training records.
    """
    kept = []
    for some in (rows[:1], rows[:2]):
        sizes: list[int] = []

        def note(saved: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(saved.numel())
            return saved

        with seeded(0, "cpu"), torch.autograd.graph.saved_tensors_hooks(note, lambda saved: saved):
            network(some)
        kept.append(sum(sizes))
    return max(0, kept[1] - kept[0])
