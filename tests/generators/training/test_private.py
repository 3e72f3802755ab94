from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from generators import PrivatePlan
from generators.training import WithCanaries, train_privately


class Steep(nn.Module):
    """A per-row loss whose gradients are enormous."""

    def __init__(self, inputs: int = 5, scale: float = 1e6) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(inputs, 4), nn.ReLU(), nn.Linear(4, 1))
        self.scale = scale

    def forward(self, batch: Tensor) -> Tensor:
        return self.scale * self.layers(batch).squeeze(1)


def plan(units: int = 10, rate: float = 1.0, steps: int = 1, noise: float = 0.0, clip: float = 1.0) -> PrivatePlan:
    return PrivatePlan(units, rate, steps, noise, clip, epsilon=1.0, delta=1e-5)


def gradients(
    objective: nn.Module, rows: Tensor, how: PrivatePlan, test_seed: int | None = 0, people: Tensor | None = None
) -> list[Tensor]:
    seen: list[Tensor] = []

    def observe(_: int) -> None:
        seen.append(torch.cat([p.grad.flatten().clone() for p in objective.parameters() if p.grad is not None]))

    train_privately(
        objective, rows, how, people=people, learning_rate=1e-9, test_seed=test_seed, observe=observe, progress=False
    )
    return seen


@pytest.mark.parametrize("clip", [0.1, 1.0, 7.0])
def test_a_huge_gradient_is_clipped(clip: float) -> None:
    row = torch.randn(1, 5, generator=torch.Generator().manual_seed(1))
    [gradient] = gradients(Steep(), row, plan(units=1, clip=clip))
    assert gradient.norm().item() == pytest.approx(clip, rel=1e-4)


def test_clipping_is_by_row_and_equals_the_textbook() -> None:
    rows = torch.randn(10, 5, generator=torch.Generator().manual_seed(1))
    objective = Steep(scale=1.0)
    expected = torch.zeros(sum(p.numel() for p in objective.parameters()))
    for row in rows:
        own = torch.autograd.grad(objective(row[None]).sum(), list(objective.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in own])
        expected += flat * min(1.0, 0.5 / (flat.norm().item() + 1e-6))
    [gradient] = gradients(objective, rows, plan(clip=0.5))
    torch.testing.assert_close(gradient, expected / 10, rtol=1e-4, atol=1e-6)


def test_the_denominator_is_public() -> None:
    """Ten times the records behind the same plan give ten times the gradient: nothing divides by the true number."""
    row = torch.ones(1, 5)
    [one] = gradients(Steep(), row, plan(units=10))
    [ten] = gradients(Steep(), row.repeat(10, 1), plan(units=10))
    torch.testing.assert_close(ten, 10 * one)


def test_empty_batches_release_noise() -> None:
    seen = gradients(Steep(), torch.ones(3, 5), plan(units=3, rate=1e-12, steps=4, noise=2.0))
    assert len(seen) == 4
    assert all(gradient.std() > 0 for gradient in seen)


def test_noise_has_the_planned_size() -> None:
    how = plan(units=1000, rate=0.1, steps=1, noise=3.0, clip=0.5)
    [gradient] = gradients(Steep(inputs=2000), torch.zeros(1, 2000)[:0].reshape(0, 2000), how)
    assert gradient.std().item() == pytest.approx(3.0 * 0.5 / 100, rel=0.05)


def test_noise_comes_from_the_operating_system() -> None:
    rows = torch.ones(3, 5)
    runs = []
    for test_seed in (None, None, 5, 5):
        torch.manual_seed(0)
        runs.append(gradients(Steep(), rows, plan(units=3, noise=1.0), test_seed)[0])
    assert not torch.equal(runs[0], runs[1])
    assert torch.equal(runs[2], runs[3])


class Drawing(Steep):
    """An objective with random draws of its own, which it remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[Tensor] = []

    def forward(self, batch: Tensor) -> Tensor:
        self.draws.append(torch.randn_like(batch))
        return super().forward(batch + self.draws[-1])


def test_what_the_objective_draws_is_secret_and_the_callers_state_is_kept() -> None:
    """Also without noise on the gradients, so that nothing else could tell the runs apart."""
    draws = []
    for test_seed in (None, None, 5, 5):
        objective = Drawing()
        torch.manual_seed(0)
        before = torch.random.get_rng_state()
        gradients(objective, torch.ones(3, 5), plan(units=3, steps=2), test_seed)
        assert torch.equal(before, torch.random.get_rng_state())
        draws.append(torch.cat(objective.draws))
    assert not torch.isclose(draws[0], draws[1]).any()
    assert torch.equal(draws[2], draws[3])
    torch.manual_seed(0)
    assert not torch.isclose(draws[0][:3], torch.randn(3, 5)).any()


def test_the_callers_state_is_kept_when_training_fails() -> None:
    class Failing(Steep):
        def forward(self, batch: Tensor) -> Tensor:
            torch.rand(len(batch))
            raise KeyboardInterrupt

    objective, before = Failing(), torch.random.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        gradients(objective, torch.ones(3, 5), plan(units=3), None)
    assert torch.equal(before, torch.random.get_rng_state())


class RowNoise(Steep):
    """Each row brings its draw along: the coupling under which neighbouring runs are compared."""

    def forward(self, batch: Tensor) -> Tensor:
        return super().forward(batch[:, :5] + 10 * batch[:, 5:])


class PlaceNoise(Steep):
    """Each row's draw follows from its place in the batch, as with a public seed: what must not happen."""

    def forward(self, batch: Tensor) -> Tensor:
        draws = torch.randn(batch[:, :5].shape, generator=torch.Generator().manual_seed(0))
        return super().forward(batch[:, :5] + 10 * draws)


