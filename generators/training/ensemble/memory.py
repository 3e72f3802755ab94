"""How many models are trained at once."""

from __future__ import annotations

import math

from torch import nn

_NUMBERS = 2**24
"""Weights of all models together: with gradients and Adam's two moments 256 MiB. More models at once gain nothing, for
the time of a step is then that of its products and of the memory; fewer pay the overhead of more steps."""


def models_at_once(network: nn.Module, models: int, numbers: int = _NUMBERS) -> int:
    """Return how many networks to train together, so that groups fit into memory and are about equal.

    Args:
        network: One of them.
        models: How many there are.
        numbers: Weights of all models of a group.

    Example:
        >>> models_at_once(nn.Linear(1000, 1000), models=20)
        10
    """
    most = max(1, numbers // max(1, sum(parameter.numel() for parameter in network.parameters())))
    return math.ceil(models / math.ceil(models / most))
