"""How many models are trained at once."""

from __future__ import annotations

from torch import nn

_NUMBERS = 2**24
"""Weights of all models together: with gradients and Adam's two moments 256 MiB. More models at once gain nothing, for
the time of a step is then that of its products and of the memory; fewer pay the overhead of more steps."""


def models_at_once(network: nn.Module, numbers: int = _NUMBERS) -> int:
    """Return how many such networks to train together, at least 1.

    Args:
        network: One of them.
        numbers: Weights of all models together.

    Example:
        >>> models_at_once(nn.Linear(1000, 1000))
        16
    """
    return max(1, numbers // max(1, sum(parameter.numel() for parameter in network.parameters())))
