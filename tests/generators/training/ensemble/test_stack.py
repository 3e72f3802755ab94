"""What can be stacked, and whose random numbers are whose."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from generators.training.ensemble import Stack, StackingError, models_at_once, require_stackable
from generators.training.ensemble.layers import Whose
from generators.training.ensemble.memory import numbers_a_row
from generators.training.ensemble.streams import OwnStreams
from tests.generators.training.ensemble.networks import KINDS, built


@pytest.mark.parametrize("kind", KINDS)
def test_shipped_networks_can_be_stacked(kind: str) -> None:
    require_stackable([built(kind, seed)[0] for seed in range(2)], KINDS[kind][1](10))


class Rows(nn.Module):
    """A network of one linear layer, whose losses a function makes of what it returns."""

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss = loss
        self.line = nn.Linear(2, 2)
        if loss == "unused":
            self.other = nn.Linear(2, 2)
        if loss == "buffer":
            self.register_buffer("place", torch.rand(1))
        if loss == "own weight":
            self.scale = nn.Parameter(torch.ones(2))
        if loss == "frozen":
            self.line.bias.requires_grad_(False)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.line(rows)
        if self.loss == "mixing":
            out = out - out.mean(0)
        if self.loss == "twice":
            out = self.line(out)
        if self.loss == "shared draws":
            out = out + torch.rand(1, 2)
        if self.loss == "other draws":
            out = out * torch.bernoulli(torch.full(out.shape, 0.5))
        return out.square().sum(1)


REFUSED = {
    "mixing": "differ",
    "twice": "used twice",
    "shared draws": "drawn for 1 rows, of 7",
    "other draws": "cannot be told apart",
    "unused": "not used",
    "buffer": "buffers that differ",
    "own weight": "outside of layers",
    "frozen": "'line.bias' is frozen",
}


@pytest.mark.parametrize(("loss", "why"), REFUSED.items(), ids=list(REFUSED))
def test_what_would_not_learn_as_alone_is_refused(loss: str, why: str) -> None:
    with pytest.raises(StackingError, match=why):
        require_stackable([Rows(loss) for _ in range(2)], torch.rand(10, 2))


def test_networks_of_different_shapes_are_refused() -> None:
    networks = [nn.Sequential(nn.Linear(2, width), nn.Linear(width, 1)) for width in (3, 4)]
    with pytest.raises(StackingError, match="different shapes"):
        Stack(networks)


DRAWS = {
    "randn": lambda like: torch.randn(len(like), 3),
    "randn of a shape": lambda like: torch.randn((len(like), 3)),
    "rand": lambda like: torch.rand(len(like), 20, device=like.device),
    "randn_like": torch.randn_like,
    "rand_like": torch.rand_like,
    "randn_like, turned": lambda like: torch.randn_like(like[:, :, None].expand(-1, -1, 5).transpose(1, 2).clone().mT),
    "dropout": lambda like: nn.functional.dropout(like, 0.3),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_each_model_draws_what_it_draws_alone(draw) -> None:  # type: ignore[no-untyped-def]
    rows, counts = torch.rand(30, 4), [20, 0, 10]
    with OwnStreams([torch.Generator().manual_seed(seed) for seed in range(3)], Whose(counts)):
        together = draw(rows)
    for seed, (part, own) in enumerate(zip(torch.split(together, counts), torch.split(rows, counts), strict=True)):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            assert torch.equal(part, draw(own))


@pytest.mark.parametrize(
    ("models", "numbers", "expected"), [(7, 5, 1), (7, 880, 2), (7, 1600, 3), (9, 3520, 5), (3, 4e6, 3)]
)
def test_groups_fit_into_memory_and_are_about_equal(models: int, numbers: int, expected: int) -> None:
    assert models_at_once(nn.Linear(10, 10), models, numbers=int(numbers)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_what_records_take_counts_too(kind: str) -> None:
    network, rows = built(kind, 0)[0], KINDS[kind][1](40)
    weights = sum(parameter.numel() for parameter in network.parameters())
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda saved: kept.append(saved.numel()) or saved, lambda one: one):
        network(rows)
    a_row = numbers_a_row(network, rows[:2])
    assert 0.5 * sum(kept) - weights < 40 * a_row <= sum(kept)
    room = 6 * (4 * weights + 40 * a_row)
    assert models_at_once(network, 100, rows[:2], 40, numbers=room) == 6
    assert models_at_once(network, 100, numbers=room) > 6
