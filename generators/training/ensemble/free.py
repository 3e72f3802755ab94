"""The plain training loop, for many networks at once: what `train` does, step by step, for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from generators.errors import InputError
from generators.training.ensemble.adam import StackedAdamW, StackedAverage
from generators.training.ensemble.stack import Stack
from generators.training.history import History
from generators.training.loop import Course, next_batch
from generators.training.schedules import schedule_factor


@dataclass(frozen=True)
class Run:
    """What one network's training is, if it is trained alone by `train`.

    Attributes:
        network: Maps a batch of rows to one loss per row; its weights are changed.
        rows: Its training records, first axis is the record.
        course: How. Courses of networks that are trained together may differ in steps alone.
        order: Decides the order of the records.
        stream: What the network draws its own random numbers from: alone, torch's global generator.
    """

    network: nn.Module
    rows: Tensor
    course: Course
    order: torch.Generator
    stream: torch.Generator


def train_many(runs: Sequence[Run]) -> list[History]:
    """Train several networks together, to the weights and histories that each would get alone.

    Equal but for rounding: sums are taken in another order.

    Args:
        runs: At least one, of the same architecture.

    Returns:
        What happened to each.

    Raises:
        InputError: A loss stops being a finite number.
        StackingError: The networks cannot be trained together.
    """
    networks, course = [run.network for run in runs], runs[0].course
    stack = Stack(networks)
    adam = StackedAdamW(stack.weights, (0.9, 0.999), course.weight_decay)
    average = StackedAverage(stack.weights, course.ema) if course.ema > 0 else None
    steps = [run.course.steps for run in runs]
    queues = [torch.empty(0, dtype=torch.int64) for _ in runs]
    losses = torch.zeros(max(steps), len(runs))
    for step in range(max(steps)):
        active = [step < own for own in steps]
        batches = []
        for number, run in enumerate(runs):
            size = min(course.batch_size, len(run.rows)) if active[number] else 0
            chosen, queues[number] = next_batch(queues[number], size, len(run.rows), run.order)
            batches.append(run.rows[chosen])
        counts = [len(batch) for batch in batches]
        each = stack.losses(torch.cat(batches), counts, [run.stream for run in runs])
        losses[step] = _means(each.detach(), stack)
        if not bool(losses[step].isfinite().all()):
            raise InputError(
                f"training diverged at step {step + 1}; lower learning_rate (now {course.learning_rate:g})"
            )
        stack.put_gradients(each, 1.0 / torch.tensor(counts)[stack.whose.models()])
        if course.gradient_norm is not None:
            _shorten(stack.gradients, course.gradient_norm)
        factors = [
            schedule_factor(step, own, course.schedule, course.warmup) if on else 0.0
            for own, on in zip(steps, active, strict=True)
        ]
        adam.step(stack.gradients, [course.learning_rate * factor for factor in factors])
        if average is not None:
            average.update(stack.weights, active)
    stack.give_back(networks, stack.weights if average is None else average.weights)
    for network in networks:
        network.eval()
    return [History(steps=own, losses={"loss": losses[:own, number].tolist()}) for number, own in enumerate(steps)]


def _means(losses: Tensor, stack: Stack) -> Tensor:
    """Return each model's mean loss, 0 for those that have no rows."""
    counts = torch.tensor(stack.whose.counts)
    sums = torch.zeros(len(counts)).index_add_(0, stack.whose.models(), losses)
    return sums / counts.clamp_min(1)


def _shorten(gradients: Sequence[Tensor], longest: float) -> None:
    """Scale each model's gradient down to a norm."""
    norms = torch.stack([one.flatten(1).norm(dim=1) for one in gradients]).norm(dim=0)
    factors = (longest / (norms + 1e-6)).clamp_max(1.0)
    for one in gradients:
        one *= factors.view(-1, *[1] * (one.ndim - 1))
