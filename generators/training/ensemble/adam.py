"""AdamW for stacked weights (Loshchilov and Hutter 2019), with a learning rate for each model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class StackedAdamW:
    """The optimiser of `torch.optim.AdamW`, in one pass over the memory.

    Args:
        weights: Changed in place, each of shape (models, ...).
        betas: Decay rates.
        weight_decay: As in torch.
    """

    def __init__(self, weights: Sequence[Tensor], betas: tuple[float, float], weight_decay: float) -> None:
        self.betas, self.weight_decay = betas, weight_decay
        self._weights = list(weights)
        self._means, self._squares = ([torch.zeros_like(one) for one in weights] for _ in range(2))
        self._steps = torch.zeros(())

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Sequence[float]) -> None:
        """Take a step at each model's rate; at 0 its weights stay."""
        self._steps += 1
        whole = [self._weights, list(gradients), self._means, self._squares]
        if len(set(rates)) == 1:
            self._step(whole, rates[0])
            return
        for model, rate in enumerate(rates):
            self._step([[one[model] for one in ones] for ones in whole], rate)

    def _step(self, state: list[list[Tensor]], rate: float) -> None:
        weights, gradients, means, squares = state
        torch._fused_adamw_(
            weights,
            gradients,
            means,
            squares,
            [],
            [self._steps] * len(weights),
            lr=rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=self.weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


class StackedAverage:
    """An exponential moving average of stacked weights, as `WeightAverage` keeps of one network's.

    Args:
        weights: What is averaged, each of shape (models, ...).
        decay: Weight of the past after many updates, in (0, 1).
    """

    def __init__(self, weights: Sequence[Tensor], decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = [one.clone() for one in weights]

    @torch.no_grad()
    def update(self, present: Sequence[Tensor], active: Sequence[bool]) -> None:
        """Take the present weights of the models that still learn into the average."""
        self.updates += 1
        share = torch.tensor(active).float() * (1 - min(self.decay, (1 + self.updates) / (10 + self.updates)))
        for average, now in zip(self.weights, present, strict=True):
            average.lerp_(now, share.view(-1, *[1] * (now.ndim - 1)))
