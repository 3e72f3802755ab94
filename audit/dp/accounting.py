"""What epsilon subsampled normal noise really has, from below; and how much noise would have twice the claim."""

from __future__ import annotations

from functools import lru_cache

from generators import PrivacyBudget
from generators.privacy import noise_for

LEAST_NOISE = 0.2
"""Below, epsilon is not computed: less noise has at least the epsilon that this much has."""

_LOSS = 0.005
"""Share of the epsilon that rounding privacy losses down may take off it."""

_FINEST, _COARSEST = 1e-4, 1e-2


@lru_cache(maxsize=256)
def epsilon_from_below(q: float, sigma: float, steps: int, delta: float) -> float:
    """Return a lower bound on the epsilon of DP-SGD: the accountants of `generators.privacy` give upper ones.

    Privacy losses are rounded down to a grid before they are composed, for adding and for removing a unit.

    Args:
        q: Probability with which each unit enters each batch.
        sigma: Noise multiplier; less than .2 counts as .2.
        steps: Number of steps.
        delta: In (0, 1).

    Example:
        >>> round(epsilon_from_below(0.01, 1.0, 1000, 1e-5), 2)
        1.75

    Source: Koskela et al. 2021; Doroshenko et al. 2022 (dp-accounting, optimistic estimates).
    """
    sigma = max(sigma, LEAST_NOISE)
    grid = _COARSEST
    while True:
        epsilon = _optimistic(q, sigma, steps, delta, grid)
        # Each step's loss is rounded down by half a cell in the mean.
        wanted = max(_FINEST, 2 * _LOSS * epsilon / steps)
        if grid <= wanted:
            return epsilon
        grid = max(wanted, grid / 30)


@lru_cache(maxsize=64)
def noise_of(epsilon: float, delta: float, q: float, steps: int) -> float:
    """Return the noise multiplier with which so many steps cost this epsilon."""
    return noise_for(PrivacyBudget(epsilon, delta), q, steps)


def _optimistic(q: float, sigma: float, steps: int, delta: float, grid: float) -> float:
    from dp_accounting.pld import privacy_loss_distribution as pld  # takes seconds to import

    once = pld.from_gaussian_mechanism(
        sigma,
        pessimistic_estimate=False,
        value_discretization_interval=grid,
        sampling_prob=q,
        use_connect_dots=False,
    )
    return max(0.0, float(once.self_compose(steps).get_epsilon_for_delta(delta)))
