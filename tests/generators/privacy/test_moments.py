from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generators.privacy.moments import noisy_quantile, noisy_scatter, noisy_sums, semicircle_edge, without_noise

Floats = npt.NDArray[np.float64]

LENGTH, GROUPS, RADIUS = 4, 3, 2.0
VECTORS = arrays(np.float64, (5, LENGTH), elements=st.floats(-1e3, 1e3))
PLACES = arrays(np.int64, (5,), elements=st.integers(0, GROUPS - 1))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sums(vectors: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """What noise of deviation 1 is added to: the sums and counts, both over sqrt(2)."""
    found, counts = noisy_sums(vectors, groups, GROUPS, radius=RADIUS, noise=0, rng=rng())
    return np.concatenate([found / RADIUS, counts[:, None]], axis=1).ravel() / math.sqrt(2)


def scatter(vectors: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """What noise of deviation 1 is added to: upper triangles, entries off the diagonal times sqrt(2)."""
    found = noisy_scatter(vectors, groups, GROUPS, radius=RADIUS, noise=0, rng=rng()) / RADIUS**2
    weights = np.where(np.eye(LENGTH) > 0, 1.0, math.sqrt(2))
    return (weights * found)[:, *np.triu_indices(LENGTH)].ravel()


@pytest.mark.parametrize("statistic", [sums, scatter])
@settings(max_examples=100, deadline=None)
@given(VECTORS, PLACES)
def test_a_vector_more_or_less_changes_a_statistic_by_at_most_one(
    statistic: Callable[[Floats, npt.NDArray[np.int64]], Floats], vectors: Floats, groups: npt.NDArray[np.int64]
) -> None:
    change = statistic(vectors, groups) - statistic(vectors[1:], groups[1:])
    assert np.linalg.norm(change) <= 1 + 1e-9


@pytest.mark.parametrize("statistic", [sums, scatter])
def test_the_sensitivity_is_reached(statistic: Callable[[Floats, npt.NDArray[np.int64]], Floats]) -> None:
    for vector in (np.eye(LENGTH)[:1], np.full((1, LENGTH), 0.5)):
        assert np.linalg.norm(statistic(9 * vector, np.array([1]))) == pytest.approx(1)


def test_noise_on_sums_and_counts_has_the_stated_deviation() -> None:
    found, counts = noisy_sums(np.zeros((1, 99)), np.array([0]), 4000, radius=RADIUS, noise=3, rng=rng())
    assert found.std() == pytest.approx(3 * math.sqrt(2) * RADIUS, rel=0.01)
    assert counts.std() == pytest.approx(3 * math.sqrt(2), rel=0.05)


def test_noise_on_scatter_is_that_of_the_stacked_triangle() -> None:
    noise = noisy_scatter(np.zeros((1, 5)), np.array([0]), 20_000, radius=RADIUS, noise=3, rng=rng())
    np.testing.assert_array_equal(noise, noise.swapaxes(1, 2))
    on = np.eye(5, dtype=bool)
    assert noise[:, on].std() == pytest.approx(3 * RADIUS**2, rel=0.02)
    assert noise[:, ~on].std() == pytest.approx(3 * RADIUS**2 / math.sqrt(2), rel=0.02)
    triangles = noise[:, *np.triu_indices(5)]
    correlations = np.corrcoef(triangles.T) - np.eye(15)
    assert np.abs(correlations).max() < 0.04


def test_noise_alone_fills_the_semicircle() -> None:
    noise = noisy_scatter(np.zeros((1, 400)), np.array([0]), 1, radius=RADIUS, noise=3, rng=rng())[0]
    edge = semicircle_edge(400, 3 * RADIUS**2)
    values = np.linalg.eigvalsh(noise)
    assert np.abs(values).max() == pytest.approx(edge, rel=0.05)
    assert np.mean(values**2) == pytest.approx(edge**2 / 4, rel=0.02)  # the semicircle's variance


def test_taking_noise_off_comes_closer_to_the_truth_than_any_other_weights() -> None:
    axis = np.linalg.qr(rng(1).normal(size=(300, 300)))[0][:, :3]
    truth = (axis * [90.0, 60.0, -50.0]) @ axis.T
    square = rng(2).normal(size=(300, 300))
    noisy = truth + (square + square.T) / 2
    found = without_noise(noisy, 1.0)
    assert np.linalg.matrix_rank(found, tol=8.0) == 3  # next to the edge, one of noise's own may pass by a little
    assert np.linalg.norm(found - truth) < 0.9 * np.linalg.norm(noisy - truth)
    values, axes = np.linalg.eigh(noisy)
    for place in (0, -2, -1):  # the best weight of a direction that was found is its own quadratic form in the truth
        best = axes[:, place] @ truth @ axes[:, place]
        assert np.sign(values[place]) * math.sqrt(values[place] ** 2 - semicircle_edge(300, 1.0) ** 2) == pytest.approx(
            best, rel=0.06
        )
    np.testing.assert_array_equal(without_noise(noisy, 0.0), noisy)


@pytest.mark.parametrize("scale", [0.5, 1.0, 40.0])
def test_a_quantile_is_read_off_to_within_a_cell(scale: float) -> None:
    norms = scale * np.abs(rng().normal(1, 0.2, 4000))
    found = noisy_quantile(norms, share=0.3, largest=64.0, noise=5.0, rng=rng())
    exact = float(np.quantile(norms, 0.7))
    assert exact / 2**0.26 < found < exact * 2**0.26


def test_norms_beyond_the_largest_count_as_it_and_small_ones_are_not_lost() -> None:
    norms = np.array([0.0, 1e-9, 3.0, 99.0])
    assert noisy_quantile(norms, share=0.1, largest=4.0, noise=0, rng=rng()) == 4.0
    assert noisy_quantile(norms * 0, share=0.1, largest=4.0, noise=0, rng=rng()) == pytest.approx(4 * 2 ** (-31 / 4))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (6,), elements=st.floats(0, 1e4)))
def test_a_norm_falls_into_one_cell_of_the_histogram(norms: Floats) -> None:
    """With the noise taken off, what lies beyond is right: no more than the share, and more with one cell less."""
    found = noisy_quantile(norms, share=0.4, largest=4.0, noise=0, rng=rng())
    inside = np.minimum(norms, 4.0)
    assert (inside > found).sum() <= 0.4 * 6
    if found > 4.0 * 2 ** (-31 / 4):
        assert (inside > found * 2**-0.25 * (1 + 1e-12)).sum() > 0.4 * 6
