"""The private training loop for many networks at once: DP-SGD for each of them, as `train_privately` does it.

Formal guarantee: each network's weights satisfy (epsilon, delta)-differential privacy as computed for its own plan, for
the reasons that `generators.training.private` gives, which hold for each network by itself: its batches, clipping,
noise and random draws are its own, and independent of the others'. Whoever sees the weights of several networks trained
on the same records has seen all these runs, and their costs add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from generators.privacy.plan import PrivatePlan
from generators.training.ensemble.adam import StackedAdamW, StackedAverage
from generators.training.ensemble.noise import fill_with_noise
from generators.training.ensemble.stack import Stack
from generators.training.private import poisson_batches
from generators.training.randomness import system_entropy
from generators.training.schedules import schedule_factor


@dataclass(frozen=True)
class PaidRun:
    """What one network's private training is.

    Attributes:
        objective: Maps a batch of rows to one loss per row; its weights are changed.
        rows: Its training records, first axis is the record.
        plan: What the run spends.
        people: Which person each row belongs to, as in `train_privately`.
    """

    objective: nn.Module
    rows: Tensor
    plan: PrivatePlan
    people: Tensor | None = None


def train_many_privately(
    runs: Sequence[PaidRun],
    *,
    learning_rate: float,
    shape: str = "cosine",
    warmup: float = 0.0,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
    ema: float = 0.0,
    test_seed: int | None = None,
) -> None:
    """Minimise each network's loss under differential privacy, for exactly its plan's steps.

    Args:
        runs: At least one, of the same architecture.
        learning_rate: AdamW's, at its highest.
        shape: How the rate falls: `cosine`, `linear` or `constant`.
        warmup: Share of the steps over which it first rises.
        weight_decay: AdamW's.
        betas: AdamW's decay rates.
        ema: Decay of a moving average of the weights, which replaces them in the end; 0 for none.
        test_seed: Replays what `train_privately` would draw for each network, for tests only; no such run is private.

    Raises:
        StackingError: The networks cannot be trained together.
    """
    networks, plans = [run.objective for run in runs], [run.plan for run in runs]
    stack = Stack(networks)
    draws = [
        poisson_batches(len(run.rows), run.people, run.plan.sampling_rate, system_entropy(test_seed=test_seed))
        for run in runs
    ]
    streams = [system_entropy(test_seed=test_seed) for _ in runs]
    noise = [None if test_seed is None else system_entropy(test_seed=test_seed) for _ in runs]
    deviations = [plan.noise_multiplier * plan.clip / plan.expected_batch_size for plan in plans]
    adam = StackedAdamW(stack.weights, betas, weight_decay)
    average = StackedAverage(stack.weights, ema) if ema > 0 else None
    for step in range(max(plan.steps for plan in plans)):
        active = [step < plan.steps for plan in plans]
        batches = [run.rows[draw() if on else slice(0, 0)] for run, draw, on in zip(runs, draws, active, strict=True)]
        fill(stack.gradients, deviations, noise)
        rows = torch.cat(batches)
        # If all batches are empty, an ordinary outcome of Poisson sampling, their steps release noise alone.
        if len(rows):
            losses = stack.losses(rows, [len(batch) for batch in batches], streams)
            models = stack.whose.models()
            clips = torch.tensor([plan.clip for plan in plans])
            sizes = torch.tensor([plan.expected_batch_size for plan in plans])
            stack.add_clipped_gradients(losses, clips[models], 1 / sizes[models])
        factors = [
            schedule_factor(step, plan.steps, shape, warmup) if on else 0.0
            for plan, on in zip(plans, active, strict=True)
        ]
        adam.step(stack.gradients, [learning_rate * factor for factor in factors])
        if average is not None:
            average.update(stack.weights, active)
    stack.give_back(networks, stack.weights if average is None else average.weights)
    for network in networks:
        network.eval()


def fill(
    gradients: Sequence[Tensor], deviations: Sequence[float], generators: Sequence[torch.Generator | None]
) -> None:
    """Fill gradients of shape (models, ...) with each model's noise."""
    for gradient in gradients:
        if generators[0] is None and len(set(deviations)) == 1:
            fill_with_noise(gradient, deviations[0])
            continue
        for own, deviation, generator in zip(gradient, deviations, generators, strict=True):
            fill_with_noise(own, deviation, generator)
