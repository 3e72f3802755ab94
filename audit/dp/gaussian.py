"""Gradient canaries in every step: how well does a step tell that they are there, and what does that cost?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from audit.checks import Measured, Subject, register
from audit.checks.experiment import SHARE, Bound, Experiment, Outcome
from audit.dp.accounting import LEAST_NOISE, epsilon_from_below, noise_of
from audit.dp.rerunning import Run, watched_run
from audit.dp.watching import Watched
from audit.statistics import Interval, gaussian_bound
from generators.privacy import PrivatePlan

_TRIALS = 400
_MARGIN = 1.02
"""A step must show this much more than the claim's for twice the claim to count as caught."""


@dataclass(frozen=True)
class Steps:
    """What a threshold makes of all steps and canaries.

    Attributes:
        wrong_without: Observations without the canary that lie above the threshold.
        without: Observations without the canary.
        wrong_with: Observations with the canary that lie below it.
        with_: Observations with the canary.
    """

    wrong_without: int
    without: int
    wrong_with: int
    with_: int

    def mu(self, confidence: float) -> float:
        """Lower bound on the distance of the two cases, in standard deviations of the noise."""
        if not self.without or not self.with_:
            return 0.0
        return gaussian_bound(self.wrong_without, self.without, self.wrong_with, self.with_, confidence)


@register
class Gaussian(Experiment):
    """How much does each noisy step tell about a canary's presence, and all steps together?

    The target's kind is trained anew, by its own `fit` and under its own budget, with canaries: records whose gradient
    lies on a coordinate of its own and is at least ten clipping norms long. Each step then shows, for each canary, one
    normal number with mean 1 (the canary is in the batch) or 0 (it is not), whose deviation is the noise. A threshold
    that follows from the claim alone tells the two apart; its two error rates, with their upper limits, bound the
    distance mu of the two cases from below, and mu is composed over the same sampling rate and steps.

    Before that, the run is tested for all that this takes for granted: Poisson sampling at the claimed rate, every row
    clipped by itself, normal noise of the claimed size on every parameter, fresh in each step. A failure is a violation
    by itself.

    Estimate: `epsilon_lower`, of kind `family`: valid for the subsampled Gaussian mechanism.

    Source: Nasr, Hayes, Steinke, Balle, Tramer, Jagielski, Carlini and Terzis, "Tight auditing of differentially
    private machine learning" (USENIX Security 2023), section 4; Dong, Roth and Su (JRSS B 2022).
    """

    id = "dp.gaussian"
    title = "Empirical epsilon, step by step"
    question = "Does the private trainer add the noise, clip and sample as its epsilon claims?"
    source = "Nasr et al., Tight auditing of differentially private machine learning (USENIX Security 2023)"
    access = "white-box"
    modalities = ("tabular",)
    knowledge = (
        "sees every noisy gradient and which records each step uses; speaks of the trainer as re-run with canaries, "
        "not of the delivered weights"
    )
    remedy = "Correct what the failing test names, train again, and do not publish what was trained before."
    measures = ("epsilon_lower",)
    costly = "trains the target's kind anew with canaries among its records"

    def experiment(self, subject: Subject) -> Outcome:
        """Bound mu from one watched run, and compose."""
        run = subject.shared(watched_run)
        claim = subject.target.privacy.claim
        if claim is None:
            raise ValueError("no claim")
        plan = run.seen.plan
        threshold = best_threshold(plan, run.seen.released.shape[1])
        steps = counted(run.seen, threshold)
        verdict = 1 - (1 - subject.policy.confidence_verdict) * SHARE
        shown = subject.policy.confidence_shown
        detects = _detection(plan, claim.epsilon, claim.delta, threshold, steps, verdict, self.rng(subject, "power"))
        if not run.seen.replays:
            detects = 0.0  # noise beyond the canaries' coordinates was not looked at
        ceiling = epsilon_of(Steps(0, steps.without, 0, steps.with_), plan, claim.delta, shown)
        bound = Bound(
            name="epsilon_lower",
            value=epsilon_of(steps, plan, claim.delta, shown),
            n=steps.without + steps.with_,
            unit="epsilon, if steps are subsampled normal noise (observations: steps times canaries)",
            interval=partial(_interval, steps, plan, claim.delta),
            chance=0.0,
            bounds=(0.0, float("inf")),
            kind="family",
            ceiling=ceiling,
            detects=detects,
            needed="more canaries or steps are needed" if run.seen.replays else "no step could be computed again",
        )
        return Outcome(
            bounds=[bound],
            broken=run.broken,
            answer=(
                f"Epsilon is at least {bound.value:.2f} at {shown:.0%} confidence, {bound.value / claim.epsilon:.0%} "
                f"of the claimed {claim.epsilon:.3g} (delta {claim.delta:g}); this design cannot show more than "
                f"{ceiling:.2f}. {len(run.tests)} tests of sampling, clipping and noise"
                + (f" found: {'; '.join(run.broken)}." if run.broken else " found nothing wrong.")
            ),
            power={"caught at twice the claim": detects, "threshold": threshold},
            others=[_noise(run)],
            tables=[run.table()],
        )


