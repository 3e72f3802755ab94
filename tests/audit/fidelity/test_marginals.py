import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from audit.checks import Subject, default_policy
from audit.fidelity import Marginals
from audit.targets import records_target
from tests.audit.planting import affairs


def probe(records, data):
    return Marginals().run(Subject(records_target(records), data, default_policy(), 0))[0]


def test_distances_are_ks_and_total_variation():
    data, _ = affairs(0)
    check = Marginals()
    check.run(Subject(records_target(data.reference), data, default_policy(), 0))
    found = check._compared["synthetic"]
    assert found.size == len(data.reference)  # all of them, so that they can be compared with other implementations
    for name, (distance, moved) in zip(found.labels, found.values, strict=True):
        ours, real = data.reference[name], data.holdout[name]
        if data.schema[name].is_number:
            assert distance == pytest.approx(ks_2samp(ours, real).statistic)
            low, high = np.quantile(real, [0.01, 0.99])
            assert moved == pytest.approx(wasserstein_distance(ours, real) / np.clip(real.to_numpy(), low, high).std())
        else:
            shares = [series.value_counts(normalize=True) for series in (ours, real)]
            assert distance == pytest.approx(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


def test_real_records_lie_at_the_floor_and_damage_is_detected():
    data, fresh = affairs(0)
    finding = probe(fresh, data)
    mean = finding.estimates[0]
    assert finding.status == "manual"
    assert finding.controls.positive.status == "detected"
    assert mean.low <= finding.controls.negative.estimates[0].high
    assert mean.value < 0.05


def test_a_collapsed_column_is_the_worst_one():
    data, fresh = affairs(0)
    finding = probe(fresh.assign(age=fresh["age"].iloc[0]), data)
    assert finding.figures[0].data["columns"][0] == "age"
    assert finding.estimates[1].low > 0.3


def test_a_missing_value_is_a_value():
    data, fresh = affairs(0)
    gone = fresh.assign(age=np.where(np.arange(len(fresh)) % 2, np.nan, fresh["age"]))
    finding = probe(gone, data)
    assert finding.figures[0].data["columns"][0] == "age"
    assert finding.estimates[1].value == pytest.approx(0.5, abs=0.05)
