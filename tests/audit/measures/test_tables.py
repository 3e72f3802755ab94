"""Formulas on tables equal those of scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance
from sklearn.metrics import mutual_info_score

from audit.measures import (
    correlation,
    cramers_v,
    kolmogorov_smirnov,
    mutual_information,
    squared_mmd,
    total_variation,
    wasserstein,
)

RNG = np.random.default_rng(0)


def counted(first, second):
    values = np.unique(np.concatenate([first, second]))
    return [np.array([(one == value).sum() for value in values]) for one in (first, second)], values


def test_distances_of_numbers_equal_scipy():
    first, second = np.round(RNG.normal(0, 1, 300), 1), np.round(RNG.normal(0.3, 1.2, 200), 1)
    (mine, real), values = counted(first, second)
    assert kolmogorov_smirnov(mine, real) == pytest.approx(ks_2samp(first, second).statistic)
    assert wasserstein(mine, real, values) == pytest.approx(wasserstein_distance(first, second))


@pytest.mark.parametrize("formula", [total_variation, kolmogorov_smirnov])
def test_distances_run_from_equal_to_disjoint(formula):
    assert formula([3, 5, 2], [30, 50, 20]) == pytest.approx(0)
    assert formula([3, 0], [0, 7]) == pytest.approx(1)


def test_many_draws_at_once_equal_one_after_another():
    first, second = RNG.integers(0, 9, (6, 4)) + 1, RNG.integers(0, 9, (6, 4)) + 1
    for formula in (total_variation, kolmogorov_smirnov):
        alone = [float(formula(first[:, j], second[:, j])) for j in range(4)]
        assert formula(first, second) == pytest.approx(alone)


def test_no_weight_is_an_error():
    with pytest.raises(ValueError, match="without any weight"):
        total_variation([0, 0], [1, 1])


def test_association_equals_scipy_and_sklearn():
    first, second = RNG.integers(0, 4, 500), RNG.integers(0, 3, 500)
    second = np.where(RNG.random(500) < 0.5, first % 3, second)
    counts = np.zeros((4, 3))
    np.add.at(counts, (first, second), 1)
    expected = np.sqrt(chi2_contingency(counts, correction=False).statistic / 500 / 2)
    assert cramers_v(counts) == pytest.approx(expected)
    assert mutual_information(counts) == pytest.approx(mutual_info_score(first, second))
    both = np.stack([counts, 2 * counts], axis=2)
    assert cramers_v(both) == pytest.approx([expected, expected])


def test_weighted_correlation_equals_that_of_repeated_records():
    x, y = RNG.normal(size=(2, 80))
    weights = RNG.integers(0, 4, (80, 3))
    expected = [np.corrcoef(np.repeat(x, weights[:, j]), np.repeat(y, weights[:, j]))[0, 1] for j in range(3)]
    assert correlation(x, x + y, np.ones(80)) == pytest.approx(np.corrcoef(x, x + y)[0, 1])
    assert correlation(x, y, weights.astype(float)) == pytest.approx(expected)
    assert correlation(x, np.ones(80), np.ones(80)) == 0


def test_mmd_is_unbiased_and_sees_a_shift():
    from audit.measures import gaussian_kernel

    values = []
    for seed in range(60):
        rows = np.random.default_rng(seed).normal(size=(80, 3))
        first = (np.arange(80) < 40).astype(float)[:, None]
        values.append(squared_mmd(gaussian_kernel(rows))(first, 1 - first)[0])
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    rows[:40] += 2
    assert squared_mmd(gaussian_kernel(rows))(first, 1 - first)[0] > 10 * np.std(values)


def test_a_resample_is_not_compared_with_its_own_repetitions():
    kernel = np.eye(6)
    twice = np.array([2, 2, 0, 0, 0, 0])[:, None]
    assert squared_mmd(kernel)(twice, np.array([0, 0, 1, 1, 1, 1])[:, None]) == pytest.approx(0)
