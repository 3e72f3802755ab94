from __future__ import annotations

import math
import time

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from generators import InputError, PrivacyBudget, plan_training
from generators.privacy import Event, composed_epsilon, dp_sgd_epsilon, noise_for
from generators.privacy.accountant import prv_epsilon, renyi_epsilon

GRID = [
    (0.01, 1.0, 1000, 1e-5),
    (0.03, 0.8, 500, 1e-5),
    (0.1, 2.0, 300, 1e-6),
    (0.3, 5.0, 200, 1e-5),
    (0.002, 0.6, 5000, 1e-6),
    (1.0, 8.0, 50, 1e-5),
    (0.05, 1.1, 60, 1e-5),
]


@pytest.mark.parametrize(("q", "sigma", "steps", "delta"), GRID)
def test_epsilon_agrees_with_the_prv_accountant(q: float, sigma: float, steps: int, delta: float) -> None:
    expected = prv_epsilon([Event("dp-sgd", sigma, q, steps)], delta)
    ours = dp_sgd_epsilon(q, sigma, steps, delta)
    assert ours == pytest.approx(expected, rel=0.01)
    assert ours <= renyi_epsilon([Event("dp-sgd", sigma, q, steps)], delta)


@pytest.mark.parametrize(("sigma", "times"), [(1.0, 1), (3.0, 1), (8.0, 50), (100.0, 10_000), (0.5, 2)])
@pytest.mark.parametrize("delta", [1e-5, 1e-10])
def test_without_sampling_epsilon_is_the_closed_form_and_never_below(sigma: float, times: int, delta: float) -> None:
    """Balle and Wang 2018, theorem 8, for the Gaussian mechanism of the same total noise."""
    total = sigma / math.sqrt(times)

    def exact(epsilon: float) -> float:
        return norm.cdf(0.5 / total - epsilon * total) - math.exp(epsilon) * norm.cdf(-0.5 / total - epsilon * total)

    truth = brentq(lambda epsilon: exact(epsilon) - delta, 0, 200)
    for event in (Event("dp-sgd", sigma, 1.0, times), Event("gaussian", sigma, times=times)):
        ours = composed_epsilon([event], delta)
        assert truth * (1 - 1e-9) <= ours <= truth * 1.01


def test_deltas_that_rounding_would_drown_are_refused() -> None:
    with pytest.raises(InputError, match="the accountant bounds epsilon from 1e-11 on"):
        composed_epsilon([Event("dp-sgd", 100.0, 1.0, 10_000)], 1e-12)


def test_laplace_and_exponential_answers_have_their_textbook_cost() -> None:
    assert composed_epsilon([Event("laplace", 4.0)], 1e-10) == pytest.approx(0.25, rel=0.01)
    assert composed_epsilon([Event("exponential", pure=0.25)], 1e-10) == pytest.approx(0.25, rel=0.01)
    # Composed, purely private answers cost no more than the sum and no less than one.
    ten = composed_epsilon([Event("exponential", pure=0.25, times=10)], 1e-5)
    assert 0.25 < ten < 2.5


def test_different_uses_compose_in_any_order() -> None:
    uses = [Event("gaussian", 20.0, times=4), Event("laplace", 30.0), Event("dp-sgd", 1.2, 0.02, 400)]
    first = composed_epsilon(uses, 1e-5)
    assert composed_epsilon(uses[::-1], 1e-5) == pytest.approx(first, rel=0.005)
    assert first > composed_epsilon(uses[2:], 1e-5)
    assert first <= renyi_epsilon(uses, 1e-5)


def test_what_fails_outright_is_taken_off_delta() -> None:
    certain, failing = Event("gaussian", 5.0), Event("gaussian", 5.0, failure=5e-6)
    assert composed_epsilon([failing], 1e-5) == pytest.approx(composed_epsilon([certain], 5e-6))
    assert composed_epsilon([Event("gaussian", 5.0, failure=1e-5)], 1e-5) == math.inf


def test_what_was_paid_before_leaves_less_for_training() -> None:
    budget, before = PrivacyBudget(2, 1e-5), [Event("gaussian", 6.0)]
    alone, after = noise_for(budget, 0.05, 200), noise_for(budget, 0.05, 200, before)
    assert after > alone
    assert 1.98 <= composed_epsilon([*before, Event("dp-sgd", after, 0.05, 200)], 1e-5) <= 2


