"""Bounds stay below what is true as often as they promise, and come near to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audit.dp.accounting import epsilon_from_below, noise_of
from audit.dp.assumptions import assumption_tests
from audit.dp.gaussian import best_threshold, counted, epsilon_of
from audit.dp.one_run import BOUNDS, best_number, guess, likelihood_ratios, simulated
from audit.dp.tested import failed
from generators.privacy import dp_sgd_epsilon
from tests.audit.dp.simulated import PLAN, ideal, without_signal

AUDITS = 400


def most(audits: int, share: float) -> int:
    """More errors than this happen once in a thousand times if they are made with this probability."""
    return int(stats.binom.ppf(0.999, audits, share))


@pytest.mark.parametrize(("q", "sigma", "steps"), [(0.2, 2.0, 60), (0.05, 1.0, 200), (1.0, 5.0, 20)])
def test_epsilon_from_below_is_below_and_near(q: float, sigma: float, steps: int) -> None:
    below, above = epsilon_from_below(q, sigma, steps, 1e-5), dp_sgd_epsilon(q, sigma, steps, 1e-5)
    assert 0.98 * above < below <= above


def test_twice_the_claim_has_less_noise() -> None:
    sigma = noise_of(2.0, 1e-5, 0.2, 60)
    assert epsilon_from_below(0.2, sigma, 60, 1e-5) == pytest.approx(2.0, rel=0.03)


def test_runs_without_a_signal_show_no_epsilon_step_by_step() -> None:
    threshold = best_threshold(PLAN, 200)
    wrong = sum(counted(without_signal(seed), threshold).mu(0.95) > 0 for seed in range(AUDITS))
    assert wrong <= most(AUDITS, 0.05)


@pytest.mark.parametrize("name", BOUNDS)
def test_scores_without_a_signal_show_no_epsilon_in_one_run(name: str) -> None:
    bound, _ = BOUNDS[name]
    rng = np.random.default_rng(0)
    made = best_number(simulated(PLAN, PLAN.noise_multiplier, 200, 4, rng), bound, 1e-5)
    wrong = 0
    for _ in range(AUDITS):
        coins = rng.random(200) < 0.5
        found = guess(rng.standard_normal(200), coins, made, rng)
        wrong += bound(200, made, found.right, 1e-5, 0.95) > 0
    assert wrong <= most(AUDITS, 0.05)


def test_step_by_step_bounds_hold_and_are_near() -> None:
    truth = epsilon_from_below(PLAN.sampling_rate, PLAN.noise_multiplier, PLAN.steps, PLAN.delta)
    threshold = best_threshold(PLAN, 400)
    mus = [counted(ideal(seed, 400), threshold).mu(0.95) for seed in range(60)]
    assert sum(mu > 1 / PLAN.noise_multiplier for mu in mus) <= most(60, 0.05)
    steps = counted(ideal(0, 1500), best_threshold(PLAN, 1500))
    assert 0.85 * truth < epsilon_of(steps, PLAN, PLAN.delta, 0.95) < truth


def test_less_noise_than_claimed_shows_more_than_the_claim() -> None:
    steps = counted(ideal(1, 1500, sigma=1.0), best_threshold(PLAN, 1500))
    assert epsilon_of(steps, PLAN, PLAN.delta, 0.9995) > 1.5 * PLAN.epsilon


def test_sound_runs_fail_no_test() -> None:
    level = 0.01
    accused = sum(bool(failed(assumption_tests(ideal(seed)), level)) for seed in range(AUDITS // 2))
    assert accused <= most(AUDITS // 2, level)


def test_more_noise_than_claimed_is_no_fault() -> None:
    assert not failed(assumption_tests(ideal(3, sigma=2 * PLAN.noise_multiplier)), 0.0005)


def test_likelihood_ratios_of_large_numbers_stay_finite() -> None:
    assert np.isfinite(likelihood_ratios(np.full((3, 2), 1e6, dtype=np.float32), 0.1, 0.2)).all()


def test_scores_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="1 scores are not a number"):
        guess(np.array([0.0, np.nan]), np.array([True, False]), 2, np.random.default_rng(0))


def test_ties_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    coins = rng.random(4000) < 0.5
    assert abs(guess(np.zeros(4000), coins, 4000, rng).right - 2000) < 200
