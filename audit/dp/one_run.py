"""One training run, many coins: how many of them can be guessed from what the run released?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.checks import Subject, register
from audit.checks.experiment import LIKELY, SHARE, Bound, Experiment, Outcome
from audit.dp.accounting import noise_of
from audit.dp.rerunning import watched_run
from audit.statistics import Floats, Interval, gaussian_one_run_bound, one_run_bound
from generators.privacy import PrivatePlan
from reports.document import BoundKind

BoundOf = Callable[[int, int, int, float, float], float]
"""Maps canaries, guesses, right guesses, delta and confidence to a bound on epsilon."""

Coins = list[tuple[Floats, NDArray[np.bool_]]]
"""Scores and coins of several runs."""

BOUNDS: dict[str, tuple[BoundOf, BoundKind]] = {
    "epsilon_lower": (one_run_bound, "certified"),
    "epsilon_lower_family": (gaussian_one_run_bound, "family"),
}
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Shares of the canaries about which guesses might be made."""

_PRACTICE = 10
_MOST = 2**13


@dataclass(frozen=True)
class Guesses:
    """What came of guessing.

    Attributes:
        canaries: Coins in all.
        made: Canaries guessed about.
        right: How many guesses were right.
    """

    canaries: int
    made: int
    right: int


def guess(scores: Floats, coins: NDArray[np.bool_], made: int, rng: np.random.Generator) -> Guesses:
    """Guess that the highest scores were in and the lowest were out, and abstain from the rest.

    Args:
        scores: Of all canaries, higher where a canary rather was in the run, shape (canaries,). Ties are broken at
            random.
        coins: Which were in, shape (canaries,).
        made: How many guesses to make, fixed before the coins are looked at.
        rng: Breaks ties.

    Example:
        >>> scores, coins = np.array([3.0, -2.0, 0.1, 0.0]), np.array([True, False, False, True])
        >>> guess(scores, coins, 2, np.random.default_rng(0))
        Guesses(canaries=4, made=2, right=2)

    Source: Steinke, Nasr and Jagielski 2023, algorithm 1.
    """
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} scores are not a number: nothing can be guessed from them")
    order = np.lexsort((rng.random(len(scores)), scores))
    lowest, highest = order[: made // 2], order[len(order) - (made - made // 2) :]
    return Guesses(len(scores), made, int(coins[highest].sum() + (~coins[lowest]).sum()))


def likelihood_ratios(released: NDArray[np.float32], rate: float, sigma: float) -> Floats:
    """How much better is what a run released explained by the canary being in it than by its absence?

    Per step, a canary that is in the run is in the batch with probability `rate`, and then moves the mean by 1.

    Args:
        released: In units of the clipping norm, shape (steps, canaries).
        rate: Sampling rate.
        sigma: Noise multiplier.

    Returns:
        Log likelihood ratios, shape (canaries,): the best scores that there are (Neyman and Pearson 1933).
    """
    exponent = np.minimum((released.astype(np.float64) - 0.5) / sigma**2, 700.0)
    return np.asarray(np.log1p(rate * np.expm1(exponent)).sum(axis=0))


@register
class OneRun(Experiment):
    """How well can an attacker guess which canaries were in one training run?

    Each canary enters the training records by a fair coin of its own, before the run that `dp.gaussian` watches too. An
    attacker who sees every noisy gradient scores each canary by its likelihood ratio, calls the highest in and the
    lowest out. How often that is right bounds epsilon from below. How many guesses to make follows from simulated
    canaries of the claimed mechanism, not from what was seen, so that it costs nothing.

    Estimates: `epsilon_lower`, of kind `certified`: valid for every trainer, whatever it does. `epsilon_lower_family`,
    of kind `family`: valid where the trade-off curve is Gaussian, and tighter.

    Source: Steinke, Nasr and Jagielski, "Privacy auditing with one (1) training run" (NeurIPS 2023); Mahloujifar, Melis
    and Chaudhuri, "Auditing f-differential privacy in one run" (2024).
    """

    id = "dp.one-run"
    title = "Empirical epsilon from one run"
    question = "Can an attacker guess which records were in the training run more often than epsilon allows?"
    source = "Steinke et al. (NeurIPS 2023); Mahloujifar et al., Auditing f-DP in one run (2024)"
    access = "white-box"
    modalities = ("tabular",)
    knowledge = (
        "sees every noisy gradient and knows all other records; speaks of the trainer as re-run with canaries, not of "
        "the delivered weights"
    )
    remedy = (
        "Find out by dp.gaussian what is wrong, correct it, train again, and do not publish what was trained before."
    )
    measures = tuple(BOUNDS)
    costly = "trains the target's kind anew with canaries among its records"

    def experiment(self, subject: Subject) -> Outcome:
        """Guess the coins of one watched run."""
        run = subject.shared(watched_run)
        claim = subject.target.privacy.claim
        if claim is None:
            raise ValueError("no claim")
        plan, coins, delta = run.seen.plan, run.seen.coins, claim.delta
        scores = likelihood_ratios(run.seen.released, plan.sampling_rate, plan.noise_multiplier)
        verdict = 1 - (1 - subject.policy.confidence_verdict) * SHARE / len(BOUNDS)
        shown = subject.policy.confidence_shown
        rng = self.rng(subject, "simulation")
        practice = simulated(plan, plan.noise_multiplier, len(coins), _PRACTICE, rng)
        sigma = noise_of(2 * claim.epsilon, delta, plan.sampling_rate, plan.steps)
        loud = simulated(plan, sigma, len(coins), _PRACTICE, rng)
        bounds, power = [], {}
        for name, (bound, kind) in BOUNDS.items():
            made = best_number(practice, bound, delta)
            found = guess(scores, coins, made, self.rng(subject, "ties"))
            detects = _detection(loud, bound, made, claim.epsilon, delta, verdict)
            power[f"{kind}: caught at twice the claim"] = detects
            bounds.append(
                Bound(
                    name=name,
                    value=bound(found.canaries, made, found.right, delta, shown),
                    n=found.canaries,
                    unit=f"epsilon (canaries; {found.right} of {made} guesses right)",
                    interval=partial(interval_of, bound, found, delta),
                    chance=0.0,
                    bounds=(0.0, float("inf")),
                    kind=kind,
                    ceiling=bound(found.canaries, made, made, delta, shown),
                    detects=detects,
                    needed="" if detects >= LIKELY else _enough(loud, bound, claim.epsilon, delta, verdict),
                )
            )
        return Outcome(
            bounds=bounds,
            broken=run.broken,
            answer=(
                f"Guessing {len(coins)} coins of one run shows an epsilon of at least {bounds[0].value:.2f} whatever "
                f"the trainer does, and of {bounds[1].value:.2f} if its trade-off curve is Gaussian, at {shown:.0%} "
                f"confidence; claimed are {claim.epsilon:.3g} (delta {delta:g}). With so many canaries this method "
                f"cannot show more than {bounds[0].ceiling:.2f} and {bounds[1].ceiling:.2f}."
            ),
            power=power,
            tables=[run.table()],
        )


def simulated(plan: PrivatePlan, sigma: float, canaries: int, runs: int, rng: np.random.Generator) -> Coins:
    """Scores of ideal canaries: subsampled, clipped to 1, with normal noise, every step seen by who knows the claim.

    Args:
        plan: What is claimed: rate, steps, and the noise that the attacker reckons with.
        sigma: The noise that there is, over the clipping norm.
        canaries: Coins in each run.
        runs: How many.
        rng: Source of everything.
    """
    made = []
    for _ in range(runs):
        coins = rng.random(canaries) < 0.5
        released = rng.standard_normal((plan.steps, canaries), dtype=np.float32) * np.float32(sigma)
        released += (rng.random((plan.steps, canaries), dtype=np.float32) < plan.sampling_rate) & coins
        made.append((likelihood_ratios(released, plan.sampling_rate, plan.noise_multiplier), coins))
    return made


def best_number(practice: Coins, bound: BoundOf, delta: float) -> int:
    """The number of guesses that shows most of simulated canaries, in the mean."""
    canaries = len(practice[0][1])
    shown = {}
    for share in SHARES:
        made = max(2, round(share * canaries))
        shown[made] = bound(canaries, made, round(made * accuracy(practice, share)), delta, 0.95)
    return max(shown, key=lambda made: shown[made])


def accuracy(practice: Coins, share: float) -> float:
    """How often guesses are right, when so many of all canaries are guessed about."""
    rng = np.random.default_rng(0)
    found = [guess(scores, coins, max(2, round(share * len(coins))), rng) for scores, coins in practice]
    return sum(one.right for one in found) / sum(one.made for one in found)


def _detection(loud: Coins, bound: BoundOf, made: int, claim: float, delta: float, confidence: float) -> float:
    """How likely would canaries of a mechanism with twice the claimed epsilon have shown more than the claim?"""
    canaries = len(loud[0][1])
    least = least_right(bound, canaries, made, claim, delta, confidence)
    return 0.0 if least is None else float(stats.binom.sf(least - 1, made, accuracy(loud, made / canaries)))


def _enough(loud: Coins, bound: BoundOf, claim: float, delta: float, confidence: float) -> str:
    """How many canaries would have shown it likely enough, as a power of two."""
    rates = {share: accuracy(loud, share) for share in SHARES}
    canaries = 1024
    while canaries <= _MOST:
        for share, right in rates.items():
            made = max(2, round(share * canaries))
            if bound(canaries, made, int(stats.binom.ppf(1 - LIKELY, made, right)), delta, confidence) > claim:
                return f"about {canaries:,} canaries would be needed"
        canaries *= 2
    return f"more than {_MOST:,} canaries would be needed"


def least_right(bound: BoundOf, canaries: int, made: int, claim: float, delta: float, confidence: float) -> int | None:
    """The fewest right guesses that show more than the claim; None if all of them do not."""
    if bound(canaries, made, made, delta, confidence) <= claim:
        return None
    low, high = made // 2, made
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bound(canaries, made, middle, delta, confidence) > claim else (middle, high)
    return high


def interval_of(bound: BoundOf, found: Guesses, delta: float, confidence: float) -> Interval:
    """From what the guesses prove to what they would have proven, had all been right."""
    low = bound(found.canaries, found.made, found.right, delta, confidence)
    return Interval(low, bound(found.canaries, found.made, found.made, delta, confidence))