def change_by_removing_the_first(objective: Callable[[], nn.Module], clip: float) -> float:
    rows = torch.randn(40, 10, generator=torch.Generator().manual_seed(1))
    how = plan(units=40, clip=clip)
    [whole], [rest] = gradients(objective(), rows, how), gradients(objective(), rows[1:], how)
    return float((whole - rest).norm()) * how.expected_batch_size


@pytest.mark.parametrize("clip", [0.1, 1.0, 7.0])
def test_one_row_changes_the_sum_by_at_most_the_clip(clip: float) -> None:
    assert change_by_removing_the_first(RowNoise, clip) <= clip * 1.001
    assert change_by_removing_the_first(PlaceNoise, clip) > 2 * clip


def test_poisson_batches_have_the_planned_rate() -> None:
    sizes: list[int] = []

    class Counting(Steep):
        def forward(self, batch: Tensor) -> Tensor:
            sizes.append(len(batch))
            return super().forward(batch)

    train_privately(
        Counting(), torch.ones(2000, 5), plan(2000, rate=0.1, steps=50), learning_rate=1e-9, test_seed=3, progress=False
    )
    assert sum(sizes) / 50 == pytest.approx(200, rel=0.05)
    assert len(set(sizes)) > 10


def test_a_loss_of_the_wrong_shape_is_refused() -> None:
    class Column(Steep):
        def forward(self, batch: Tensor) -> Tensor:
            return super().forward(batch)[:, None]

    with pytest.raises(ValueError, match=r"losses of shape \(10, 1\), expected \(10,\)"):
        train_privately(Column(), torch.ones(10, 5), plan(), learning_rate=1e-3, test_seed=0, progress=False)


def test_the_objective_is_handed_back_plain() -> None:
    objective = Steep()
    train_privately(objective, torch.ones(4, 5), plan(units=4), learning_rate=1e-3, test_seed=0, progress=False)
    assert not any(hook for module in objective.modules() for hook in module._backward_hooks.values())
    objective(torch.ones(2, 5)).sum().backward()


def test_canaries_are_clipped_records_on_their_own_coordinate() -> None:
    audited = WithCanaries(Steep(), count=4, scale=100.0)
    rows = audited.rows(torch.ones(6, 5), torch.tensor([0, 2]))
    assert rows.shape == (8, 7)
    own: list[Tensor] = []

    def observe(_: int) -> None:
        assert audited.probe.weight.grad is not None
        own.append(audited.probe.weight.grad.flatten().clone())

    how = plan(units=8, clip=2.0)
    train_privately(audited, rows, how, learning_rate=1e-9, test_seed=0, observe=observe, progress=False)
    torch.testing.assert_close(own[0] * 8, torch.tensor([2.0, 0.0, 2.0, 0.0]), rtol=1e-4, atol=1e-6)


class Overflowing(Steep):
    """A row that starts with 9 has an infinite loss."""

    def forward(self, batch: Tensor) -> Tensor:
        return super().forward(batch) / (batch[:, 0] != 9).float()


def test_a_row_that_overflows_counts_as_zero_and_spoils_nothing() -> None:
    rows = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    spoilt = rows.clone()
    spoilt[2, 0] = 9
    kept = torch.cat([rows[:2], rows[3:]])
    [with_it] = gradients(Overflowing(), spoilt, plan(units=6))
    [without] = gradients(Overflowing(), kept, plan(units=6))
    assert without.norm() > 0
    torch.testing.assert_close(with_it, without, rtol=1e-4, atol=1e-6)


def test_averaging_and_schedules_work_on_what_was_released() -> None:
    """The released gradients are the same, the weights differ: the average lags behind the last step."""
    rows = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    weights = []
    for ema, shape in ((0.0, "cosine"), (0.9, "cosine"), (0.0, "constant")):
        objective = Steep(scale=1.0)
        train_privately(
            objective,
            rows,
            plan(units=6, steps=20),
            learning_rate=0.1,
            shape=shape,
            ema=ema,
            test_seed=0,
            progress=False,
        )
        weights.append(torch.cat([parameter.detach().flatten() for parameter in objective.parameters()]))
    assert not torch.isclose(weights[0], weights[1]).all()
    assert not torch.isclose(weights[0], weights[2]).all()