@pytest.mark.parametrize(("units", "delta"), [(100, 1e-5), (9_999, 1e-5), (10_000, 1e-5), (48_842, 2e-6), (1e6, 1e-7)])
def test_automatic_delta_is_a_tenth_of_one_over_units(units: float, delta: float) -> None:
    assert PrivacyBudget(1).resolved(units).delta == pytest.approx(delta)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0, 10.0])
@pytest.mark.parametrize(("q", "steps"), [(0.02, 1000), (0.3, 50)])
def test_noise_spends_the_budget_and_never_more(epsilon: float, q: float, steps: int) -> None:
    sigma = noise_for(PrivacyBudget(epsilon, 1e-5), q, steps)
    assert 0.99 * epsilon <= dp_sgd_epsilon(q, sigma, steps, 1e-5) <= epsilon


@pytest.mark.parametrize(("epsilon", "delta"), [(0.01, 1e-5), (0.015, 1e-5), (0.02, 1e-5), (0.3, 0.1)])
def test_tiny_budgets_and_large_deltas_are_planned_quickly(epsilon: float, delta: float) -> None:
    started = time.process_time()
    sigma = noise_for(PrivacyBudget(epsilon, delta), 0.1, 300)
    assert time.process_time() - started < 10  # about one second on an ordinary machine
    assert 0.99 * epsilon <= dp_sgd_epsilon(0.1, sigma, 300, delta) <= epsilon


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6])
def test_a_budget_that_no_noise_keeps_is_refused(epsilon: float) -> None:
    with pytest.raises(InputError, match=f"no usable noise keeps epsilon {epsilon:g}"):
        noise_for(PrivacyBudget(epsilon, 1e-9), 1.0, 300)


def test_a_generous_budget_still_gets_noise() -> None:
    assert noise_for(PrivacyBudget(1000, 1e-5), 0.5, 5) == pytest.approx(0.2)


BAD_BUDGETS = [
    ({"epsilon": 0, "delta": 1e-5}, "epsilon is 0"),
    ({"epsilon": math.inf, "delta": 1e-5}, "epsilon is inf"),
    ({"epsilon": math.nan, "delta": 1e-5}, "epsilon is nan"),
    ({"epsilon": 1, "delta": 0}, "delta is 0"),
    ({"epsilon": 1, "delta": 1}, "delta is 1,"),
    ({"epsilon": 1, "delta": 1e-14}, "delta is 1e-14"),
    ({"epsilon": 1, "delta": 0.9}, r"delta is 0.9, expected a number in \[1e-10, 0.1\] and well below 1/records"),
    ({"epsilon": 1, "delta": "much"}, "delta is much"),
    ({"epsilon": 1, "delta": 1e-5, "unit": "household"}, "privacy unit 'household'"),
    ({"epsilon": 1, "delta": 1e-5, "preprocessing": 0.7}, "preprocessing is 0.7"),
    ({"epsilon": 1, "delta": 1e-5, "relation": "replace-one"}, "neighbouring relation 'replace-one'"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_BUDGETS, ids=[message for _, message in BAD_BUDGETS])
def test_bad_budgets(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PrivacyBudget(**fields)  # type: ignore[arg-type]


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="need 0 < sampling_rate"):
        dp_sgd_epsilon(0, 1, 10, 1e-5)
    with pytest.raises(InputError, match="strength is 0"):
        dp_sgd_epsilon(0.1, 0.0, 10, 1e-5)
    with pytest.raises(InputError, match="need positive"):
        plan_training(PrivacyBudget(1, 1e-5), units=100, batch_size=10, epochs=0)


def test_plan_keeps_budget_and_denominator() -> None:
    plan = plan_training(PrivacyBudget(3, 1e-5), units=1000, batch_size=64, epochs=5)
    assert plan.expected_batch_size == 64
    assert plan.steps == 79
    assert plan.epsilon <= 3
    with pytest.warns(UserWarning, match="is not below 1/1000 units"):
        plan_training(PrivacyBudget(3, 1e-3), units=1000, batch_size=64, epochs=1)
