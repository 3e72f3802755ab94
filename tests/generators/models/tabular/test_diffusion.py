from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping

from generators import Dataset, PrivacyBudget
from generators.models.tabular.diffusion import Denoiser, TabularDiffusion, earlier_code, earlier_score
from tests.generators.models import toy

SMALL: dict[str, Any] = {"hidden": 64, "batch_size": 64, "steps": 20}
QUIET = pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # records need no gradient


@pytest.fixture(scope="module")
def data() -> Dataset:
    return toy.tabular(1200)


@pytest.fixture(scope="module")
def model(data: Dataset) -> TabularDiffusion:
    return TabularDiffusion(**SMALL, epochs=60, ema=0.99).fit(data, progress=False)


def test_samples_resemble_train(model: TabularDiffusion, data: Dataset) -> None:
    sample = model.sample(2000, seed=1)
    for name in ("colour", "grade", "seen"):
        found, real = (frame[name].value_counts(normalize=True) for frame in (sample, data.train))
        assert found.sub(real, fill_value=0).abs().sum() / 2 < 0.1, name
    assert sample["size"].isna().mean() == pytest.approx(data.train["size"].isna().mean(), abs=0.05)
    assert sample["size"].median() == pytest.approx(data.train["size"].median(), abs=0.8)
    blue = sample["colour"] == "blue"  # colour depends on size
    assert sample.loc[blue, "size"].mean() > sample.loc[~blue, "size"].mean() + 3
    for name in ("size", "count", "day"):
        assert sample[name].min() >= data.train[name].min()
        assert sample[name].max() <= data.train[name].max()


def test_record_loss_is_fixed_by_its_seed_and_per_record(model: TabularDiffusion, data: Dataset) -> None:
    losses = model.record_loss(data.holdout, seed=3)
    np.testing.assert_array_equal(losses, model.record_loss(data.holdout, seed=3))
    assert not np.array_equal(losses, model.record_loss(data.holdout, seed=4))
    np.testing.assert_allclose(model.record_loss(data.holdout.iloc[[7, 3]], seed=3), losses[[7, 3]], rtol=1e-4)
    twice = pd.concat([data.holdout.iloc[[5]]] * 2)
    one, other = model.record_loss(twice)
    assert one == other  # the same noise for every record


def test_an_unknown_level_costs_an_even_guess(model: TabularDiffusion, data: Dataset) -> None:
    known = model.record_loss(data.holdout)
    unknown = model.record_loss(data.holdout.assign(colour="octarine"))
    assert np.isfinite(unknown).all()
    assert unknown.mean() > known.mean()


def test_codes_diffuse_back_to_where_they_came_from() -> None:
    """With a perfect guess of p(clean | noisy), small and large steps back give the true marginal at every time."""
    torch.manual_seed(0)
    n, truth = 200_000, torch.tensor([0.7, 0.2, 0.1])
    now, then = torch.tensor([0.2]), torch.tensor([0.6])
    clean = torch.multinomial(truth, n, replacement=True)
    noisy = torch.where(torch.rand(n) < now, clean, torch.randint(3, (n,)))
    likelihood = now * torch.eye(3)[noisy] + (1 - now) / 3
    logits = (truth * likelihood).log()
    before = earlier_code(logits, noisy, now, then, torch.rand(n, 1))
    joint = torch.bincount(before * 3 + noisy, minlength=9).view(3, 3) / n
    step = now / then
    marginal = then * truth + (1 - then) / 3
    expected = marginal[:, None] * (step * torch.eye(3) + (1 - step) / 3)
    torch.testing.assert_close(joint, expected, atol=0.005, rtol=0)


def test_scores_diffuse_back_to_where_they_came_from() -> None:
    """A step back with the true velocity gives the clean score with less noise, correlated with the present one."""
    torch.manual_seed(0)
    clean, noise = torch.full((200_000, 1), 2.0), torch.randn(200_000, 1)
    now, then = torch.tensor([0.3]), torch.tensor([0.8])
    scores = now.sqrt() * clean + (1 - now).sqrt() * noise
    velocity = now.sqrt() * noise - (1 - now).sqrt() * clean
    before = earlier_score(velocity, scores, now, then, torch.randn_like(noise))
    assert before.mean().item() == pytest.approx(2 * 0.8**0.5, abs=0.01)
    assert before.var().item() == pytest.approx(0.2, abs=0.01)
    slope = (now / then).sqrt() * 0.2  # covariance of noisy scores at two times, given the clean one
    covariance = ((before - before.mean()) * (scores - scores.mean())).mean()
    assert covariance.item() == pytest.approx(slope.item(), abs=0.01)


