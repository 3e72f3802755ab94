"""The plain training loop: shuffled batches, Adam, a cosine schedule."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from generators.errors import InputError
from generators.training.progress import training_progress


def train(
    objective: nn.Module,
    rows: Tensor,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
    title: str = "training",
    progress: bool = True,
) -> list[float]:
    """Minimise a per-record loss.

    Args:
        objective: Maps a batch of rows to one loss per row, shape (batch,).
        rows: Training records, first axis is the record.
        steps: Number of optimiser steps.
        batch_size: Records a step; at most all of them.
        learning_rate: Adam's, at the start; it falls along a cosine to a hundredth.
        generator: Decides the order of the records.
        title: Name on the progress bar.
        progress: Whether to show the bar.

    Returns:
        The mean loss of each step.

    Raises:
        InputError: The loss stops being a finite number.
    """
    batch_size = min(batch_size, len(rows))
    optimizer = torch.optim.Adam(objective.parameters(), lr=learning_rate, foreach=True)
    schedule = cosine_schedule(optimizer, steps)
    losses: list[float] = []
    order = torch.empty(0, dtype=torch.int64)
    objective.train()
    with training_progress(title, steps, shown=progress) as advance:
        for _ in range(steps):
            if len(order) < batch_size:
                order = torch.randperm(len(rows), generator=generator)
            chosen, order = order[:batch_size], order[batch_size:]
            loss = objective(rows[chosen]).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                raise InputError(
                    f"training diverged at step {len(losses)}; lower learning_rate (now {learning_rate:g})"
                )
            advance(batch_size, f"loss {losses[-1]:.3f}")
    objective.eval()
    return losses


def cosine_schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """Return a schedule that lowers the learning rate along a cosine to a hundredth of its start."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.01 + 0.495 * (1 + math.cos(math.pi * step / steps))
    )
