"""A private training run, fixed in full before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generators.errors import InputError
from generators.privacy.accountant import composed_epsilon, noise_for
from generators.privacy.budget import PrivacyBudget
from generators.privacy.events import Event


@dataclass(frozen=True)
class PrivatePlan:
    """Everything that decides what a DP-SGD run spends; nothing in it depends on the records, only on their number.

    Attributes:
        units: Number of records or people, public or paid for.
        sampling_rate: Probability with which each unit enters each batch, independently (Poisson sampling).
        steps: Number of noisy steps; the run stops there.
        noise_multiplier: Standard deviation of the noise on the sum of gradients, over `clip`.
        clip: L2 norm to which each unit's gradient is clipped.
        epsilon: What the run spends together with what was paid for before it, an upper bound at `delta`.
        delta: See `PrivacyBudget`.
    """

    units: float
    sampling_rate: float
    steps: int
    noise_multiplier: float
    clip: float
    epsilon: float
    delta: float

    @property
    def expected_batch_size(self) -> float:
        """The fixed denominator of every noisy mean; a batch's own size would be private."""
        return self.sampling_rate * self.units

    @property
    def event(self) -> Event:
        """The run as an accountant sees it."""
        return Event("dp-sgd", self.noise_multiplier, self.sampling_rate, self.steps)

    def parameters(self) -> dict[str, Any]:
        """Return what the ledger keeps of the plan beside its event."""
        return {
            "units": self.units,
            "expected_batch_size": self.expected_batch_size,
            "clip": self.clip,
            "sampler": "Poisson",
        }


@lru_cache(maxsize=64)
def _calibrated(budget: PrivacyBudget, rate: float, steps: int, before: tuple[Event, ...]) -> tuple[float, float]:
    """Return the noise of a run and what it costs with all before it; remembered, for many models are trained alike."""
    noise = noise_for(budget, rate, steps, before)
    return noise, composed_epsilon([*before, Event("dp-sgd", noise, rate, steps)], budget.known_delta)


def expected_batch(wanted: int, units: float) -> int:
    """Return the expected batch size of training: as wanted, but at most a fourth of the units."""
    return max(1, min(wanted, int(units) // 4))


def plan_training(
    budget: PrivacyBudget,
    *,
    units: float,
    batch_size: int,
    epochs: float,
    clip: float = 1.0,
    before: Sequence[Event] = (),
) -> PrivatePlan:
    """Calibrate the noise of a DP-SGD run so that all of its steps together keep the budget.

    Args:
        budget: What may be spent.
        units: Number of records or people, public or paid for.
        batch_size: Expected batch size; at most `units`.
        epochs: How often each unit is expected to be used.
        clip: Per-unit clipping norm, positive.
        before: What the budget has paid for already.

    Raises:
        InputError: An argument is outside its range, or no noise keeps the budget.
    """
    if units < 1 or batch_size < 1 or not epochs > 0 or not clip > 0:
        raise InputError(
            f"need positive units, batch_size, epochs and clip, got {units}, {batch_size}, {epochs}, {clip}"
        )
    budget = budget.resolved(units)
    rate = min(1.0, batch_size / units)
    steps = max(1, math.ceil(epochs / rate))
    noise, spent = _calibrated(budget, rate, steps, tuple(before))
    if spent > budget.epsilon:  # both come from the same accountant; a finer grid can only lower the bound
        raise InputError(f"the accountant could not keep epsilon {budget.epsilon:g}; please report this setting")
    return PrivatePlan(units, rate, steps, noise, clip, spent, budget.known_delta)
