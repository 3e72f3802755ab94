"""How the learning rate moves over a run."""

from __future__ import annotations

import math

import torch

_LEAST = 0.01


def schedule(
    optimizer: torch.optim.Optimizer, steps: int, shape: str = "cosine", warmup: float = 0.0
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return a learning-rate schedule.

    Args:
        optimizer: What it steers.
        steps: Length of the run.
        shape: `cosine` or `linear` fall to a hundredth of the start; `constant` stays.
        warmup: Share of the steps over which the rate first rises from 0, in [0, 1).
    """
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule_factor(step, steps, shape, warmup))


def schedule_factor(step: int, steps: int, shape: str = "cosine", warmup: float = 0.0) -> float:
    """Return the learning rate at a step, from 0, as a share of its highest; see `schedule`."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    gone = (step - rising) / max(1, steps - rising)
    if shape == "cosine":
        return _LEAST + (1 - _LEAST) / 2 * (1 + math.cos(math.pi * gone))
    return 1.0 if shape == "constant" else 1 - (1 - _LEAST) * gone
