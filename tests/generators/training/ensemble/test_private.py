"""Private networks trained together: batches, clipping and noise are those of each alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from generators.privacy import PrivatePlan
from generators.training import train_privately
from generators.training.clipping import clipped_sums
from generators.training.ensemble import PaidRun, Stack, train_many_privately
from generators.training.ensemble.noise import fill_with_noise
from generators.training.ensemble.private import fill
from tests.generators.training.ensemble.networks import KINDS, built

NO_DROPOUT = ["vae", "denoiser"]


def plan(rows: int, *, rate: float = 0.3, steps: int = 6, noise: float = 0.7, clip: float = 0.5) -> PrivatePlan:
    return PrivatePlan(rows, rate, steps, noise, clip, epsilon=1.0, delta=1e-5)


def without_dropout(network: nn.Module) -> nn.Module:
    """Switch off what draws in another order where rows are shorter or fewer."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


@pytest.mark.parametrize("kind", NO_DROPOUT)
def test_in_test_mode_together_equals_alone(kind: str) -> None:
    sizes, steps = [30, 20, 30], [6, 6, 4]
    rows = [KINDS[kind][1](size, seed=size) for size in sizes]
    plans = [plan(size, steps=own) for size, own in zip(sizes, steps, strict=True)]
    runs = [PaidRun(built(kind, seed)[0], own, one) for seed, (own, one) in enumerate(zip(rows, plans, strict=True))]
    train_many_privately(runs, learning_rate=1e-2, ema=0.9, weight_decay=0.1, test_seed=5)
    for seed, run in enumerate(runs):
        network = built(kind, seed)[0]
        train_privately(
            network, run.rows, run.plan, learning_rate=1e-2, ema=0.9, weight_decay=0.1, test_seed=5, progress=False
        )
        for ours, theirs in zip(run.objective.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_sums_of_clipped_gradients_equal_those_of_each_alone(kind: str) -> None:
    networks = [without_dropout(built(kind, seed)[0]) for seed in range(3)]
    batches = [KINDS[kind][1](size, seed=size) for size in (5, 2, 4)]
    stack = Stack(networks)
    streams = [torch.Generator().manual_seed(seed) for seed in range(3)]
    losses = stack.losses(torch.cat(batches), [5, 2, 4], streams)
    stack.add_clipped_gradients(losses, torch.full((11,), 0.3), torch.full((11,), 2.0))
    for number, (network, batch) in enumerate(zip(networks, batches, strict=True)):
        with torch.random.fork_rng(), clipped_sums(network, 0.3, "ghost") as clipped_sum:
            torch.manual_seed(number)
            expected = clipped_sum(batch)
        for ours, theirs in zip(stack.gradients, expected, strict=True):
            torch.testing.assert_close(ours[number], 2 * theirs, rtol=1e-3, atol=1e-4)


class Overflowing(nn.Module):
    """A line whose loss overflows for one row."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 1)

    def forward(self, rows: Tensor) -> Tensor:
        losses: Tensor = self.line(rows).squeeze(1).exp()
        return losses


def test_a_row_whose_gradient_overflows_counts_as_zero() -> None:
    networks = [Overflowing() for _ in range(2)]
    rows = torch.tensor([[1.0, 2.0], [1e30, 1e30], [2.0, 1.0], [1.0, 1.0]])
    for network in networks:
        nn.init.ones_(network.line.weight)
    stack = Stack(networks)
    losses = stack.losses(rows, [2, 2], [torch.Generator()] * 2)
    stack.add_clipped_gradients(losses, torch.ones(4), torch.ones(4))
    with clipped_sums(networks[0], 1.0) as clipped_sum:
        expected = clipped_sum(rows[:1])
    for ours, theirs in zip(stack.gradients, expected, strict=True):
        assert bool(ours.isfinite().all())
        torch.testing.assert_close(ours[0], theirs)


def test_empty_batches_release_noise_alone() -> None:
    runs = [PaidRun(built("vae", seed)[0], KINDS["vae"][1](30), plan(30, rate=1e-9, steps=2)) for seed in range(2)]
    before = [[one.detach().clone() for one in run.objective.parameters()] for run in runs]
    train_many_privately(runs, learning_rate=1e-2)
    for run, old in zip(runs, before, strict=True):
        assert all(bool((one.detach() != was).any()) for one, was in zip(run.objective.parameters(), old, strict=True))


def test_runs_draw_their_own_noise_and_batches() -> None:
    runs = [PaidRun(built("vae", 1)[0], KINDS["vae"][1](30), plan(30)) for _ in range(2)]
    train_many_privately(runs, learning_rate=1e-2)
    first, second = (nn.utils.parameters_to_vector(run.objective.parameters()).detach() for run in runs)
    assert float((first - second).abs().median()) > 1e-3


def test_updates_have_the_mean_and_the_noise_of_training_alone() -> None:
    # A step of plain gradient descent is the noisy mean gradient itself; Adam's first step only keeps its sign.
    copies, rows, deviation = 150, KINDS["vae"][1](40), 0.2 * 0.5 / (0.3 * 40)
    noise = torch.empty(copies, 1000)
    for own in noise:
        fill_with_noise(own, deviation)
    assert abs(float(noise.std()) / deviation - 1) < 0.01
    assert abs(float(noise.mean())) < 4 * deviation / noise.numel() ** 0.5
    signs = {}
    for name in ("together", "alone"):
        runs = [PaidRun(built("vae", 1)[0], rows, plan(40, steps=1, noise=0.2)) for _ in range(copies)]
        start = nn.utils.parameters_to_vector(built("vae", 1)[0].parameters()).detach()
        if name == "together":
            train_many_privately(runs, learning_rate=1e-2)
        else:
            for run in runs:
                train_privately(run.objective, rows, run.plan, learning_rate=1e-2, progress=False)
        after = torch.stack([nn.utils.parameters_to_vector(run.objective.parameters()).detach() for run in runs])
        signs[name] = ((after - start) > 0).float().mean(0)
    # Frequencies of upward steps agree, parameter by parameter: both mean and noise decide them.
    difference = (signs["together"] - signs["alone"]) / (2 * 0.25 / copies) ** 0.5
    assert float(difference.square().mean()) < 1.15
    assert float(torch.corrcoef(torch.stack([signs["together"], signs["alone"]]))[0, 1]) > 0.5


@pytest.mark.parametrize("size", [1, 2, 7, 2**15, 2**15 + 3])
def test_noise_is_normal(size: int) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    out = torch.cat([_noise(size) for _ in range(max(1, min(2000, 40_000 // size)))])
    assert scipy_stats.kstest(out.numpy(), "norm").pvalue > 1e-6
    assert bool(out.isfinite().all())


def _noise(size: int) -> Tensor:
    out = torch.full((size,), torch.nan)
    fill_with_noise(out, 1.0)
    return out


@pytest.mark.parametrize("kind", NO_DROPOUT)
def test_people_with_several_rows_are_sampled_and_clipped_as_alone(kind: str) -> None:
    """Plans differ in all that may differ: noise, clipping norm, sampling rate and steps."""
    sizes = [30, 24]
    rows = [KINDS[kind][1](size, seed=size) for size in sizes]
    people = [torch.arange(size) // 3 for size in sizes]
    plans = [plan(10), plan(8, rate=0.5, steps=4, noise=1.9, clip=0.2)]
    runs = [PaidRun(built(kind, n)[0], own, plans[n], people[n]) for n, own in enumerate(rows)]
    train_many_privately(runs, learning_rate=1e-2, test_seed=5)
    for seed, run in enumerate(runs):
        network = built(kind, seed)[0]
        how = {"learning_rate": 1e-2, "test_seed": 5, "progress": False}
        train_privately(network, run.rows, run.plan, people=run.people, **how)
        for ours, theirs in zip(run.objective.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("deviations", [[0.5, 0.5, 0.5], [0.5, 1.0, 4.0]], ids=["equal", "unequal"])
def test_each_model_gets_the_noise_of_its_own_plan(deviations: list[float]) -> None:
    gradients = [torch.empty(3, 100, 200), torch.empty(3, 20_000)]
    fill(gradients, deviations, [None] * 3)
    for gradient in gradients:
        flat = gradient.flatten(1)
        assert flat.std(1).tolist() == pytest.approx(deviations, rel=0.03)
        assert float(torch.corrcoef(flat).fill_diagonal_(0).abs().max()) < 0.04
    assert abs(float(torch.corrcoef(torch.stack([one.flatten(1)[0] for one in gradients]))[0, 1])) < 0.04
