"""What learns from a private run while it goes on, without seeing a record: a GAN's generator.

It reads weights that noisy steps have released, and random numbers. Whatever it makes of them is post-processing, which
costs nothing, and its gradients never meet those of the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from generators.training.averaging import WeightAverage
from generators.training.schedules import schedule_factor


class Follower:
    """Takes a step of its own after every so many private ones.

    Args:
        what: What it makes, in plain words, for the ledger.
        network: What learns; no parameter of it is trained privately.
        loss: Returns the losses of a batch that it draws itself, shape (batch,), from torch's global generators. It has
            no way to records, and what it reads of the private network it takes without gradients.
        every: Private steps between two of its own, at least 1.
        learning_rate: AdamW's, at its highest.
        betas: AdamW's decay rates.
        shape: How the rate falls over the private run: `cosine`, `linear` or `constant`.
        ema: Decay of a moving average of the network's weights, which replaces them in the end; 0 for none.

    Attributes:
        state: All that changes from step to step, as the very tensors that training moves, by name.
    """

    def __init__(
        self,
        what: str,
        network: nn.Module,
        loss: Callable[[], Tensor],
        *,
        every: int,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        shape: str = "cosine",
        ema: float = 0.0,
    ) -> None:
        self.what, self.network, self.every = what, network, every
        self._loss, self._rate, self._shape = loss, learning_rate, shape
        self._adam = torch.optim.AdamW(network.parameters(), lr=learning_rate, betas=betas, weight_decay=0.0)
        self._average = WeightAverage(network, ema) if ema > 0 else None
        self.state: dict[str, Tensor] = with_moments("follower.", dict(network.named_parameters()), self._adam)
        if self._average is not None:
            self.state |= {f"follower.average.{name}": tensor for name, tensor in self._average.weights.items()}
            self.state["follower.average.updates"] = self._average.updates
        network.train()

    def follow(self, step: int, steps: int) -> None:
        """Learn after a private step, if it is the last of a round.

        Args:
            step: Its number, from 0.
            steps: How many there are in all.
        """
        if (step + 1) % self.every:
            return
        for group in self._adam.param_groups:
            group["lr"] = self._rate * schedule_factor(step, steps, self._shape)
        self._adam.zero_grad()
        self._loss().mean().backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        if self._average is not None:
            self._average.update()

    def finish(self) -> None:
        """Let the network have its averaged weights."""
        if self._average is not None:
            self._average.swap()
        self.network.eval()


def with_moments(prefix: str, parameters: Mapping[str, nn.Parameter], adam: torch.optim.AdamW) -> dict[str, Tensor]:
    """Return weights and Adam's moments by name, as the very tensors that training moves, the moments still zero."""
    state = {f"{prefix}weights.{name}": parameter.data for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        moments = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(parameter.data),
            "exp_avg_sq": torch.zeros_like(parameter.data),
        }
        adam.state[parameter] = moments
        state |= {f"{prefix}adam.{name}.{moment}": tensor for moment, tensor in moments.items()}
    return state
