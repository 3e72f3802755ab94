"""The private training loop: DP-SGD with Poisson sampling (Abadi et al. 2016).

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

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from generators.privacy.plan import PrivatePlan
from generators.training.averaging import WeightAverage
from generators.training.clipping import Mode, clipped_sums, trained
from generators.training.distributed import leads, noisy_optimizer, own_units, rank, share
from generators.training.following import Follower, with_moments
from generators.training.private_checkpoints import PrivateCheckpoints
from generators.training.progress import training_progress
from generators.training.randomness import seeded, system_entropy
from generators.training.schedules import schedule

RNG = (
    "torch generators whose whole state was drawn from the operating system, as do all random draws inside the loss "
    "(only initial weights follow the public seed); these generators are not cryptographically secure (a warning)"
)


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
    betas: tuple[float, float] = (0.9, 0.999),
    ema: float = 0.0,
    mode: Mode | None = None,
    between: Follower | None = None,
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
            Under ghost clipping each of its layers is used once in every pass. What it draws at random comes from
            torch's global generators, independently for each row: they are seeded from the operating system for the
            time of training, and then left as they were.
        rows: Training records, first axis is the record. Where torch.distributed is initialised, every process is given
            all of them, and takes its own share, see `generators.training.distributed`.
        plan: What the run spends.
        people: Which person each row belongs to, numbered from 0 without gaps, shape (rows,); None where each row is a
            unit of its own.
        learning_rate: AdamW's, at its highest.
        shape: How the rate falls: `cosine`, `linear` or `constant`.
        warmup: Share of the steps over which it first rises.
        weight_decay: AdamW's.
        betas: AdamW's decay rates.
        ema: Decay of a moving average of the weights, which replaces them in the end; 0 for none. Like all of the
            above, it works on what the noisy steps released and costs nothing.
        mode: How rows are clipped; by the objective's layers if None.
        between: What else learns, from released weights alone, after each step. Its weights are no part of the
            objective's parameters.
        saved: Keeps the state of the run, and goes on from it; of several processes, in the first alone.
        test_seed: Replays noise, sampling and the objective's draws, for tests only; such a run is not private.
        observe: Called after each step with its number, while each parameter's `grad` still holds the noisy mean
            gradient that the step released. For auditors.
        title: Name on the progress bar.
        progress: Whether to show the bar.

    Raises:
        InputError: The objective cannot be clipped, see `check_objective`.
        ValueError: It does not return one loss per row, so that clipping would go wrong.
    """
    rows, people = own_units(rows, people)
    device = rows.device
    test_seed = None if test_seed is None else test_seed + rank()
    sampler = system_entropy(test_seed=test_seed)
    noise = system_entropy(device, test_seed=test_seed)
    draw = poisson_batches(len(rows), people, plan.sampling_rate, sampler)
    objective.train()
    parameters = trained(objective)
    adam = torch.optim.AdamW(parameters.values(), lr=learning_rate, betas=betas, weight_decay=weight_decay)
    average = WeightAverage(objective, ema) if ema > 0 else None
    optimizer = noisy_optimizer(adam, plan, noise)
    rate = schedule(adam, plan.steps, shape, warmup)
    state = with_moments("", parameters, adam)
    if average is not None:
        state |= {f"average.{name}": tensor for name, tensor in average.weights.items()}
        state["average.updates"] = average.updates
    if between is not None:
        state |= between.state
    begun = torch.tensor(0 if saved is None else saved.start(state))
    share([begun, *state.values()])
    first = int(begun)
    try:
        with (
            clipped_sums(objective, plan.clip, mode) as clipped_sum,
            seeded(test_seed, device),
            warnings.catch_warnings(),
            training_progress(title, plan.steps, shown=progress) as advance,
        ):
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            for _ in range(first):
                rate.step()
                advance(round(plan.expected_batch_size), "")
            for step in range(first, plan.steps):
                if saved is not None and (step - first) % saved.every == 0:
                    saved.begin(min(step + saved.every, plan.steps))
                batch = rows[draw().to(device)]
                # An empty batch is an ordinary outcome of Poisson sampling: its step releases noise alone.
                total = clipped_sum(batch) if len(batch) else [torch.zeros_like(one) for one in parameters.values()]
                for parameter, summed in zip(parameters.values(), total, strict=True):
                    parameter.grad = summed
                optimizer.step()
                rate.step()
                if average is not None:
                    average.update()
                if observe is not None:
                    observe(step)
                optimizer.zero_grad()
                if between is not None:
                    if leads():
                        between.follow(step, plan.steps)
                    share(between.state.values())
                advance(round(plan.expected_batch_size), "")
                if saved is not None and ((step + 1 - first) % saved.every == 0 or step + 1 == plan.steps):
                    saved.save(state)
        if average is not None:
            average.swap()
        if between is not None:
            between.finish()
    finally:
        objective.eval()


def poisson_batches(rows: int, people: Tensor | None, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    """Return how to draw the rows of a batch: each unit with the same chance, whatever the others do."""
    if people is None:
        return lambda: torch.nonzero(torch.rand(rows, generator=sampler, dtype=torch.float64) < rate).flatten()
    order = people.argsort(stable=True)
    counts = torch.bincount(people)
    starts = counts.cumsum(0) - counts

    def draw() -> Tensor:
        # For each person two numbers side by side: whether they are in, and which of their rows stands for them.
        drawn = torch.rand(len(counts), 2, generator=sampler, dtype=torch.float64)
        chosen, which = drawn[:, 0] < rate, (drawn[:, 1] * counts).long()
        return order[(starts + which.minimum(counts - 1))[chosen]]

    return draw