def best_threshold(plan: PrivatePlan, canaries: int) -> float:
    """Where to draw the line between a step with and without a canary: where the claimed noise would show most.

    It follows from the claim and from how many observations are expected, not from what was seen, so that it costs
    nothing.
    """
    with_ = max(1, round(plan.steps * canaries / 2 * plan.sampling_rate))
    without = max(1, plan.steps * canaries - with_)
    grid = np.linspace(0.2, 0.8, 25)
    sigma = plan.noise_multiplier
    shown = [
        gaussian_bound(
            round(without * float(stats.norm.sf(t / sigma))),
            without,
            round(with_ * float(stats.norm.cdf((t - 1) / sigma))),
            with_,
        )
        for t in grid
    ]
    return float(grid[int(np.argmax(shown))])


def counted(seen: Watched, threshold: float) -> Steps:
    """What a threshold makes of all that a run released on canaries' coordinates."""
    inside, above = seen.drawn > 0, seen.released > threshold
    return Steps(int((above & ~inside).sum()), int((~inside).sum()), int((~above & inside).sum()), int(inside.sum()))


def epsilon_of(steps: Steps, plan: PrivatePlan, delta: float, confidence: float) -> float:
    """Lower bound on epsilon: the bound on mu of one step, composed as the run samples and as often as it steps."""
    mu = min(steps.mu(confidence), 1 / LEAST_NOISE)
    return epsilon_from_below(plan.sampling_rate, 1 / mu, plan.steps, delta) if mu > 1e-3 else 0.0


def _interval(steps: Steps, plan: PrivatePlan, delta: float, confidence: float) -> Interval:
    perfect = Steps(0, steps.without, 0, steps.with_)
    return Interval(epsilon_of(steps, plan, delta, confidence), epsilon_of(perfect, plan, delta, confidence))


def _detection(
    plan: PrivatePlan,
    claim: float,
    delta: float,
    threshold: float,
    steps: Steps,
    confidence: float,
    rng: np.random.Generator,
) -> float:
    """How likely would a trainer with twice the claimed epsilon, by too little noise, have been caught?"""
    sigma = noise_of(2 * claim, delta, plan.sampling_rate, plan.steps)
    above = rng.binomial(steps.without, stats.norm.sf(threshold / sigma), _TRIALS)
    below = rng.binomial(steps.with_, stats.norm.cdf((threshold - 1) / sigma), _TRIALS)
    caught = [
        Steps(int(a), steps.without, int(b), steps.with_).mu(confidence) * plan.noise_multiplier > _MARGIN
        for a, b in zip(above, below, strict=True)
    ]
    return float(np.mean(caught))


def _noise(run: Run) -> Measured:
    """The measured noise, over the claimed, with the interval of a variance of normal numbers."""
    noise = run.seen.released[:, ~run.seen.coins].astype(np.float64) / run.seen.plan.noise_multiplier
    squares, n = float((noise**2).sum()), noise.size

    def interval(confidence: float) -> Interval:
        tail = (1 - confidence) / 2
        return Interval(
            float(np.sqrt(squares / stats.chi2.isf(tail, n))), float(np.sqrt(squares / stats.chi2.ppf(tail, n)))
        )

    return Measured(
        name="noise_ratio",
        value=float(np.sqrt(squares / n)),
        n=n,
        unit="standard deviation of the noise, over the claimed",
        interval=interval,
        chance=1.0,
        better="none",
        bounds=(0.0, float("inf")),
    )
