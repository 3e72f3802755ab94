"""How much private uses of data cost together, and how much noise a budget needs.

Privacy loss distributions, discretised pessimistically, so that the epsilon returned is an upper bound (Doroshenko et
al., Connect the Dots, PoPETs 2022). Neighbours differ by one added or removed unit. A use that is known by its zCDP
cost alone has no such distribution; together with one, everything is accounted by Renyi orders, which is an upper bound
too, but a looser one.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from generators.errors import InputError
from generators.privacy.budget import PrivacyBudget
from generators.privacy.events import Event

if TYPE_CHECKING:
    from dp_accounting import DpEvent
    from dp_accounting.pld.privacy_loss_distribution import PrivacyLossDistribution

PLD = "privacy loss distribution (dp-accounting), pessimistic"
RDP = "Renyi orders (dp-accounting)"

_SMALLEST_NOISE, _LARGEST_NOISE = 0.2, 4096.0
_SMALLEST_DELTA = 1e-11
"""Below, rounding in sums of many tiny probabilities could make an epsilon too small (seen from 1e-12 down)."""

_ROUGH = 1e-2
"""Coarsest grid of privacy losses, for a first look."""

_ORDERS = (1 + np.geomspace(1e-3, 1e6, 600)).tolist()


def accountant_of(events: Sequence[Event]) -> str:
    """Return the name of the accountant that `composed_epsilon` uses for these events."""
    return RDP if any(event.mechanism == "select-measure" for event in events) else PLD


def composed_epsilon(events: Sequence[Event], delta: float) -> float:
    """Return an upper bound on the epsilon of all events together, each of which may depend on those before it.

    Args:
        events: At least one.
        delta: In (0, 1). What events fail with outright is taken off it; infinity if nothing is left.

    Raises:
        InputError: Noise is so small that no useful guarantee could come of it, or delta is outside its range.

    Example:
        >>> count, training = Event("gaussian", 20.0), Event("dp-sgd", 1.0, sampling_rate=0.01, times=1000)
        >>> round(composed_epsilon([count, training], 1e-5), 1)
        1.8
    """
    left = delta - sum(event.failure * event.times for event in events)
    if not events or not 0 < delta < 1:
        raise InputError(f"need an event and 0 < delta < 1, got {len(events)} and delta={delta}")
    for event in events:
        if event.mechanism == "dp-sgd" and (event.noise_multiplier or 0) < _SMALLEST_NOISE:
            raise InputError(
                f"noise_multiplier is {event.noise_multiplier}, expected at least {_SMALLEST_NOISE}: less gives no "
                "useful guarantee"
            )
    if left <= 0:
        return math.inf
    if left < _SMALLEST_DELTA:
        raise InputError(
            f"delta is {delta:g}, of which {left:g} is left beside what fails outright: the accountant bounds epsilon "
            f"from {_SMALLEST_DELTA:g} on"
        )
    if accountant_of(events) == RDP:
        return renyi_epsilon(events, left)
    epsilon, interval = _pld_epsilon(events, left, _ROUGH), _ROUGH
    while _interval(epsilon) < interval:
        interval = _interval(epsilon)
        epsilon = _pld_epsilon(events, left, interval)
    return epsilon


def dp_sgd_epsilon(q: float, sigma: float, steps: int, delta: float) -> float:
    """Return an upper bound on the epsilon of DP-SGD alone.

    Args:
        q: Probability with which each unit enters each batch, in (0, 1].
        sigma: Noise multiplier: standard deviation of the noise over the clipping norm, at least 0.2.
        steps: Number of steps, empty batches included.
        delta: In (0, 1).

    Raises:
        InputError: An argument is outside its range.

    Example:
        >>> round(dp_sgd_epsilon(q=0.01, sigma=1.0, steps=1000, delta=1e-5), 1)
        1.8
    """
    return composed_epsilon([Event("dp-sgd", sigma, q, steps)], delta)


def renyi_epsilon(events: Sequence[Event], delta: float) -> float:
    """Return an upper bound on the epsilon of all events together by Renyi orders: valid for all, often loose.

    Args:
        events: At least one.
        delta: In (0, 1), without what events fail with outright.
    """
    from dp_accounting import ComposedDpEvent
    from dp_accounting.rdp import RdpAccountant

    # Of sampled mechanisms the package knows the largest and the fractional orders badly, and slowly.
    sampled = any(event.sampling_rate < 1 for event in events)
    accountant = RdpAccountant(orders=None if sampled else _ORDERS)
    with warnings.catch_warnings(), _quietly("absl"):
        warnings.simplefilter("ignore")  # orders that overflow are infinite, and not chosen
        return float(accountant.compose(ComposedDpEvent([_dp_event(event) for event in events])).get_epsilon(delta))


@contextmanager
def _quietly(name: str) -> Iterator[None]:
    """Keep a logger's warnings back for a while."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def prv_epsilon(events: Sequence[Event], delta: float) -> float | None:
    """Return Opacus' estimate for the same events, an independent code; None where `prv_obstacle` has something to say.

    It is an estimate to within a stated error and no bound; it stands beside ours for comparison.
    """
    from opacus.accountants import PRVAccountant

    if prv_obstacle(events):
        return None
    accountant = PRVAccountant()
    accountant.history = [(event.noise_multiplier, event.sampling_rate, event.times) for event in events]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(accountant.get_epsilon(delta - sum(event.failure * event.times for event in events)))


