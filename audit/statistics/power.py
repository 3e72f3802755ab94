"""How small a leak could this audit have seen? Detection power of scores and of counts, by simulated audits."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from audit.statistics.intervals import check_confidence, normal_quantile
from audit.statistics.resampling import auc_draws, tpr_draws, unit_weights
from audit.statistics.roc import as_scores, auc, tpr_at_fpr
from audit.statistics.stratified import Strata, efficient_score

Metric = float | Literal["auc"]
"""What an attack is judged by: its AUC, or its TPR at the false-positive rate given as a number."""

SHARES: NDArray[np.float64] = np.geomspace(0.002, 0.3, 23)
"""Shares of members that may leak: .2 % to 30 %, each step a quarter more than the last."""


def smallest_detectable_share(
    base_members: ArrayLike,
    base_nonmembers: ArrayLike,
    planted: ArrayLike,
    metric: Metric,
    null: float | None = None,
    confidence: float = 0.999,
    probability: float = 0.8,
    *,
    rng: np.random.Generator,
    member_units: ArrayLike | None = None,
    nonmember_units: ArrayLike | None = None,
    shares: ArrayLike = SHARES,
    audits: int = 400,
) -> float | None:
    """Which share of members, had it leaked, would this audit have detected?

    A leak replaces the scores of a share of the members by draws from ``planted``. An audit detects it when the lower
    end of the interval exceeds ``null``. For each share, audits of the same size are simulated by resampling; their
    spread on the arcsine scale is the standard error that each of them is then judged with, as in
    ``bootstrap_interval``. The smallest share is found by bisection: a larger leak of the same kind is easier to see.

    Args:
        base_members: Scores of members where nothing leaks, shape (n1,), higher = more member-like.
        base_nonmembers: Scores of non-members, shape (n0,).
        planted: Scores of leaked members, as the positive control measured them, shape (p,).
        metric: ``"auc"``, or the false-positive rate of a TPR.
        null: The value that an audit must exceed, 0 to 1; if left out, what the base itself measures.
        confidence: Two-sided confidence of the interval; verdicts use .999.
        probability: Share of audits that must detect the leak.
        rng: The source of randomness.
        member_units: Privacy unit of each member, shape (n1,); each record is its own unit if left out. Leaked
            members are taken as independent records all the same.
        nonmember_units: Privacy unit of each non-member, shape (n0,).
        shares: Shares to choose from, ascending, each above 0 and below 1.
        audits: Simulated audits per share; 400 leave the probability uncertain by .02.

    Returns:
        The smallest of ``shares`` detected with at least this probability, or None when even the largest is not.

    Raises:
        ValueError: If an argument lies outside its range, or the metric's FPR is too low for the non-members.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> quiet, others = rng.normal(size=(2, 1000))
        >>> share = smallest_detectable_share(quiet, others, rng.normal(9, 1, 50), 0.01, rng=rng)
        >>> 0.01 < share < 0.06
        True
    """
    check_confidence(confidence)
    if not 0 < probability < 1 or not (null is None or 0 <= null <= 1):
        raise ValueError(f"need 0 < probability < 1 and a null from 0 to 1, got {probability} and {null}")
    grid = np.asarray(shares, dtype=np.float64)
    if grid.ndim != 1 or grid.size == 0 or not ((grid > 0) & (grid < 1)).all() or (np.diff(grid) <= 0).any():
        raise ValueError("shares must ascend, each above 0 and below 1")
    members = as_scores(base_members, "base_members")
    nonmembers = as_scores(base_nonmembers, "base_nonmembers")
    leaked = as_scores(planted, "planted")
    if null is None:
        null = auc(members, nonmembers) if metric == "auc" else tpr_at_fpr(members, nonmembers, metric).tpr
    threshold = math.asin(math.sqrt(null))
    unit_of_member = np.arange(members.size) if member_units is None else np.asarray(member_units)
    unit_of_nonmember = np.arange(nonmembers.size) if nonmember_units is None else np.asarray(nonmember_units)
    count, others = np.unique(unit_of_member).size, np.unique(unit_of_nonmember).size
    quantile = float(stats.t.ppf((1 + confidence) / 2, min(count, others) - 1))
    nonmember_weights = unit_weights(unit_of_nonmember, audits, rng, picks=others)
    # Two copies of each leaked score make two units even of one; their weights add up all the same.
    mixture = np.r_[members, leaked, leaked]

    def detected(share: float) -> bool:
        quiet = unit_weights(unit_of_member, audits, rng, picks=count - round(share * count))
        loud = unit_weights(np.arange(2 * leaked.size), audits, rng, picks=round(share * members.size))
        member_weights = np.concatenate([quiet, loud], axis=1)
        values = (
            auc_draws(mixture, nonmembers, member_weights, nonmember_weights)
            if metric == "auc"
            else tpr_draws(mixture, nonmembers, member_weights, nonmember_weights, metric)
        )
        angles = np.arcsin(np.sqrt(values.clip(0, 1)))
        lows = angles - quantile * angles.std(ddof=1)
        return bool(np.mean(lows > threshold) >= probability)

    if not detected(float(grid[-1])):
        return None
    missed, found = -1, grid.size - 1
    while found - missed > 1:
        middle = (missed + found) // 2
        if detected(float(grid[middle])):
            found = middle
        else:
            missed = middle
    return float(grid[found])


EXCESSES: NDArray[np.float64] = np.array(
    [0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5]
)
"""Shares of members that may be hit on top of chance: .1 % to 50 %."""


def smallest_detectable_excess(
    strata: Strata,
    confidence: float = 0.999,
    probability: float = 0.8,
    *,
    rng: np.random.Generator,
    excesses: ArrayLike = EXCESSES,
    audits: int = 400,
    drift: Strata | None = None,
) -> float | None:
    """Which share of members, had they been hit on top of chance, would this comparison have told from none?

    Audits of the same size are simulated: in each stratum others are hit with the pooled rate p of the given counts,
    and members with p + f (1 - p). An audit notices when the efficient score of "no excess" lies beyond the quantile
    and, where there is a drift control, when the excess lies above that of the control, which is drawn without drift.

    Args:
        strata: Counts where nothing leaks, as of a negative control.
        confidence: Two-sided confidence of the interval; verdicts use .999.
        probability: Share of audits that must notice the leak.
        rng: The source of randomness.
        excesses: Shares to choose from, ascending, each above 0 and below 1.
        audits: Simulated audits per share; 400 leave the probability uncertain by .02.
        drift: Counts of the drift control.

    Returns:
        The smallest of `excesses` noticed with at least this probability, or None when even the largest is not.

    Example:
        >>> quiet = Strata(*np.array([[10.0], [1000.0], [10.0], [1000.0]]))
        >>> 0.01 < smallest_detectable_excess(quiet, rng=np.random.default_rng(0)) < 0.05
        True
    """
    threshold = -normal_quantile(confidence)
    members, others = strata.members, strata.nonmembers
    chance = (strata.member_hits + strata.nonmember_hits) / (members + others)
    size, none = (audits, len(chance)), np.zeros(audits)
    error, null_error = (_error(one, confidence) for one in (strata, drift or strata))
    null = rng.normal(0, null_error, audits) if drift is not None else np.full(audits, -np.inf)
    apart = normal_quantile(2 * confidence - 1) * np.hypot(error, null_error)
    for share in np.asarray(excesses, dtype=np.float64):
        hits = rng.binomial(members.astype(np.int64), chance + share * (1 - chance), size).astype(np.float64)
        missed = rng.binomial(others.astype(np.int64), chance, size).astype(np.float64)
        score = efficient_score(hits, members, missed, others, none, strata.design_effect)
        if float(np.mean((score < threshold) & (-score * error - null > apart))) >= probability:
            return float(share)
    return None


def _error(strata: Strata, confidence: float) -> float:
    """About the standard error of the excess."""
    low, high = strata.interval(confidence)
    return (high - low) / 2 / normal_quantile(confidence)
