"""Distances of features equal those of other implementations, live where they are installed."""

import numpy as np
import pytest

from audit.measures import frechet_distance, shared_manifolds

RNG = np.random.default_rng(1)


def test_frechet_of_gaussians_is_the_closed_form():
    first = RNG.normal(size=(4000, 3))
    first = (first - first.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(first.T)).T)
    assert frechet_distance(first, 2 * first + [1, 0, 0]) == pytest.approx(1 + 3 * (2 - 1) ** 2, abs=1e-9)


@pytest.mark.parametrize("records", [500, 40])
def test_frechet_from_a_sample_to_itself_is_nothing(records):
    rows = RNG.normal(size=(records, 64))
    assert frechet_distance(rows, rows[RNG.permutation(records)]) < 1e-9


def test_frechet_equals_torch_fidelity():
    peer = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity is not installed")
    first, second = RNG.normal(size=(600, 64)), RNG.normal(0.1, 1.1, (500, 64))
    statistics = [{"mu": one.mean(axis=0), "sigma": np.cov(one, rowvar=False)} for one in (first, second)]
    expected = peer.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-6)


def test_a_discrete_table_covers_itself():
    table = RNG.integers(0, 3, (300, 2)).astype(float)
    found = shared_manifolds(table, table)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(1, abs=0.05)


def test_manifolds_equal_prdc_on_continuous_data():
    peer = pytest.importorskip("prdc", reason="prdc is not installed")
    real, made = RNG.normal(size=(400, 5)), RNG.normal(0.3, 0.8, (300, 5))
    expected = peer.compute_prdc(real_features=real, fake_features=made, nearest_k=5)
    assert shared_manifolds(real, made)._asdict() == pytest.approx(expected, abs=1e-9)


def test_too_few_records_are_an_error():
    with pytest.raises(ValueError, match="no 5-th neighbour"):
        shared_manifolds(np.zeros((5, 2)), np.zeros((9, 2)))
