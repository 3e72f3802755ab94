"""Lower bounds on epsilon: published values, exact small cases, and mechanisms whose epsilon is known."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from audit.statistics import (
    gaussian_bound,
    gaussian_epsilon,
    gaussian_one_run_bound,
    many_runs_bound,
    one_run_bound,
    one_run_ceiling,
)


@pytest.mark.parametrize(
    ("canaries", "guesses", "correct", "delta", "expected"),
    [
        (100, 100, 75, 0.0, 0.702),
        (100, 100, 75, 1e-4, 0.699),
        (1000, 100, 75, 1e-4, 0.673),
        (100_000, 1510, 1439, 1e-5, 2.676),
    ],
)
def test_the_one_run_bound_is_that_of_the_authors(canaries, guesses, correct, delta, expected):
    """Reference: the code that Steinke, Nasr and Jagielski (2023) publish in their appendix D."""
    assert one_run_bound(canaries, guesses, correct, delta) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("canaries", "ceiling"), [(100, 3.49), (1000, 5.78), (10_000, 7.83)])
def test_no_run_can_show_more_than_its_ceiling(canaries, ceiling):
    assert one_run_ceiling(canaries, 1e-5) == pytest.approx(ceiling, abs=5e-3)


def test_without_delta_the_bound_is_that_of_a_coin():
    """Randomised response answers right with probability q: the exact binomial limit of q is the bound."""
    limit = stats.beta.ppf(0.05, 75, 26)
    assert one_run_bound(100, 100, 75, 0.0) == pytest.approx(math.log(limit / (1 - limit)), abs=1e-6)


@pytest.mark.parametrize("bound", [one_run_bound, gaussian_one_run_bound])
def test_a_bound_grows_with_what_was_guessed_right_and_falls_with_confidence(bound):
    found = [bound(500, 100, correct, 1e-5) for correct in (50, 70, 85, 100)]
    assert found[0] == 0
    assert found == sorted(found)
    assert bound(500, 100, 85, 1e-5, 0.999) < bound(500, 100, 85, 1e-5)


def test_abstaining_costs_something_but_less_than_guessing_at_random():
    assert one_run_bound(1000, 100, 90, 1e-5) < one_run_bound(100, 100, 90, 1e-5)
    assert one_run_bound(1000, 100, 90, 1e-5) > one_run_bound(1000, 1000, 90 + 450, 1e-5)


@pytest.mark.parametrize("epsilon", [1.0, 3.0])
@pytest.mark.parametrize("bound", [one_run_bound, gaussian_one_run_bound])
def test_one_run_bounds_of_a_gaussian_mechanism_hold_and_say_something(bound, epsilon):
    """Canaries with independent normal noise of the size that epsilon allows; the number of guesses is fixed."""
    delta, m, k = 1e-5, 1000, 60
    mu = brentq(lambda one: gaussian_epsilon(one, delta) - epsilon, 1e-3, 20)
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        included = rng.integers(0, 2, m)
        order = np.argsort(rng.normal(size=m) + mu * included)
        right = included[order[-k:]].sum() + (1 - included[order[:k]]).sum()
        found.append(bound(m, 2 * k, int(right), delta))
    # At 95% three of 60 may exceed the truth on average; more than eight would, one time in a hundred thousand.
    assert sum(one > epsilon for one in found) <= 8
    assert np.mean(found) > 0.1 * epsilon


@pytest.mark.parametrize("mu", [0.5, 2.0, 5.0])
def test_gaussian_epsilon_solves_its_equation(mu):
    epsilon = gaussian_epsilon(mu, 1e-5)
    delta = stats.norm.cdf(-epsilon / mu + mu / 2) - math.exp(epsilon) * stats.norm.cdf(-epsilon / mu - mu / 2)
    assert delta == pytest.approx(1e-5, rel=1e-6)


def test_many_runs_need_very_many_and_a_gaussian_needs_few():
    """Ideal scores of a mechanism with epsilon 10: the assumption-free bound is far from it, as is known."""
    epsilon, mu = 10.0, 2.0
    assert gaussian_epsilon(mu, 1e-5) == pytest.approx(epsilon, abs=0.01)
    for runs, threshold, low, high in ((200, 2.6, 1.8, 2.6), (10_000, 3.4, 4.2, 4.7), (1_000_000, 4.5, 6.4, 6.7)):
        wrong = round(runs * stats.norm.sf(threshold)), runs, round(runs * stats.norm.cdf(threshold - mu)), runs
        assert low < many_runs_bound(*wrong, 1e-5) < high
    missed = round(200 * stats.norm.sf(1.0))
    assert 7 < gaussian_epsilon(gaussian_bound(missed, 200, missed, 200), 1e-5) < epsilon


def test_many_runs_bounds_hold():
    rng = np.random.default_rng(2)
    mu, runs, exceeded = 1.0, 300, np.zeros(2)
    epsilon = gaussian_epsilon(mu, 1e-5)
    for _ in range(400):
        false_positives, false_negatives = rng.binomial(runs, stats.norm.sf([0.5, 0.5])).tolist()
        bound = gaussian_bound(false_positives, runs, false_negatives, runs)
        certified = many_runs_bound(false_positives, runs, false_negatives, runs, 1e-5)
        exceeded += [bound > mu, certified > epsilon]
    assert (exceeded <= stats.binom.ppf(0.999, 400, 0.05)).all()


def test_errors_of_a_coin_show_nothing():
    assert many_runs_bound(100, 200, 100, 200, 1e-5) == 0
    assert gaussian_bound(100, 200, 100, 200) == 0
    assert gaussian_bound(150, 200, 150, 200) == 0  # a test that is wrong more often than right


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: one_run_bound(100, 50, 60, 1e-5), "60 right of 50 guesses about 100 canaries is impossible"),
        (lambda: one_run_bound(10, 50, 20, 1e-5), "20 right of 50 guesses about 10 canaries"),
        (lambda: one_run_bound(100, 50, 20, 1.0), "delta is 1.0, expected at least 0 and below 1"),
        (lambda: gaussian_one_run_bound(100, 50, 20, 0.0), "delta is 0.0, expected above 0"),
        (lambda: gaussian_epsilon(-1.0, 1e-5), "mu is -1.0, expected at least 0"),
    ],
)
def test_impossible_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
