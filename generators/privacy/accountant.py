"""How much DP-SGD spends, and how much noise a budget needs.

Privacy loss distributions, discretised pessimistically, so that the epsilon returned is an upper bound (Doroshenko et
al., Connect the Dots, PoPETs 2022). One step is the Poisson-subsampled Gaussian mechanism; neighbours differ by one
added or removed record.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from generators.errors import InputError
from generators.privacy.budget import PrivacyBudget

ACCOUNTANT = "privacy loss distribution (dp-accounting), pessimistic"
_SMALLEST_NOISE, _LARGEST_NOISE = 0.2, 4096.0
_ROUGH = 1e-2
"""Coarsest grid of privacy losses, for a first look."""


def dp_sgd_epsilon(q: float, sigma: float, steps: int, delta: float) -> float:
    """Return an upper bound on the epsilon of DP-SGD.

    Args:
        q: Probability with which each record enters each batch, in (0, 1].
        sigma: Noise multiplier: standard deviation of the noise over the clipping norm, at least 0.2.
        steps: Number of steps, empty batches included.
        delta: In (0, 1).

    Raises:
        InputError: An argument is outside its range.

    Example:
        >>> round(dp_sgd_epsilon(q=0.01, sigma=1.0, steps=1000, delta=1e-5), 1)
        1.8
    """
    if not 0 < q <= 1 or steps < 1 or not 0 < delta < 1:
        raise InputError(f"need 0 < q <= 1, steps >= 1 and 0 < delta < 1, got q={q}, steps={steps}, delta={delta}")
    if not _SMALLEST_NOISE <= sigma < math.inf:
        raise InputError(f"sigma is {sigma}, expected at least {_SMALLEST_NOISE}: less noise gives no useful guarantee")
    epsilon, interval = _epsilon(q, sigma, steps, delta, _ROUGH), _ROUGH
    while _interval(epsilon) < interval:
        interval = _interval(epsilon)
        epsilon = _epsilon(q, sigma, steps, delta, interval)
    return epsilon


def noise_for(budget: PrivacyBudget, q: float, steps: int) -> float:
    """Return the noise multiplier with which DP-SGD spends a budget: never more, and at least 99% of it.

    Args:
        budget: What may be spent.
        q: Probability with which each record enters each batch.
        steps: Number of steps.

    Raises:
        InputError: No noise multiplier below 4096 keeps the budget.
    """
    # A rough pass finds the neighbourhood cheaply; rough or fine, the accountant only ever overestimates.
    # Its grid shrinks with the budget: losses far below one cell would all be rounded up to it, whatever the noise.
    grid = min(_ROUGH, budget.epsilon / 10)
    # By the central limit theorem for many small steps; too little noise on a fine grid would take minutes.
    start = q * math.sqrt(2 * steps * math.log(1 / budget.delta)) / budget.epsilon
    start = min(max(start, 1.0), _LARGEST_NOISE)
    rough = _solve(lambda sigma: _epsilon(q, sigma, steps, budget.delta, grid), budget.epsilon, start)
    return _solve(lambda sigma: dp_sgd_epsilon(q, sigma, steps, budget.delta), budget.epsilon, rough)


def _solve(spent: Callable[[float], float], budget: float, start: float) -> float:
    """Find the noise that spends between 99% and 100% of the budget; `spent` falls as noise grows."""
    target = 0.995 * budget
    low, high = 0.5 * _SMALLEST_NOISE, math.inf
    sigma, slope = start, 1.0
    previous: tuple[float, float] | None = None
    while True:
        epsilon = spent(sigma)
        if 0.99 * budget <= epsilon <= budget or (epsilon <= budget and sigma <= _SMALLEST_NOISE):
            return sigma
        low, high = (sigma, high) if epsilon > budget else (low, sigma)
        if low >= _LARGEST_NOISE:
            raise InputError(f"no usable noise keeps epsilon {budget:g}; train fewer epochs or allow more")
        if high / low < 1 + 1e-6:
            return high
        if epsilon > 0:
            # On logarithmic axes the curve is almost straight, so follow the line through the last two points.
            if previous is not None and epsilon != previous[1]:
                slope = max(0.2, -math.log(epsilon / previous[1]) / math.log(sigma / previous[0]))
            previous = (sigma, epsilon)
            guess = sigma * min(8.0, max(0.125, (epsilon / target) ** (1 / slope)))
        else:
            # Delta alone covers so much noise, and the curve says no more: halve the range instead.
            guess = math.sqrt(low * sigma)
        if not low < guess < high:
            guess = math.sqrt(low * high) if high < math.inf else 2 * low
        sigma = max(guess, _SMALLEST_NOISE)


def _interval(epsilon: float) -> float:
    """Grid of privacy losses that keeps the overestimate of an epsilon well under 1%."""
    return 1e-3 if epsilon >= 0.3 else 1e-4 if epsilon >= 0.03 else 1e-5


def _epsilon(q: float, sigma: float, steps: int, delta: float, interval: float) -> float:
    # The package takes seconds to import, and most commands never account.
    from dp_accounting.pld import privacy_loss_distribution

    step = privacy_loss_distribution.from_gaussian_mechanism(
        sigma, sampling_prob=q, value_discretization_interval=interval, use_connect_dots=True
    )
    return float(step.self_compose(steps).get_epsilon_for_delta(delta))
