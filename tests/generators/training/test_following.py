"""What learns between private steps sees released weights alone, keeps its pace, and survives an interruption."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from generators import InputError, PrivacyBudget, PrivatePlan, create
from generators.models import NeuralGenerator
from generators.models.image.gan import Adversaries
from generators.models.registry import family
from generators.models.tabular.gan import GAN, TabularGAN
from generators.training import Checkpoints, PrivateCheckpoints, train_privately
from generators.training.following import Follower
from tests.generators.models.test_every_kind import SMALL, data

GANS = ["tabular-gan", "image-gan"]


class Squares(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 1)

    def forward(self, rows: Tensor) -> Tensor:
        return self.layer(rows).square().squeeze(1)


def following(objective: Squares, every: int = 2, ema: float = 0.0) -> Follower:
    torch.manual_seed(1)
    network = nn.Linear(3, 3)

    def loss() -> Tensor:
        return -(network(torch.randn(8, 3)) @ objective.layer.weight.detach().T).squeeze(1)

    return Follower("a toy", network, loss, every=every, learning_rate=0.1, ema=ema)


def run(objective: Squares, follower: Follower, rows: Tensor, steps: int = 6) -> list[Tensor]:
    """Return the follower's weights at each step, as they were before it."""
    seen: list[Tensor] = []
    plan = PrivatePlan(len(rows), 0.5, steps, 1.0, 1.0, epsilon=1.0, delta=1e-5)
    train_privately(
        objective,
        rows,
        plan,
        learning_rate=0.1,
        between=follower,
        test_seed=0,
        observe=lambda _: seen.append(follower.network.weight.detach().clone()),
        progress=False,
    )
    return seen


def test_it_takes_a_step_after_every_round() -> None:
    objective = Squares()
    seen = run(objective, following(objective), torch.ones(4, 3))
    moved = [not torch.equal(a, b) for a, b in pairwise(seen)]
    assert moved == [False, True, False, True, False]


