from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audit.statistics import auc, auc_draws, bootstrap_interval, tpr_at_fpr, tpr_draws, unit_weights

N1, N0 = 90, 110
ONES = np.ones((3, 2), np.float32)


def _scores(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    members, nonmembers = rng.normal(0.5, 1, N1), rng.normal(0, 1, N0)
    if kind == "tied":
        return np.round(members), np.round(nonmembers)
    if kind == "constant":
        return np.zeros(N1), np.zeros(N0)
    return members, nonmembers


def _plain_height(members, nonmembers, w1, w0, fpr: float) -> float:
    """The definition, threshold by threshold."""
    target, spared = fpr * w0.sum() - 1e-6, 0.0
    for threshold in sorted(set(nonmembers), reverse=True):
        accused = w0[nonmembers >= threshold].sum()
        if accused >= target:
            coin = (target - spared) / (accused - spared)
            found = (1 - coin) * w1[members > threshold].sum() + coin * w1[members >= threshold].sum()
            return float(found / w1.sum())
        spared = accused
    raise AssertionError("no threshold accuses enough")


@pytest.mark.parametrize("kind", ["continuous", "tied", "constant"])
def test_draws_follow_the_definition(kind: str) -> None:
    rng = np.random.default_rng(0)
    members, nonmembers = _scores(kind, rng)
    weights = unit_weights(np.arange(N1), 30, rng), unit_weights(np.arange(N0), 30, rng)
    areas = auc_draws(members, nonmembers, *weights)
    heights = {fpr: tpr_draws(members, nonmembers, *weights, fpr) for fpr in (0.1, 0.2)}
    for i, (w1, w0) in enumerate(zip(*weights, strict=True)):
        repeated = np.repeat(members, w1.astype(int)), np.repeat(nonmembers, w0.astype(int))
        assert areas[i] == pytest.approx(auc(*repeated), abs=1e-12)
        for fpr, height in heights.items():
            assert height[i] == pytest.approx(_plain_height(members, nonmembers, w1, w0, fpr), abs=1e-6)


@pytest.mark.parametrize("kind", ["continuous", "tied", "constant"])
@pytest.mark.parametrize("fpr", [0.1, 0.123, 0.5, 1.0])
def test_equal_weights_give_the_estimate_itself(kind: str, fpr: float) -> None:
    members, nonmembers = _scores(kind, np.random.default_rng(1))
    ones = np.ones((2, N1), np.float32), np.full((2, N0), 3, np.float32)
    assert auc_draws(members, nonmembers, *ones) == pytest.approx([auc(members, nonmembers)] * 2, abs=1e-12)
    expected = tpr_at_fpr(members, nonmembers, fpr).tpr
    assert tpr_draws(members, nonmembers, *ones, fpr) == pytest.approx([expected] * 2, abs=1e-7)


def test_chunks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    members, nonmembers = _scores("tied", rng)
    weights = unit_weights(np.arange(N1), 50, rng), unit_weights(np.arange(N0), 50, rng)
    whole = auc_draws(members, nonmembers, *weights), tpr_draws(members, nonmembers, *weights, 0.1)
    monkeypatch.setattr("audit.statistics.resampling._CHUNK", 7 * N0)
    chunked = auc_draws(members, nonmembers, *weights), tpr_draws(members, nonmembers, *weights, 0.1)
    np.testing.assert_array_equal(whole, chunked)


def test_a_unit_is_taken_whole() -> None:
    units = np.array(["c", "a", "c", "b", "b", "b"])
    weights = unit_weights(units, 200, np.random.default_rng(3))
    assert weights.shape == (200, 6)
    assert weights.dtype == np.float32
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 2).all()  # two of three units
    assert weights[:, [0, 1, 3]].mean(axis=0) == pytest.approx([2 / 3] * 3, abs=0.15)


