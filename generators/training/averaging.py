"""An exponential moving average of weights, which samples better than the last step's (Polyak; Yazici et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Keeps an exponential moving average of a network's parameters.

    The decay grows from .1 with the number of updates, so that the first, random weights are forgotten quickly.

    Args:
        network: Whose parameters are averaged; not changed.
        decay: Weight of the past after many updates, in (0, 1).
        only: Which of its parameters; all by default.
    """

    def __init__(self, network: nn.Module, decay: float, only: Sequence[nn.Parameter] | None = None) -> None:
        self.network = network
        self.decay = decay
        self.updates = torch.zeros((), dtype=torch.int64)
        chosen = {id(parameter) for parameter in (network.parameters() if only is None else only)}
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone()
            for name, parameter in network.named_parameters()
            if id(parameter) in chosen
        }

    @torch.no_grad()
    def update(self) -> None:
        """Take the network's present parameters into the average."""
        self.updates += 1
        updates = int(self.updates)
        decay = min(self.decay, (1 + updates) / (10 + updates))
        present = dict(self.network.named_parameters())
        names = list(self.weights)
        torch._foreach_lerp_([self.weights[n] for n in names], [present[n].detach() for n in names], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's parameters and the averaged ones."""
        present = dict(self.network.named_parameters())
        for name, averaged in self.weights.items():
            kept = present[name].detach().clone()
            present[name].copy_(averaged)
            self.weights[name] = kept

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network have the averaged parameters for a while."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
