from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.statistics import Interval, clopper_pearson, mean_interval, newcombe, unanimity_interval, wilson

CONFIDENCES = [0.8, 0.95, 0.999]
COUNTS = [(0, 1), (1, 1), (0, 50), (1, 50), (25, 50), (50, 50), (3, 10_000), (9_999, 10_000)]


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize(("successes", "n"), COUNTS)
@pytest.mark.parametrize(
    ("interval", "scipy_method", "statsmodels_method"),
    [(wilson, "wilson", "wilson"), (clopper_pearson, "exact", "beta")],
)
def test_proportions_agree_with_references(
    interval, scipy_method: str, statsmodels_method: str, successes: int, n: int, confidence: float
) -> None:
    ours = interval(successes, n, confidence)
    scipys = stats.binomtest(successes, n).proportion_ci(confidence, method=scipy_method)
    statsmodelss = proportion_confint(successes, n, alpha=1 - confidence, method=statsmodels_method)
    assert ours == pytest.approx((scipys.low, scipys.high), abs=1e-9)
    # statsmodels leaves NaN where a beta quantile has no meaning.
    assert ours == pytest.approx(np.nan_to_num(statsmodelss, nan=float(successes > 0)), abs=1e-9)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize(
    "counts", [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20), (10, 10, 0, 20), (5, 5000, 1, 300)]
)
def test_newcombe_agrees_with_statsmodels(counts: tuple[int, int, int, int], confidence: float) -> None:
    reference = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - confidence)
    assert newcombe(*counts, confidence) == pytest.approx(reference, abs=1e-9)


def test_newcombe_reproduces_the_published_example() -> None:
    # Newcombe (1998), table II, column (a), method 10.
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(
    n=st.integers(1, 500),
    share=st.floats(0, 1),
    confidence=st.floats(0.5, 0.9999),
    interval=st.sampled_from([wilson, clopper_pearson]),
)
@settings(max_examples=60, deadline=None)
def test_proportion_intervals_are_nested_proper_and_symmetric(
    n: int, share: float, confidence: float, interval
) -> None:
    successes = round(share * n)
    low, high = interval(successes, n, confidence)
    assert 0 <= low <= successes / n <= high <= 1
    assert high - low > 0
    assert interval(n - successes, n, confidence) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    wider = interval(successes, n, (1 + confidence) / 2)
    assert wider.low <= low + 1e-12
    assert wider.high >= high - 1e-12


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_mean_of_independent_values_is_the_t_interval(confidence: float) -> None:
    values = np.random.default_rng(0).normal(3, 2, 40)
    reference = stats.t.interval(confidence, 39, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values, confidence) == pytest.approx(reference, abs=1e-9)
    assert mean_interval(values, confidence, units=np.arange(40)[::-1]) == pytest.approx(reference, abs=1e-9)


def test_mean_of_grouped_values_is_the_cluster_robust_interval() -> None:
    rng = np.random.default_rng(1)
    units = rng.integers(12, size=100)
    values = rng.normal(size=12)[units] + rng.normal(size=100)
    model = sm.OLS(values, np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": units}, use_t=True)
    assert mean_interval(values, 0.95, units=units) == pytest.approx(model.conf_int(0.05)[0], abs=1e-9)
    labels = np.array([f"person {unit}" for unit in units])
    assert mean_interval(values, 0.95, units=labels) == mean_interval(values, 0.95, units=units)


def test_equal_values_keep_a_width_within_known_bounds() -> None:
    assert mean_interval([1.0] * 100, bounds=(0, 1)) == unanimity_interval(1.0, 100)
    low, high = mean_interval([0.0, 1.0, 1.0], 0.999, bounds=(0, 1))
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize("n", [1, 10, 1000])
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_unanimity_at_a_bound_is_clopper_pearson(n: int, confidence: float) -> None:
    assert unanimity_interval(1.0, n, confidence) == pytest.approx(clopper_pearson(n, n, confidence), abs=1e-12)
    assert unanimity_interval(0.0, n, confidence) == pytest.approx(clopper_pearson(0, n, confidence), abs=1e-12)
    assert unanimity_interval(-1.0, n, confidence, (-1, 1)).high == pytest.approx(
        2 * clopper_pearson(0, n, confidence).high - 1
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson(5, 10, 95), "confidence must lie strictly between 0 and 1, got 95"),
        (lambda: wilson(11, 10), "got 11 of 10"),
        (lambda: clopper_pearson(-1, 10), "got -1 of 10"),
        (lambda: newcombe(0, 0, 1, 2), "got 0 of 0"),
        (lambda: wilson(math.nan, 10), "got nan of 10"),
        (lambda: mean_interval([1.0]), "1 privacy unit given, at least 2"),
        (lambda: mean_interval([]), "0 privacy unit given"),
        (lambda: mean_interval([1.0, 2.0], units=["a", "a"]), "1 privacy unit given"),
        (lambda: mean_interval([1.0, math.nan]), "finite"),
        (lambda: mean_interval([1.0, 2.0], units=[0]), r"units has shape \(1,\), expected \(2,\)"),
        (lambda: unanimity_interval(2.0, 10), "value within"),
        (lambda: unanimity_interval(0.5, 0), "units >= 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_intervals_name_their_ends() -> None:
    assert wilson(1, 2) == Interval(low=wilson(1, 2).low, high=wilson(1, 2).high)