def test_weights_follow_the_generator_and_the_number_of_picks() -> None:
    first, again, other = (unit_weights(np.arange(50), 10, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (unit_weights(np.arange(50), 10, np.random.default_rng(4), picks=7).sum(axis=1) == 7).all()


def test_standard_error_of_a_mean_is_unbiased_with_few_units() -> None:
    values = np.random.default_rng(6).normal(size=8)
    weights = unit_weights(np.arange(8), 40_000, np.random.default_rng(7))
    draws = weights @ values / weights.sum(axis=1)
    assert draws.std() == pytest.approx(stats.sem(values), rel=0.02)


def test_grouping_widens_the_spread() -> None:
    rng = np.random.default_rng(8)
    units = np.repeat(np.arange(30), 10)
    members, nonmembers = rng.normal(size=(2, 30))[:, units]
    spread = {
        name: auc_draws(members, nonmembers, unit_weights(of, 400, rng), unit_weights(of, 400, rng)).std()
        for name, of in {"people": units, "records": np.arange(300)}.items()
    }
    assert spread["people"] > 2.5 * spread["records"]  # sqrt(10) when all of a person's records agree


def test_standard_error_of_the_auc_is_delongs() -> None:
    rng = np.random.default_rng(9)
    members, nonmembers = rng.normal(0.5, 1, 400), rng.normal(0, 1, 600)
    wins = members[:, None] > nonmembers
    delong = np.sqrt(wins.mean(axis=1).var(ddof=1) / 400 + wins.mean(axis=0).var(ddof=1) / 600)
    weights = unit_weights(np.arange(400), 4000, rng), unit_weights(np.arange(600), 4000, rng)
    assert auc_draws(members, nonmembers, *weights).std() == pytest.approx(delong, rel=0.05)


def test_common_weights_cancel_what_two_scores_share() -> None:
    rng = np.random.default_rng(10)
    members, nonmembers = rng.normal(size=(2, 300))
    weights = unit_weights(np.arange(300), 300, rng), unit_weights(np.arange(300), 300, rng)
    main = auc_draws(members + 0.1 * rng.normal(size=300), nonmembers, *weights)
    drift = auc_draws(members, nonmembers, *weights)
    assert (main - drift).std() < 0.2 * drift.std()


@pytest.mark.parametrize("confidence", [0.95, 0.999])
@pytest.mark.parametrize(
    ("members", "nonmembers", "value"),
    [
        pytest.param(np.ones(200), np.zeros(200), 1.0, id="perfect"),
        pytest.param(np.zeros(200), np.ones(200), 0.0, id="perfectly wrong"),
        pytest.param(np.zeros(200), np.zeros(200), 0.5, id="all tied"),
    ],
)
def test_scores_without_spread_keep_an_honest_width(members, nonmembers, value: float, confidence: float) -> None:
    rng = np.random.default_rng(11)
    weights = unit_weights(np.arange(200), 100, rng), unit_weights(np.arange(200), 100, rng)
    low, high = bootstrap_interval(value, auc_draws(members, nonmembers, *weights), 200, confidence)
    missed = 1 - ((1 - confidence) / 2) ** (1 / 200)
    assert low == pytest.approx(value * (1 - missed))
    assert high == pytest.approx(value + (1 - value) * missed)
    height = tpr_at_fpr(members, nonmembers, 0.1).tpr
    rate = bootstrap_interval(height, tpr_draws(members, nonmembers, *weights, 0.1), 200, confidence)
    assert 0 <= rate.low <= height <= rate.high <= 1
    assert rate.high - rate.low >= 0.9 * missed


@pytest.mark.parametrize(
    ("value", "bounds"), [(0.0, (0.0, 1.0)), (1.0, (0.0, 1.0)), (0.3, (-1.0, 1.0)), (0.001, (0.0, 1.0))]
)
def test_intervals_stay_within_bounds_and_grow_with_confidence(value: float, bounds: tuple[float, float]) -> None:
    draws = np.clip(value + 0.2 * np.random.default_rng(12).normal(size=500), *bounds)
    shown, verdict = (bootstrap_interval(value, draws, 50, confidence, bounds) for confidence in (0.95, 0.999))
    assert bounds[0] <= verdict.low <= shown.low <= value <= shown.high <= verdict.high <= bounds[1]
    assert shown.high > shown.low


def test_a_difference_is_judged_on_its_own_scale() -> None:
    draws = np.random.default_rng(13).normal(0, 0.01, 1000)
    low, high = bootstrap_interval(0.0, draws, 10_000, 0.95, bounds=(-1, 1))
    assert (low, high) == pytest.approx((-1.96 * draws.std(), 1.96 * draws.std()), rel=0.01)


def test_a_value_that_rounding_put_beyond_its_bound_is_taken_as_the_bound() -> None:
    assert bootstrap_interval(1 + 1e-15, [1.0, 1.0], 10) == bootstrap_interval(1.0, [1.0, 1.0], 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unit_weights([], 10, np.random.default_rng(0)), "0 privacy unit given"),
        (lambda: unit_weights([1, 1], 10, np.random.default_rng(0)), "1 privacy unit given"),
        (lambda: unit_weights([1, 2], 0, np.random.default_rng(0)), "draws >= 1"),
        (lambda: auc_draws([1.0], [1.0, 2.0], ONES, ONES), "do not fit 1 members"),
        (lambda: auc_draws([1.0, 2.0], [1.0, 2.0], ONES, ONES[:1]), "do not fit"),
        (lambda: auc_draws([1.0, 2.0], [1.0, 2.0], ONES, 0 * ONES), "took no record of one group"),
        (lambda: tpr_draws([1.0, 2.0], [1.0, 2.0], ONES, ONES, 0.1), "needs 10 non-members"),
        (lambda: bootstrap_interval(0.5, [0.5], 10), "at least 2"),
        (lambda: bootstrap_interval(0.5, [0.5, np.nan], 10), "finite"),
        (lambda: bootstrap_interval(1.5, [0.5, 0.6], 10), "value within"),
        (lambda: bootstrap_interval(0.5, [0.5, 0.6], 1), "units >= 2"),
        (lambda: bootstrap_interval(0.5, [0.5, 0.6], 10, 95), "confidence must lie"),
    ],
)
def test_bad_input_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "fpr", "share", "nominal"),
    [
        (300, None, 0.0, 0.95),
        (300, None, 0.05, 0.95),
        (300, 0.1, 0.0, 0.955),
        (300, 0.1, 0.05, 0.955),
        (1000, 0.01, 0.02, 0.955),
    ],
)
def test_coverage_is_nominal(n: int, fpr: float | None, share: float, nominal: float) -> None:
    """95 % intervals cover, and 99.9 % intervals do not lie above the truth, up to four binomial standard errors.

    A share of the members ranks first. ``nominal`` is what benchmarks/coverage.py measures from many more audits.
    """
    rng, repetitions = np.random.default_rng(14), 1000
    truth = share + (1 - share) * (fpr or 0.5)
    covered = alarms = 0
    for _ in range(repetitions):
        members, nonmembers = rng.normal(size=n) + 20 * (rng.random(n) < share), rng.normal(size=n)
        weights = unit_weights(np.arange(n), 400, rng), unit_weights(np.arange(n), 400, rng)
        if fpr is None:
            value, draws = auc(members, nonmembers), auc_draws(members, nonmembers, *weights)
        else:
            value, draws = tpr_at_fpr(members, nonmembers, fpr).tpr, tpr_draws(members, nonmembers, *weights, fpr)
        shown, verdict = (bootstrap_interval(value, draws, n, confidence) for confidence in (0.95, 0.999))
        covered += shown.low <= truth <= shown.high
        alarms += verdict.low > truth
    assert covered / repetitions == pytest.approx(nominal, abs=4 * np.sqrt(0.05 * 0.95 / repetitions))
    assert alarms / repetitions <= 0.001 + 4 * np.sqrt(0.001 / repetitions)