def test_its_gradients_never_meet_those_of_the_records() -> None:
    """The private steps release the same, to the bit, with and without someone who uses the network in between."""
    released: list[list[Tensor]] = []
    for every in (1, 10**9):
        objective, own = Squares(), []
        follower = following(objective, every)
        fresh = iter(torch.randn(20, 8, 3, generator=torch.Generator().manual_seed(3)))
        follower._loss = lambda f=follower, o=objective, d=fresh: o(f.network(next(d)))  # type: ignore[misc]
        plan = PrivatePlan(4, 1.0, 5, 1.0, 1.0, epsilon=1.0, delta=1e-5)
        train_privately(
            objective,
            torch.ones(4, 3),
            plan,
            learning_rate=1e-9,
            between=follower,
            test_seed=0,
            observe=lambda _, o=objective, own=own: own.append(o.layer.weight.grad.clone()),  # type: ignore[misc]
            progress=False,
        )
        released.append(own)
    for one, other in zip(*released, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_its_average_replaces_its_weights() -> None:
    plain, averaged = Squares(), Squares()
    last, lagging = following(plain), following(averaged, ema=0.9)
    run(plain, last, torch.ones(4, 3), steps=20)
    run(averaged, lagging, torch.ones(4, 3), steps=20)
    assert not torch.allclose(last.network.weight, lagging.network.weight)


@pytest.mark.parametrize("kind", GANS)
def test_a_private_gan_keeps_both_networks_when_it_is_interrupted(kind: str, tmp_path: Path) -> None:
    class Stop:
        def started(self, *_: object) -> None: ...

        def stepped(self, step: int, _: object) -> None:
            if step == 9:
                raise KeyboardInterrupt

        def finished(self, _: object) -> None: ...

    path, budget = tmp_path / "state.safetensors", PrivacyBudget(3, 1e-4)
    course = {**SMALL[kind], "epochs": 4, "private_steps": 2}
    train = data("tabular" if kind == "tabular-gan" else "image")
    with pytest.raises(KeyboardInterrupt):
        create(kind, **course).fit(
            train, budget, progress=False, callbacks=[Stop()], checkpoints=Checkpoints(path, every=4)
        )
    kept, facts = Checkpoints(path, resume=True).load()
    assert {name.partition(".")[0] for name in kept} == {"weights", "adam", "follower"}
    assert max(value.item() for name, value in kept.items() if name.endswith("step")) == 8  # of the discriminator
    assert max(v.item() for n, v in kept.items() if n.startswith("follower") and n.endswith("step")) == 4

    model = create(kind, **course).fit(train, budget, progress=False, checkpoints=Checkpoints(path, 4, resume=True))
    after, _ = Checkpoints(path, resume=True).load()
    steps, begun = facts["plan"]["steps"], 12
    assert max(v.item() for n, v in after.items() if n.startswith("adam") and n.endswith("step")) == 8 + steps - begun
    assert model.ledger_.claim is not None
    assert "without reading a record, so at no cost: the generator" in model.ledger_.statement()
    assert model.ledger_.claim["epsilon"] <= 3
    assert len(model.sample(3)) == 3


def test_a_state_without_the_follower_is_of_another_run(tmp_path: Path) -> None:
    plan = PrivatePlan(4, 1.0, 3, 1.0, 1.0, epsilon=1.0, delta=1e-5)
    path = tmp_path / "state.safetensors"

    def go(objective: Squares, follower: Follower | None, checkpoints: Checkpoints) -> None:
        saved = PrivateCheckpoints(checkpoints, {"plan": {}})
        train_privately(
            objective, torch.ones(4, 3), plan, learning_rate=0.1, between=follower, saved=saved, progress=False
        )

    go(Squares(), None, Checkpoints(path, every=1))
    objective = Squares()
    with pytest.raises(InputError, match="is of another run"):
        go(objective, following(objective), Checkpoints(path, every=1, resume=True))


@pytest.mark.parametrize("kind", GANS)
def test_only_the_private_steps_of_a_gan_meet_records(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the monitor nor batches by category nor a generator's goal from records, as without a budget."""

    def forbidden(*_: object) -> None:
        raise AssertionError("this reads records")

    for name in ("_look", "_draw", "_notes", "_phases"):
        monkeypatch.setattr(family(kind), name, forbidden)
    networks = {"tabular-gan": GAN, "image-gan": Adversaries}
    for name in ("discriminator_loss", "generator_loss"):
        monkeypatch.setattr(networks[kind], name, forbidden)
    train = data("tabular" if kind == "tabular-gan" else "image")
    model = create(kind, **{**SMALL[kind], "epochs": 2, "private_steps": 2}).fit(
        train, PrivacyBudget(3, 1e-4), progress=False
    )
    assert model.history_.watched == []
    assert not isinstance(model, TabularGAN) or model.frequencies_ == ()


@pytest.mark.parametrize("kind", GANS)
def test_the_private_part_of_a_gan_is_its_discriminator(kind: str) -> None:
    model = create(kind, **SMALL[kind])
    assert isinstance(model, NeuralGenerator)
    train = data(model.modality)
    objective, rows = model.training_problem(train.train, train.schema, public_only=True)
    assert {id(p) for p in objective.parameters()} == {id(p) for p in model.network_.discriminator.parameters()}
    objective(rows[:4]).sum().backward()
    assert all(p.grad is None for p in model.network_.generator.parameters())
    follower = model.following()
    assert follower is not None
    before = [p.detach().clone() for p in model.network_.discriminator.parameters()]
    model.network_.zero_grad()
    follower.follow(follower.every - 1, 10 * follower.every)
    for parameter, kept in zip(model.network_.discriminator.parameters(), before, strict=True):
        assert torch.equal(parameter, kept)
        assert parameter.grad is None