def prv_obstacle(events: Sequence[Event]) -> str:
    """Return why Opacus' accountant has no estimate for these events; empty if it has one."""
    unknown = sorted({event.mechanism for event in events} - {"gaussian", "dp-sgd"})
    if unknown:
        return f"it does not know {', '.join(unknown)}"
    if any((event.noise_multiplier or 0) < 0.3 or event.sampling_rate * event.times > 1e5 for event in events):
        return "its grid would take gigabytes"
    return ""


def noise_for(budget: PrivacyBudget, q: float, steps: int, before: Sequence[Event] = ()) -> float:
    """Return the noise multiplier with which DP-SGD spends a budget: never more, and at least 99% of it.

    Args:
        budget: What may be spent.
        q: Probability with which each unit enters each batch.
        steps: Number of steps.
        before: What the budget has paid for already.

    Raises:
        InputError: No noise multiplier below 4096 keeps the budget.
    """
    delta = budget.known_delta
    start = q * math.sqrt(2 * steps * math.log(1 / delta)) / budget.epsilon
    return calibrated(lambda sigma: [*before, Event("dp-sgd", sigma, q, steps)], budget, start)


def calibrated(events: Callable[[float], Sequence[Event]], budget: PrivacyBudget, start: float = 1.0) -> float:
    """Return the noise multiplier with which events spend a budget: never more, and at least 99% of it.

    Args:
        events: What happens with a given noise multiplier; more noise costs less.
        budget: What may be spent.
        start: A first guess; by the central limit theorem for many small steps, say.

    Raises:
        InputError: No noise multiplier below 4096 keeps the budget.
    """
    delta = budget.known_delta
    # A rough pass finds the neighbourhood cheaply; rough or fine, the accountant only ever overestimates.
    # Its grid shrinks with the budget: losses far below one cell would all be rounded up to it, whatever the noise.
    grid = min(_ROUGH, budget.epsilon / 10)
    # Too little noise on a fine grid would take minutes.
    start = min(max(start, 1.0), _LARGEST_NOISE)

    def roughly(sigma: float) -> float:
        uses = events(sigma)
        left = delta - sum(event.failure * event.times for event in uses)
        if left <= 0:
            return math.inf
        return renyi_epsilon(uses, left) if accountant_of(uses) == RDP else _pld_epsilon(uses, left, grid)

    rough = _solve(roughly, budget.epsilon, start)
    return _solve(lambda sigma: composed_epsilon(events(sigma), delta), budget.epsilon, rough)


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
        if 0 < epsilon < math.inf:
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


def _pld_epsilon(events: Sequence[Event], delta: float, interval: float) -> float:
    *before, last = _with_gaussians_joined(events)
    together = _distribution(last, interval)
    if before:
        together = _composed(tuple(before), interval).compose(together)
    return float(together.get_epsilon_for_delta(delta))


def _with_gaussians_joined(events: Sequence[Event]) -> list[Event]:
    """Return the same with one answer in place of all that got normal noise: their precisions add up, exactly."""
    gaussians = [event for event in events if event.mechanism == "gaussian"]
    if len(gaussians) < 2:
        return list(events)
    precision = sum(event.times / (event.noise_multiplier or math.nan) ** 2 for event in gaussians)
    others = [event for event in events if event.mechanism != "gaussian"]
    return [Event("gaussian", precision**-0.5), *others]


@lru_cache(maxsize=8)
def _composed(events: tuple[Event, ...], interval: float) -> PrivacyLossDistribution:
    """Compose events that stay the same while noise for another is sought."""
    together = _distribution(events[0], interval)
    for event in events[1:]:
        together = together.compose(_distribution(event, interval))
    return together


def _distribution(event: Event, interval: float) -> PrivacyLossDistribution:
    # The package takes seconds to import, and most commands never account.
    from dp_accounting.pld import privacy_loss_distribution as pld
    from dp_accounting.pld.common import DifferentialPrivacyParameters

    grid = {"value_discretization_interval": interval}
    noise = event.noise_multiplier or math.nan
    match event.mechanism:
        case "gaussian":
            return pld.from_gaussian_mechanism(noise / math.sqrt(event.times), use_connect_dots=True, **grid)
        case "laplace":
            once = pld.from_laplace_mechanism(noise, use_connect_dots=True, **grid)
        case "exponential":
            # What is known of it is that it is purely private; no such mechanism leaks more than randomised response.
            once = pld.from_privacy_parameters(DifferentialPrivacyParameters(event.pure or math.nan, 0.0), **grid)
        case _:
            once = pld.from_gaussian_mechanism(noise, sampling_prob=event.sampling_rate, use_connect_dots=True, **grid)
    return once.self_compose(event.times) if event.times > 1 else once


def _dp_event(event: Event) -> DpEvent:
    import dp_accounting

    noise = event.noise_multiplier or math.nan
    once: DpEvent
    match event.mechanism:
        case "gaussian":
            once = dp_accounting.GaussianDpEvent(noise)
        case "laplace":
            once = dp_accounting.LaplaceDpEvent(noise)
        case "exponential":
            # A purely private mechanism is (epsilon^2 / 2)-zCDP (Bun and Steinke 2016, proposition 1.4).
            once = dp_accounting.ZCDpEvent((event.pure or math.nan) ** 2 / 2)
        case "select-measure":
            once = dp_accounting.ZCDpEvent(event.rho or math.nan)
        case _:
            once = dp_accounting.PoissonSampledDpEvent(event.sampling_rate, dp_accounting.GaussianDpEvent(noise))
    return dp_accounting.SelfComposedDpEvent(once, event.times)
