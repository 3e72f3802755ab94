from __future__ import annotations

import math
import time
import warnings

import pytest

from generators import InputError, PrivacyBudget, plan_training
from generators.privacy import dp_sgd_epsilon, noise_for

GRID = [(0.01, 1.0, 1000, 1e-5), (0.03, 0.8, 500, 1e-5), (0.1, 2.0, 300, 1e-6), (0.3, 5.0, 200, 1e-5)]


@pytest.mark.parametrize(("q", "sigma", "steps", "delta"), GRID)
def test_epsilon_agrees_with_the_prv_accountant(q: float, sigma: float, steps: int, delta: float) -> None:
    from opacus.accountants import PRVAccountant

    reference = PRVAccountant()
    reference.history = [(sigma, q, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference.get_epsilon(delta)
    assert dp_sgd_epsilon(q, sigma, steps, delta) == pytest.approx(expected, rel=0.01)


def test_one_unsampled_step_is_the_gaussian_mechanism() -> None:
    from scipy.stats import norm

    sigma, delta = 3.0, 1e-5
    epsilon = dp_sgd_epsilon(1.0, sigma, 1, delta)
    exact = norm.cdf(0.5 / sigma - epsilon * sigma) - math.exp(epsilon) * norm.cdf(-0.5 / sigma - epsilon * sigma)
    assert exact == pytest.approx(delta, rel=0.02)
    assert exact <= delta


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
    ({"epsilon": 1, "delta": 1}, "delta is 1"),
    ({"epsilon": 1, "delta": 0.9}, r"delta is 0.9, expected a number in \(0, 0.1\] and well below 1/records"),
    ({"epsilon": 1, "delta": 1e-5, "unit": "person"}, "privacy unit 'person'"),
    ({"epsilon": 1, "delta": 1e-5, "relation": "replace-one"}, "neighbouring relation 'replace-one'"),
    ({"epsilon": 1, "delta": 1e-5, "n_public": False}, "n_public=False is not available"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_BUDGETS, ids=[message for _, message in BAD_BUDGETS])
def test_bad_budgets(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PrivacyBudget(**fields)  # type: ignore[arg-type]


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="need 0 < q"):
        dp_sgd_epsilon(0, 1, 10, 1e-5)
    with pytest.raises(InputError, match="sigma is 0"):
        dp_sgd_epsilon(0.1, 0.0, 10, 1e-5)
    with pytest.raises(InputError, match="need positive"):
        plan_training(PrivacyBudget(1, 1e-5), records=100, batch_size=10, epochs=0)


def test_plan_keeps_budget_and_denominator() -> None:
    plan = plan_training(PrivacyBudget(3, 1e-5), records=1000, batch_size=64, epochs=5)
    assert plan.expected_batch_size == 64
    assert plan.steps == 79
    assert plan.epsilon <= 3
    with pytest.warns(UserWarning, match="is not below 1/1000 records"):
        plan_training(PrivacyBudget(3, 1e-3), records=1000, batch_size=64, epochs=1)
