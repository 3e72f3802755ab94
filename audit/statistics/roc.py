"""How well do scores tell members from non-members? The ROC curve, its area, and its height at a low FPR.

A score is higher for records that look more like members. Equal scores are told apart by a fair coin, and everything
here is the expectation over that coin: the ROC runs straight through a group of ties, in nobody's favour.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NONMEMBERS_ABOVE = 10
"""Non-members that must lie above a threshold before a rate is read off there."""


class TprAtFpr(NamedTuple):
    """The share of members found at a false-positive rate, and the highest rate up to it that a threshold realises."""

    tpr: float
    realised_fpr: float


def auc(members: ArrayLike, nonmembers: ArrayLike) -> float:
    """How often does a random member score above a random non-member? Ties count half.

    This is the area under the ROC curve, ``U / (n1 n0)`` of the Mann-Whitney test.

    Args:
        members: Scores of members, shape (n1,), higher = more member-like. Infinite scores are allowed, NaN is not.
        nonmembers: Scores of non-members, shape (n0,).

    Returns:
        The area, 0 to 1; .5 is chance.

    Raises:
        ValueError: If a group is empty, not one-dimensional, or holds NaN.

    Example:
        >>> auc([3.0, 2.0, 1.0], [1.0, 0.0])
        0.9166666666666666

    Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve" (Radiology 1982).
    """
    member_scores, nonmember_scores = as_scores(members, "members"), np.sort(as_scores(nonmembers, "nonmembers"))
    below = np.searchsorted(nonmember_scores, member_scores, side="left").sum()
    up_to = np.searchsorted(nonmember_scores, member_scores, side="right").sum()
    return float(below + up_to) / (2 * member_scores.size * nonmember_scores.size)


def tpr_at_fpr(members: ArrayLike, nonmembers: ArrayLike, fpr: float) -> TprAtFpr:
    """Which share of members is found when a share ``fpr`` of non-members is wrongly accused?

    The value is the height of ``roc_curve`` at ``fpr``. Its threshold is set by the non-members alone.

    Args:
        members: Scores of members, shape (n1,), higher = more member-like.
        nonmembers: Scores of non-members, shape (n0,).
        fpr: The false-positive rate, from ``smallest_fpr(n0)`` to 1.

    Returns:
        ``tpr``, and ``realised_fpr``: the highest false-positive rate up to ``fpr`` that a threshold reaches without
        tossing a coin. Without ties it equals ``fpr`` (less than 1/n0 below it); where it is far below, the scores are
        too coarse for this rate and ``tpr`` rests on the coin.

    Raises:
        ValueError: If ``fpr`` is below ``smallest_fpr(n0)``: too few non-members to know where the threshold lies.

    Example:
        >>> tpr_at_fpr([3.0, 2.0, 2.0, 0.0], [2.0] + [0.0] * 99, fpr=0.1)
        TprAtFpr(tpr=0.7727272727272727, realised_fpr=0.01)

    Source: Carlini et al., "Membership inference attacks from first principles" (IEEE S&P 2022), for the measure.
    """
    nonmember_scores = as_scores(nonmembers, "nonmembers")
    check_fpr(fpr, nonmember_scores.size)
    tpr = float(roc_curve(members, nonmember_scores, np.array([fpr]))[0])
    allowed = math.floor(fpr * nonmember_scores.size + 1e-6)
    descending = -np.sort(-nonmember_scores)
    if allowed == nonmember_scores.size:
        return TprAtFpr(tpr, 1.0)
    # A threshold accuses a whole group of ties or none of it: step back to the last score above the first one spared.
    accused = int(np.searchsorted(-descending, -descending[allowed], side="left"))
    return TprAtFpr(tpr, accused / nonmember_scores.size)


def roc_curve(members: ArrayLike, nonmembers: ArrayLike, grid: ArrayLike) -> Floats:
    """What share of members is found, at each of many false-positive rates?

    At a rate of ``k / n0`` the threshold is the k-th highest non-member score, so that under no leak the expected
    height is ``k / (n0 + 1)`` and not the ``(k + 1) / (n0 + 1)`` that a threshold tuned on the members would give.
    Through a group of ties, and between ``k / n0`` and ``(k + 1) / n0``, the curve is straight.

    Args:
        members: Scores of members, shape (n1,), higher = more member-like.
        nonmembers: Scores of non-members, shape (n0,).
        grid: False-positive rates, shape (g,), each 0 to 1. Heights at rates below ``smallest_fpr(n0)`` are drawn all
            the same, but are no estimates of anything: use ``tpr_at_fpr`` for numbers.

    Returns:
        True-positive rates, shape (g,), each 0 to 1.

    Raises:
        ValueError: If a group is empty or holds NaN, or the grid leaves [0, 1].

    Example:
        >>> roc_curve([3.0, 1.0], [2.0, 0.0], [0.0, 0.5, 1.0]).tolist()
        [0.0, 0.5, 1.0]

    Source: Fawcett, "An introduction to ROC analysis" (Pattern Recognition Letters 2006).
    """
    member_scores = np.sort(as_scores(members, "members"))
    nonmember_scores = np.sort(as_scores(nonmembers, "nonmembers"))
    rates = np.asarray(grid, dtype=np.float64)
    if rates.ndim != 1 or not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError("roc_curve: the grid must be one-dimensional, of false-positive rates from 0 to 1")
    n1, n0 = member_scores.size, nonmember_scores.size
    counts = np.arange(1, n0 + 1)
    thresholds = nonmember_scores[::-1]
    accused_above = n0 - np.searchsorted(nonmember_scores, thresholds, side="right")
    accused_down_to = n0 - np.searchsorted(nonmember_scores, thresholds, side="left")
    found_above = n1 - np.searchsorted(member_scores, thresholds, side="right")
    found_down_to = n1 - np.searchsorted(member_scores, thresholds, side="left")
    coin = (counts - accused_above) / (accused_down_to - accused_above)
    heights = (found_above + coin * (found_down_to - found_above)) / n1
    curve = np.interp(rates * n0, np.r_[0, counts], np.r_[0.0, heights])
    return np.where(rates == 1, 1.0, curve)


def smallest_fpr(n_nonmembers: int) -> float:
    """Below which false-positive rate can so many non-members say nothing? Ten must lie above the threshold.

    Args:
        n_nonmembers: Number of non-members, at least 1 (of privacy units, where records share them).

    Returns:
        ``10 / n_nonmembers``; above 1 when there are fewer than ten.

    Raises:
        ValueError: If there is no non-member.

    Example:
        >>> smallest_fpr(1000)
        0.01
    """
    if n_nonmembers < 1:
        raise ValueError("smallest_fpr: there are no non-members; an attack cannot be scored without a holdout")
    return NONMEMBERS_ABOVE / n_nonmembers


def check_fpr(fpr: float, n_nonmembers: int) -> None:
    """Refuse a false-positive rate above 1 or below ``smallest_fpr(n_nonmembers)``."""
    least = smallest_fpr(n_nonmembers)
    if not least * (1 - 1e-9) <= fpr <= 1:
        raise ValueError(
            f"a TPR at FPR {fpr:g} needs {NONMEMBERS_ABOVE} non-members above the threshold: with {n_nonmembers} of "
            f"them the FPR must lie between {least:g} and 1"
        )


def as_scores(scores: ArrayLike, name: str) -> Floats:
    """Scores as a float array (n,), or a ValueError that names the group which is empty, misshapen or holds NaN."""
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: need a one-dimensional array of at least one score, got shape {array.shape}")
    if np.isnan(array).any():
        raise ValueError(
            f"{name}: {int(np.isnan(array).sum())} of {array.size} scores are NaN; the attack must score all"
        )
    return array
