from __future__ import annotations

import torch
from torch import nn

from generators.training.averaging import WeightAverage


def test_the_average_is_the_formula() -> None:
    network = nn.Linear(2, 1)
    average = WeightAverage(network, decay=0.5)
    expected = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    for update in range(1, 12):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(update)))
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = {n: decay * expected[n] + (1 - decay) * p.detach() for n, p in network.named_parameters()}
    for name, weight in average.weights.items():
        torch.testing.assert_close(weight, expected[name])
    assert average.updates == 11


def test_it_is_lent_and_given_back() -> None:
    network = nn.Linear(2, 1)
    average = WeightAverage(network, decay=0.9)
    first = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.add_(1.0)
    with average.applied():
        assert torch.equal(network.weight, first)
    assert torch.equal(network.weight, first + 1)
    average.swap()
    assert torch.equal(network.weight, first)
    assert torch.equal(average.weights["weight"], first + 1)


def test_only_some_parameters_may_be_averaged() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    average = WeightAverage(network, decay=0.9, only=list(network[1].parameters()))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 1
    average.update()
    with average.applied():
        shown = [parameter.detach().clone() for parameter in network.parameters()]
    torch.testing.assert_close(shown[0], before[0] + 1)
    assert not torch.isclose(shown[2], before[2] + 1).any()