def test_a_private_run_keeps_its_budget_and_learns_nothing_beforehand(data: Dataset) -> None:
    models = [
        TabularDiffusion(**SMALL, epochs=1).fit(dataset, PrivacyBudget(3, 1e-4), progress=False)
        for dataset in (data, Dataset("d", data.schema, {"train": data.train.head(200)}))
    ]
    claim = models[0].ledger_.claim
    assert claim is not None
    assert claim["epsilon"] <= 3
    assert {entry.mechanism for entry in models[0].ledger_} == {"budget", "public", "dp-sgd"}
    assert models[0].encoder_.to_dict() == models[1].encoder_.to_dict()
    assert models[0].network_.draws == 8
    assert len(models[0].sample(5)) == 5


@QUIET
@pytest.mark.parametrize("draws", [1, 4])
def test_a_huge_gradient_is_clipped(draws: int) -> None:
    torch.manual_seed(0)
    network = Denoiser((3, 2), scores=1, hidden=8, layers=2, draws=draws)
    wrapped = GradSampleModuleFastGradientClipping(network, max_grad_norm=0.5, loss_reduction="mean")
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.SGD(network.parameters(), lr=1.0),
        noise_multiplier=0.0,
        max_grad_norm=0.5,
        expected_batch_size=1,
    )
    losses = wrapped(torch.tensor([[0.0, 1.0, 1e6]]))
    assert losses.shape == (1,)
    DPTensorFastGradientClipping(wrapped, optimizer, losses, "mean").backward()
    total = torch.cat([parameter.grad.flatten() for parameter in network.parameters()]).norm()
    assert total.item() == pytest.approx(0.5, rel=1e-3)


@QUIET
def test_several_draws_average_the_loss_and_its_gradient() -> None:
    """Ghost norms of the averaged loss agree with the gradient that autograd finds."""
    torch.manual_seed(0)
    network = Denoiser((3, 2), scores=1, hidden=8, layers=2, draws=4)
    rows = torch.tensor([[0.0, 1.0, 0.3], [2.0, 0.0, -1.0], [1.0, 1.0, 0.1]])
    norms = []
    for number in range(len(rows)):
        torch.manual_seed(number)
        network.zero_grad()
        network(rows[[number]]).sum().backward()
        norms.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm())
    wrapped = GradSampleModuleFastGradientClipping(network, max_grad_norm=1.0, loss_reduction="mean")
    for number in range(len(rows)):
        torch.manual_seed(number)
        wrapped.zero_grad()
        wrapped(rows[[number]]).mean().backward()
        ghost = torch.stack([p._norm_sample for p in wrapped.parameters()]).norm()
        assert ghost.item() == pytest.approx(norms[number].item(), rel=1e-4)


def test_rows_do_not_depend_on_each_other() -> None:
    torch.manual_seed(0)
    network = Denoiser((3, 2), scores=1, hidden=8, layers=2, draws=2)
    rows = torch.tensor([[0.0, 1.0, 0.3], [2.0, 0.0, -1.0]])
    torch.manual_seed(1)
    losses = network(rows)
    torch.manual_seed(1)
    changed = network(torch.cat([rows[:1], rows[:1] + torch.tensor([[1.0, 0.0, 5.0]])]))
    assert losses[0].item() == changed[0].item()
    assert losses[1].item() != changed[1].item()


def test_a_budget_has_its_own_number_of_passes() -> None:
    budget = PrivacyBudget(3, 1e-5)
    assert TabularDiffusion(private_batch_size=100).plan(budget, 1000).steps == 300
    assert TabularDiffusion(private_batch_size=100, epochs=7).plan(budget, 1000).steps == 70
