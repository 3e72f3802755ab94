"""A step computed again is what the definition says, however its norms were found."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from audit.dp import replaying
from audit.dp.replaying import Step, clipped_sum
from generators.training.clipping import trained


class Noisy(nn.Module):
    """A loss that draws at random, of two linear layers, one of them fed rows with a middle axis."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), layer

    def forward(self, batch: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(batch)) + torch.randn(len(batch), 6)
        return (self.last(hidden.view(-1, 3, 2)) ** 2).flatten(1).sum(dim=1)


def step_of(objective: nn.Module, batch: Tensor) -> Step:
    step = Step({name: one.detach().clone() for name, one in trained(objective).items()})
    step.passes.append((batch, torch.get_rng_state()))
    return step


@pytest.mark.parametrize("layer", [nn.Linear(2, 5), nn.Linear(2, 5, bias=False), nn.Conv1d(3, 2, 1)], ids=repr)
def test_a_replayed_sum_is_that_of_rows_clipped_one_by_one(layer: nn.Module) -> None:
    torch.manual_seed(0)
    objective, batch = Noisy(layer), torch.randn(7, 4)
    step = step_of(objective, batch)
    torch.manual_seed(5)  # the replay must not depend on where the generator stands
    torch.set_rng_state(step.passes[0][1])
    losses, parameters = objective(batch), list(trained(objective).values())
    expected = [torch.zeros_like(one) for one in parameters]
    for loss in losses:
        own = torch.autograd.grad(loss, parameters, retain_graph=True)
        factor = min(1.0, 0.7 / float(torch.cat([one.flatten() for one in own]).norm()))
        expected = [summed + factor * one for summed, one in zip(expected, own, strict=True)]
    for found, wanted in zip(clipped_sum(objective, step, 0.7).values(), expected, strict=True):
        torch.testing.assert_close(found.float(), wanted, rtol=1e-4, atol=1e-6)


def test_a_replay_leaves_torchs_generator_alone() -> None:
    objective = Noisy(nn.Linear(2, 5))
    step = step_of(objective, torch.randn(3, 4))
    before = torch.get_rng_state()
    replaying.clipped_sum(objective, step, 1.0)
    assert torch.equal(before, torch.get_rng_state())
