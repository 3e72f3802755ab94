from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from audit.statistics import auc, roc_curve, smallest_fpr, tpr_at_fpr

SCORES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=60)


@given(members=SCORES, nonmembers=SCORES)
@settings(max_examples=60, deadline=None)
def test_auc_is_mann_whitney(members: list[float], nonmembers: list[float]) -> None:
    u = stats.mannwhitneyu(members, nonmembers, method="asymptotic").statistic
    assert auc(members, nonmembers) == pytest.approx(u / len(members) / len(nonmembers), abs=1e-12)
    assert auc(members, nonmembers) + auc(nonmembers, members) == pytest.approx(1, abs=1e-12)


def test_auc_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    members, nonmembers = rng.normal(0.3, 1, 400), rng.normal(0, 1, 700)
    reference = roc_auc_score(np.r_[np.ones(400), np.zeros(700)], np.r_[members, nonmembers])
    assert auc(members, nonmembers) == pytest.approx(reference, abs=1e-12)


def test_infinite_scores_rank_like_any_other() -> None:
    assert auc([np.inf, -np.inf], [-np.inf, 0.0]) == (1 + 1 + 0.5 + 0) / 4


def test_threshold_is_the_kth_highest_nonmember() -> None:
    rng = np.random.default_rng(1)
    members, nonmembers = rng.normal(1, 1, 500), rng.normal(0, 1, 1000)
    threshold = np.sort(nonmembers)[-100]
    assert tpr_at_fpr(members, nonmembers, 0.1) == pytest.approx(((members >= threshold).mean(), 0.1), abs=1e-12)


@pytest.mark.parametrize(
    ("members", "nonmembers", "fpr", "tpr", "realised"),
    [
        pytest.param([1.0] * 5, [1.0] * 100, 0.1, 0.1, 0.0, id="all tied: the coin alone"),
        pytest.param([1.0] * 5, [0.0] * 100, 0.1, 1.0, 0.0, id="perfect, non-members tied"),
        pytest.param([0.0] * 5, np.arange(100.0) + 1, 0.1, 0.0, 0.1, id="members below everything"),
        pytest.param([2.0, 0.0], [2.0] * 5 + [1.0] * 95, 0.1, 0.5, 0.05, id="members above the crossing group"),
        pytest.param([1.0, 0.0], [2.0] * 5 + [1.0] * 10 + [0.0] * 85, 0.1, 0.25, 0.05, id="half-way through a tie"),
        pytest.param([0.5], np.arange(10.0), 1.0, 1.0, 1.0, id="everyone accused"),
        pytest.param([95.5, 88.5], np.arange(105.0), 0.1, 0.5, 10 / 105, id="between two counts: straight line"),
    ],
)
def test_tpr_at_fpr(members, nonmembers, fpr: float, tpr: float, realised: float) -> None:
    assert tpr_at_fpr(members, nonmembers, fpr) == pytest.approx((tpr, realised), abs=1e-12)


def test_tpr_between_two_counts_lies_between_their_values() -> None:
    members, nonmembers = np.arange(0.25, 105, 0.5), np.arange(105.0)
    at_10, at_11 = ((members >= nonmembers[-k]).mean() for k in (10, 11))
    assert tpr_at_fpr(members, nonmembers, 0.1).tpr == pytest.approx((at_10 + at_11) / 2, abs=1e-12)


def test_ties_are_the_expectation_of_a_random_order() -> None:
    rng = np.random.default_rng(2)
    members, nonmembers = rng.integers(0, 4, 80).astype(float), rng.integers(0, 4, 100).astype(float)
    broken = [
        tpr_at_fpr(members + 0.1 * rng.random(80), nonmembers + 0.1 * rng.random(100), 0.2).tpr for _ in range(2000)
    ]
    assert tpr_at_fpr(members, nonmembers, 0.2).tpr == pytest.approx(np.mean(broken), abs=0.01)


@pytest.mark.parametrize(("n", "fpr"), [(1000, 0.01), (1050, 0.01), (300, 0.1), (105, 0.1)])
def test_tpr_is_unbiased_without_a_leak(n: int, fpr: float) -> None:
    rng = np.random.default_rng(3)
    values = [tpr_at_fpr(rng.random(1000), rng.random(n), fpr).tpr for _ in range(3000)]
    assert np.mean(values) == pytest.approx(fpr * n / (n + 1), abs=4 * np.std(values) / np.sqrt(3000))


@given(members=SCORES, nonmembers=SCORES)
@settings(max_examples=60, deadline=None)
def test_roc_curve_rises_from_0_to_1(members: list[float], nonmembers: list[float]) -> None:
    curve = roc_curve(members, nonmembers, np.linspace(0, 1, 41))
    assert curve[0] == 0
    assert curve[-1] == 1
    assert (np.diff(curve) >= -1e-12).all()


def test_area_under_the_curve_is_the_auc() -> None:
    rng = np.random.default_rng(4)
    members, nonmembers = rng.normal(1, 1, 2000), rng.normal(0, 1, 2000)
    grid = np.linspace(0, 1, 20_001)
    assert np.trapezoid(roc_curve(members, nonmembers, grid), grid) == pytest.approx(auc(members, nonmembers), abs=1e-3)


def test_smallest_fpr_leaves_ten_nonmembers() -> None:
    assert smallest_fpr(10_000) == 0.001
    tpr_at_fpr([1.0], np.arange(1000.0), smallest_fpr(1000))
    with pytest.raises(ValueError, match=r"FPR 0\.01 needs 10 non-members above the threshold: with 999"):
        tpr_at_fpr([1.0], np.arange(999.0), 0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc([], [1.0]), "members: need a one-dimensional array"),
        (lambda: auc([1.0], [[1.0]]), "nonmembers: need a one-dimensional array"),
        (lambda: auc([1.0, np.nan], [1.0]), "members: 1 of 2 scores are NaN"),
        (lambda: roc_curve([1.0], [1.0], [1.2]), "grid"),
        (lambda: smallest_fpr(0), "no non-members"),
        (lambda: tpr_at_fpr([1.0], np.arange(100.0), 1.5), "FPR 1.5"),
    ],
)
def test_bad_input_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
