"""The private training loop: DP-SGD with Poisson sampling and ghost clipping (Abadi et al. 2016; Li et al. 2022).

Formal guarantee: the sequence of noisy gradients, and so the final weights, satisfies (epsilon, delta)-differential
privacy as computed for the plan, for neighbours that differ by one added or removed unit: a row, or a person with all
their rows. It rests on four things, each held by this file: every unit enters each batch independently with probability
`plan.sampling_rate`, a person by one row of theirs drawn at random; every row's gradient is clipped to norm
`plan.clip`, or counts as zero where it overflows; Gaussian noise of deviation `plan.noise_multiplier * plan.clip` is
added to the sum, also when the batch is empty; the sum is divided by a public number, not by the batch's own size.

A fifth is easily missed: whatever the objective draws at random (latent noise, dropout, diffusion times) is secret too.
With it replayed from a public seed, a row's draw would follow from its place in the batch: removing one row would shift
the draws of all later ones, and their gradients would all change. Secret draws, independent from row to row, keep the
sensitivity at `plan.clip`: couple the two neighbouring runs so that each shared row meets the same draw in both. Every
run keeps its distribution, since the other rows' draws are distributed alike whether the row is there or not, and under
the coupling the sums differ by that row's clipped gradient alone. Differential privacy then holds given the draws, and
so also on average over them, as (epsilon, delta)-closeness survives mixing over one common distribution.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping
from torch import Tensor, nn

from generators.privacy.plan import PrivatePlan
from generators.training.averaging import WeightAverage
from generators.training.private_checkpoints import PrivateCheckpoints
from generators.training.progress import training_progress
from generators.training.randomness import seeded
from generators.training.schedules import schedule

RNG = (
    "torch generators seeded with 64 bits from the operating system, as do all random draws inside the loss (only "
    "initial weights follow the public seed); these generators are not cryptographically secure (a warning)"
)


def system_entropy(device: torch.device | str = "cpu", *, test_seed: int | None = None) -> torch.Generator:
    """Return a generator seeded from the operating system; its seed is kept nowhere.

    Args:
        device: Where the generator draws.
        test_seed: Fixed seed, for tests only: noise that can be replayed protects nobody.
    """
    return torch.Generator(device=device).manual_seed(_fresh_seed(test_seed))


def train_privately(
    objective: nn.Module,
    rows: Tensor,
    plan: PrivatePlan,
    *,
    people: Tensor | None = None,
    learning_rate: float,
    shape: str = "cosine",
    warmup: float = 0.0,
    weight_decay: float = 0.0,
    ema: float = 0.0,
    saved: PrivateCheckpoints | None = None,
    test_seed: int | None = None,
    observe: Callable[[int], None] | None = None,
    title: str = "private training",
    progress: bool = True,
) -> None:
    """Minimise a per-record loss under differential privacy, for exactly `plan.steps` steps.

    The loss is not returned or shown: it depends on the records and is not paid for.

    Args:
        objective: Maps a batch of rows to one loss per row, shape (batch,); no row's loss may depend on another row.
            Its parameters belong to layers that Opacus supports, and each is used once in every pass. What it draws at
            random comes from torch's global generators, independently for each row: they are seeded from the operating
            system for the time of training, and then left as they were.
        rows: Training records, first axis is the record.
        plan: What the run spends.
        people: Which person each row belongs to, numbered from 0 without gaps, shape (rows,); None where each row is a
            unit of its own.
        learning_rate: AdamW's, at its highest.
        shape: How the rate falls: `cosine`, `linear` or `constant`.
        warmup: Share of the steps over which it first rises.
        weight_decay: AdamW's.
        ema: Decay of a moving average of the weights, which replaces them in the end; 0 for none. Like all of the
            above, it works on what the noisy steps released and costs nothing.
        saved: Keeps the state of the run, and goes on from it.
        test_seed: Replays noise, sampling and the objective's draws, for tests only; such a run is not private.
        observe: Called after each step with its number, while each parameter's `grad` still holds the noisy mean
            gradient that the step released. For auditors.
        title: Name on the progress bar.
        progress: Whether to show the bar.

    Raises:
        ValueError: The objective does not return one loss per row, so that clipping would go wrong.
    """
    device = rows.device
    sampler = system_entropy(test_seed=test_seed)
    noise = system_entropy(device, test_seed=test_seed)
    draw = _poisson(len(rows), people, plan.sampling_rate, sampler)
    objective.train()
    wrapped = GradSampleModuleFastGradientClipping(objective, max_grad_norm=plan.clip, loss_reduction="mean")
    adam = torch.optim.AdamW(objective.parameters(), lr=learning_rate, weight_decay=weight_decay)
    average = WeightAverage(objective, ema) if ema > 0 else None
    optimizer = DPOptimizerFastGradientClipping(
        adam,
        noise_multiplier=plan.noise_multiplier,
        max_grad_norm=plan.clip,
        # Fixed and public, and not rounded: with "mean", Opacus divides the noisy sum by exactly this.
        expected_batch_size=plan.expected_batch_size,
        generator=noise,
    )
    rate = schedule(adam, plan.steps, shape, warmup)
    state = _state(objective, adam, average)
    first = 0 if saved is None else saved.start(state)
    try:
        with (
            seeded(_fresh_seed(test_seed), device, _fresh_seed(test_seed)),
            warnings.catch_warnings(),
            training_progress(title, plan.steps, shown=progress) as advance,
        ):
            # Records need no gradient, which torch finds worth a warning at every hook and step.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            for _ in range(first):
                rate.step()
                advance(round(plan.expected_batch_size), "")
            for step in range(first, plan.steps):
                if saved is not None and (step - first) % saved.every == 0:
                    saved.begin(min(step + saved.every, plan.steps))
                _sum_clipped_gradients(wrapped, optimizer, rows[draw().to(device)])
                optimizer.step()
                rate.step()
                if average is not None:
                    average.update()
                if observe is not None:
                    observe(step)
                optimizer.zero_grad()
                advance(round(plan.expected_batch_size), "")
                if saved is not None and ((step + 1 - first) % saved.every == 0 or step + 1 == plan.steps):
                    saved.save(state)
        if average is not None:
            average.swap()
    finally:
        wrapped.to_standard_module()
        objective.eval()


def _poisson(rows: int, people: Tensor | None, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    """Return how to draw the rows of a batch: each unit with the same chance, whatever the others do."""
    if people is None:
        return lambda: torch.nonzero(torch.rand(rows, generator=sampler, dtype=torch.float64) < rate).flatten()
    order = people.argsort(stable=True)
    counts = torch.bincount(people)
    starts = counts.cumsum(0) - counts

    def draw() -> Tensor:
        chosen = torch.rand(len(counts), generator=sampler, dtype=torch.float64) < rate
        # Which of their rows stands for each person is drawn for everybody, so that draws do not shift with others.
        which = (torch.rand(len(counts), generator=sampler, dtype=torch.float64) * counts).long()
        return order[(starts + which.minimum(counts - 1))[chosen]]

    return draw


def _state(objective: nn.Module, adam: torch.optim.AdamW, average: WeightAverage | None) -> dict[str, Tensor]:
    """Return all that changes from step to step, as the very tensors that training moves."""
    state = {f"weights.{name}": parameter.data for name, parameter in objective.named_parameters()}
    for name, parameter in objective.named_parameters():
        moments = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter.data)}
        moments["exp_avg_sq"] = torch.zeros_like(parameter.data)
        adam.state[parameter] = moments
        state |= {f"adam.{name}.{moment}": tensor for moment, tensor in moments.items()}
    if average is not None:
        state |= {f"average.{name}": tensor for name, tensor in average.weights.items()}
        state["average.updates"] = average.updates
    return state


def _sum_clipped_gradients(
    wrapped: GradSampleModuleFastGradientClipping, optimizer: DPOptimizerFastGradientClipping, batch: Tensor
) -> None:
    """Leave the sum of the batch's clipped gradients in each parameter's `grad`."""
    _backward(wrapped, optimizer, batch)
    if all(bool(parameter.grad.isfinite().all()) for parameter in optimizer.params):
        return
    # Some row's gradient is not finite, so that it could not be clipped and has spoilt the sum, which would tell that
    # the row is there. Each row is now taken alone, and counts with its clipped gradient or, without one, with zero.
    total = [torch.zeros_like(parameter) for parameter in optimizer.params]
    for row in torch.split(batch, 1):
        optimizer.zero_grad()
        _backward(wrapped, optimizer, row)
        own = [parameter.grad for parameter in optimizer.params]
        if all(bool(gradient.isfinite().all()) for gradient in own):
            total = [summed + gradient for summed, gradient in zip(total, own, strict=True)]
    for parameter, summed in zip(optimizer.params, total, strict=True):
        parameter.grad = summed


def _backward(
    wrapped: GradSampleModuleFastGradientClipping, optimizer: DPOptimizerFastGradientClipping, batch: Tensor
) -> None:
    if len(batch) == 0:
        # An empty batch is an ordinary outcome of Poisson sampling: its step releases noise alone.
        for parameter in optimizer.params:
            parameter.grad = torch.zeros_like(parameter)
        return
    losses = wrapped(batch)
    if losses.shape != (len(batch),):
        # Any other shape would broadcast against the clipping factors and leave gradients unclipped.
        raise ValueError(f"the objective returned losses of shape {tuple(losses.shape)}, expected ({len(batch)},)")
    DPTensorFastGradientClipping(wrapped, optimizer, losses, "mean").backward()


def _fresh_seed(test_seed: int | None) -> int:
    return int.from_bytes(os.urandom(8), "little", signed=True) if test_seed is None else test_seed
