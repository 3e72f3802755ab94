"""Other people's trainers: the same audit through two functions, whatever library trains.

The auditor throws a fair coin for each canary, has the trainer train on the ordinary records and on the canaries whose
coin fell on one side, and asks for a score of every canary. What a score is, the adapter decides: a loss with the sign
turned, a weight that this canary alone moves, the nearness of samples (`nearness`). The stronger the score, the more
the audit can show; the bounds are valid whatever it is.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq

from audit.checks import default_policy, worst
from audit.checks.experiment import Bound, judge, said
from audit.dp.one_run import BOUNDS, BoundOf, Coins, OneRun, accuracy, best_number, guess, interval_of, least_right
from audit.provenance import surroundings
from audit.statistics import Floats, gaussian_epsilon
from generators import InputError
from reports import Audit, Claim, Finding, Privacy, TargetDescription, ThreatModel

FEWEST = 100
"""Canaries with which a verdict is tried at all."""

_PRACTICE = 4
"""One canary in so many is not judged by: it tells how many guesses to make, and how strong the scores are."""


class Trainer(Protocol):
    """What is audited, in two functions."""

    def train(self, records: NDArray[Any], seed: int) -> Any:
        """Train on these records alone, under the claimed budget, and return a model."""
        ...

    def score(self, model: Any, records: NDArray[Any]) -> ArrayLike:
        """Say of each record how much the model looks as if it was trained on it: one number each."""
        ...


def audit_trainer(
    trainer: Trainer,
    ordinary: NDArray[Any],
    canaries: NDArray[Any],
    *,
    epsilon: float,
    delta: float,
    seed: int = 0,
    name: str = "trainer",
) -> Audit:
    """Does this trainer keep its claim, as far as canaries of one run can show?

    Args:
        trainer: What is audited. It trains twice, with two seeds: once for the scores, once to see that its noise is
            not the same again.
        ordinary: Records that are always trained on, first axis is the record.
        canaries: Records of which fair coins decide, alike in shape; at least 100. The more a canary moves a model, the
            more it shows.
        epsilon: The claim, positive.
        delta: The claim's delta, above 0 and below 1.
        seed: Of coins, and of the trainer's seeds.
        name: Of the trainer, for the report.

    Returns:
        An audit with the finding `dp.one-run`: `pass` says consistent, `fail` violated. Save it with `save`, show it
        with `reports.render_html`.

    Raises:
        InputError: The claim says nothing, there are too few canaries, scores are not one finite number each, or two
            runs gave the same scores.

    Example: `examples/plain_opacus.py`.

    Source: Steinke et al. (NeurIPS 2023), theorem 5.2; Mahloujifar et al. (2024), algorithm 3.
    """
    start = time.perf_counter()
    _require_sense(canaries, epsilon, delta)
    rng = np.random.default_rng(seed)
    coins = rng.random(len(canaries)) < 0.5
    records = np.concatenate([ordinary, canaries[coins]])
    scores, again = (_scores(trainer, records, canaries, int(one)) for one in rng.choice(2**31, 2, replace=False))
    if np.array_equal(scores, again):
        raise InputError(
            f"{name}: two runs with different seeds gave the same scores: its noise is missing or is replayed, or it "
            "returns the same model whatever it is asked; nothing can be measured until a seed changes something"
        )
    bounds = _bounds(scores, coins, epsilon, delta, rng)
    confidence = 1 - (1 - default_policy().confidence_verdict) / len(bounds)
    gates = [judge(OneRun.id, bound, epsilon, confidence, []) for bound in bounds]
    status = worst([gate.status for gate in gates])
    shown = default_policy().confidence_shown
    finding = Finding(
        id=OneRun.id,
        family="dp",
        title=OneRun.title,
        question=OneRun.question,
        threat_model=ThreatModel(access="white-box", knowledge="whatever the adapter's score makes use of"),
        source=OneRun.source,
        status=status,
        why=said(gates),
        estimates=[bound.estimate(shown) for bound in bounds],
        remedy=OneRun.remedy,
    )
    return Audit(
        name=name,
        status=status,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - start, 3),
        provenance=surroundings({}, seed, ""),
        target=TargetDescription(kind=name, access="white-box", modality="tabular"),
        privacy=Privacy(
            claim=Claim(
                epsilon=epsilon,
                delta=delta,
                unit="record",
                relation="add-or-remove-one",
                accountant="the trainer's own",
            ),
            statement=f"The trainer claims epsilon {epsilon:g} at delta {delta:g} for a record; nobody vouches for it.",
        ),
        findings=[finding],
        gates=gates,
    )


def nearness(samples: NDArray[Any], records: NDArray[Any]) -> Floats:
    """Score records by the nearest sample, for trainers that give nothing else: 0 for a copy, lower farther away.

    Example:
        >>> nearness(np.array([[0.0], [3.0]]), np.array([[3.0], [1.0]])).tolist()
        [-0.0, -1.0]
    """
    from sklearn.neighbors import NearestNeighbors

    flat = np.asarray(samples, dtype=np.float64).reshape(len(samples), -1)
    asked = np.asarray(records, dtype=np.float64).reshape(len(records), -1)
    distances, _ = NearestNeighbors(n_neighbors=1).fit(flat).kneighbors(asked)
    return np.asarray(-distances[:, 0])


def _bounds(
    scores: Floats, coins: NDArray[np.bool_], epsilon: float, delta: float, rng: np.random.Generator
) -> list[Bound]:
    """Bounds from most of the canaries; the others tell how many guesses to make, and how strong the scores are."""
    policy = default_policy()
    aside = rng.permutation(len(scores)) < len(scores) // _PRACTICE
    practice: Coins = [(scores[aside], coins[aside])]
    scores, coins = scores[~aside], coins[~aside]
    loud = _twice_as_strong(practice[0], len(scores), epsilon, delta, rng)
    verdict = 1 - (1 - policy.confidence_verdict) / len(BOUNDS)
    bounds = []
    for name, (bound, kind) in BOUNDS.items():
        made = max(2, round(best_number(practice, bound, delta) / len(practice[0][0]) * len(scores)))
        found = guess(scores, coins, made, rng)
        bounds.append(
            Bound(
                name=name,
                value=bound(found.canaries, made, found.right, delta, policy.confidence_shown),
                n=found.canaries,
                unit=f"epsilon (canaries; {found.right} of {made} guesses right)",
                interval=partial(interval_of, bound, found, delta),
                chance=0.0,
                bounds=(0.0, math.inf),
                kind=kind,
                ceiling=bound(found.canaries, made, made, delta, policy.confidence_shown),
                detects=_detects(loud, bound, made, epsilon, delta, verdict),
                needed="more canaries, or ones that move the model more, are needed",
                claim=epsilon,
            )
        )
    return bounds


def _twice_as_strong(
    practice: tuple[Floats, NDArray[np.bool_]], canaries: int, epsilon: float, delta: float, rng: np.random.Generator
) -> Coins:
    """What these scores would be like if the trainer had twice the claimed epsilon.

    How strong they are, as a share of what the claim allows, is measured and taken to stay the same.
    """
    scores, coins = practice
    inside, outside = scores[coins], scores[~coins]
    if not len(inside) or not len(outside):
        return [(rng.standard_normal(canaries), rng.random(canaries) < 0.5)]
    auc = float(stats.mannwhitneyu(inside, outside).statistic) / (len(inside) * len(outside))
    mu = max(0.0, math.sqrt(2) * float(stats.norm.ppf(min(max(auc, 1e-9), 1 - 1e-9))))
    strength = min(1.0, mu / _mu(epsilon, delta))
    thrown = rng.random(canaries) < 0.5
    return [(rng.standard_normal(canaries) + strength * _mu(2 * epsilon, delta) * thrown, thrown)]


def _mu(epsilon: float, delta: float) -> float:
    """The distance of two normal distributions that has this epsilon."""
    return float(brentq(lambda mu: gaussian_epsilon(mu, delta) - epsilon, 1e-6, 50.0))


def _detects(loud: Coins, bound: BoundOf, made: int, epsilon: float, delta: float, confidence: float) -> float:
    least = least_right(bound, len(loud[0][0]), made, epsilon, delta, confidence)
    return 0.0 if least is None else float(stats.binom.sf(least - 1, made, accuracy(loud, made / len(loud[0][0]))))


def _scores(trainer: Trainer, records: NDArray[Any], canaries: NDArray[Any], seed: int) -> Floats:
    scores = np.asarray(trainer.score(trainer.train(records, seed), canaries), dtype=np.float64)
    if scores.shape != (len(canaries),):
        raise InputError(
            f"score returned shape {scores.shape}, expected one number for each of {len(canaries)} records"
        )
    if not np.isfinite(scores).all():
        first = int((~np.isfinite(scores)).argmax())
        raise InputError(f"score: record {first + 1} got {scores[first]}; every score must be a finite number")
    return scores


def _require_sense(canaries: NDArray[Any], epsilon: float, delta: float | None) -> None:
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise InputError(f"epsilon is {epsilon}, expected a positive finite number")
    if delta is None or not 0 < delta < 1:
        raise InputError(f"delta is {delta}, expected a number above 0 and below 1: without one, a claim says nothing")
    if len(canaries) < FEWEST:
        raise InputError(f"{len(canaries)} canaries decide nothing; give at least {FEWEST}, and 1,000 for a verdict")
