"""A private training run, fixed in full before it starts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from generators.errors import InputError
from generators.privacy.accountant import ACCOUNTANT, dp_sgd_epsilon, noise_for
from generators.privacy.budget import PrivacyBudget


@dataclass(frozen=True)
class PrivatePlan:
    """Everything that decides what a DP-SGD run spends; nothing in it depends on the records, only on their number.

    Attributes:
        records: Number of training records, public.
        sampling_rate: Probability with which each record enters each batch, independently (Poisson sampling).
        steps: Number of noisy steps; the run stops there.
        noise_multiplier: Standard deviation of the noise on the sum of gradients, over `clip`.
        clip: L2 norm to which each record's gradient is clipped.
        epsilon: What the run spends, an upper bound at `delta`.
        delta: See `PrivacyBudget`.
    """

    records: int
    sampling_rate: float
    steps: int
    noise_multiplier: float
    clip: float
    epsilon: float
    delta: float

    @property
    def expected_batch_size(self) -> float:
        """The fixed denominator of every noisy mean; a batch's own size would be private."""
        return self.sampling_rate * self.records

    def parameters(self) -> dict[str, Any]:
        """Return what the ledger keeps of the plan."""
        plain = {key: value for key, value in asdict(self).items() if key not in ("epsilon", "delta")}
        return {
            **plain,
            "expected_batch_size": self.expected_batch_size,
            "sampler": "Poisson",
            "accountant": ACCOUNTANT,
            "relation": "add-or-remove-one",
            "unit": "record",
        }


def plan_training(
    budget: PrivacyBudget, *, records: int, batch_size: int, epochs: float, clip: float = 1.0
) -> PrivatePlan:
    """Calibrate the noise of a DP-SGD run so that all of its steps together keep the budget.

    Args:
        budget: What may be spent.
        records: Number of training records, public.
        batch_size: Expected batch size; at most `records`.
        epochs: How often each record is expected to be used.
        clip: Per-record clipping norm, positive.

    Raises:
        InputError: An argument is outside its range, or no noise keeps the budget.
    """
    if records < 1 or batch_size < 1 or not epochs > 0 or not clip > 0:
        raise InputError(
            f"need positive records, batch_size, epochs and clip, got {records}, {batch_size}, {epochs}, {clip}"
        )
    budget.warn_if_weak(records)
    rate = min(1.0, batch_size / records)
    steps = max(1, math.ceil(epochs / rate))
    noise = noise_for(budget, rate, steps)
    spent = dp_sgd_epsilon(rate, noise, steps, budget.delta)
    if spent > budget.epsilon:  # both come from the same accountant; a finer grid can only lower the bound
        raise InputError(f"the accountant could not keep epsilon {budget.epsilon:g}; please report this setting")
    return PrivatePlan(records, rate, steps, noise, clip, spent, budget.delta)
