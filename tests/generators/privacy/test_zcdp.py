from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from generators import InputError, PrivacyBudget
from generators.privacy import Event, composed_epsilon
from generators.privacy.zcdp import Counter, zcdp_rho


def textbook(rho: float, delta: float) -> float:
    """Canonne, Kamath and Steinke 2020, proposition 12, minimised over the order."""

    def at(u: float) -> float:
        order = 1 + math.exp(u)
        return rho * order + math.log(1 / (order * delta)) / (order - 1) + math.log1p(-1 / order)

    return float(minimize_scalar(at, bounds=(-7, 15), method="bounded").fun)


@pytest.mark.parametrize("rho", [1e-4, 0.02, 0.5, 3.0])
@pytest.mark.parametrize("delta", [1e-9, 1e-5, 1e-2])
def test_epsilon_is_the_textbooks(rho: float, delta: float) -> None:
    exact = textbook(rho, delta)
    ours = composed_epsilon([Event("select-measure", rho=rho)], delta)
    assert exact * (1 - 1e-6) - 1e-9 <= ours <= max(exact, 0) * 1.01 + 1e-4


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 50), st.sampled_from([1e-9, 1e-5, 1e-2]))
def test_a_budget_is_kept_and_nearly_spent(epsilon: float, delta: float) -> None:
    budget = PrivacyBudget(epsilon, delta)
    spent = composed_epsilon([Event("select-measure", rho=zcdp_rho(budget))], delta)
    assert 0.99 * epsilon <= spent <= epsilon


def test_senseless_costs_are_refused() -> None:
    with pytest.raises(InputError, match="select-measure: its strength is -1"):
        Event("select-measure", rho=-1)


CODES = np.array([[0, 1], [1, 1], [1, 2]])


def test_without_a_budget_answers_are_exact() -> None:
    counter = Counter(CODES, (2, 3), math.inf)
    table, deviation = counter.measure((1, 0), math.inf)
    assert table.tolist() == [[0, 0], [1, 1], [0, 1]]
    assert deviation == 0
    assert counter.choose([1.0, 3.0, 2.0], math.inf) == 1
    assert counter.distance((0,), np.array([0.0, 0.0])) == 3


def test_noise_has_the_stated_deviation() -> None:
    counter = Counter(np.zeros((1, 1), dtype=np.int64), (20_000,), 1.0)
    table, deviation = counter.measure((0,), 0.02)
    assert deviation == pytest.approx(5.0)
    assert (table - np.eye(1, 20_000)[0]).std() == pytest.approx(5.0, rel=0.05)


def test_choices_follow_the_exponential_mechanism() -> None:
    rho, scores = 0.5, [0.0, 1.0, 2.0]
    counter = Counter(CODES, (2, 3), rho * 20_000, test_seed=0)
    counts = np.bincount([counter.choose(scores, rho) for _ in range(20_000)], minlength=3)
    weights = np.exp(math.sqrt(8 * rho) / 2 * np.array(scores))
    np.testing.assert_allclose(counts / 20_000, weights / weights.sum(), atol=0.015)


def test_a_record_more_or_less_changes_tables_and_distances_by_one() -> None:
    expected = np.full((2, 3), 0.7)
    more, less = Counter(CODES, (2, 3), math.inf), Counter(CODES[1:], (2, 3), math.inf)
    tables = [one.measure((0, 1), math.inf)[0] for one in (more, less)]
    assert np.linalg.norm(tables[0] - tables[1]) == 1
    assert abs(more.distance((0, 1), expected) - less.distance((0, 1), expected)) <= 1


def test_overspending_is_refused() -> None:
    counter = Counter(CODES, (2, 3), 1.0)
    counter.measure((0,), 0.6)
    with pytest.raises(RuntimeError, match="budget"):
        counter.measure((1,), 0.6)


def test_noise_comes_from_the_operating_system() -> None:
    draws = [Counter(CODES, (2, 3), 1.0, test_seed=seed).measure((0,), 1.0)[0] for seed in (None, None, 3, 3)]
    assert not np.array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[2], draws[3])
