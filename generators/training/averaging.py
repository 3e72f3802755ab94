"""An exponential moving average of weights, which samples better than the last step's (Polyak; Yazici et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Keeps an exponential moving average of a network's parameters.

    The decay grows from .1 with the number of updates, so that the first, random weights are forgotten quickly.

    Args:
        network: Whose parameters are averaged; not changed.
        decay: Weight of the past after many updates, in (0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = network
        self.decay = decay
        self.updates = 0
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the network's present parameters into the average."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        present = dict(self.network.named_parameters())
        names = list(self.weights)
        torch._foreach_lerp_([self.weights[n] for n in names], [present[n].detach() for n in names], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's parameters and the averaged ones."""
        for name, parameter in self.network.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name] = kept

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network have the averaged parameters for a while."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
