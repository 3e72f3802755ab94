"""Leaks of known size must be found, and fresh real records must raise no alarm."""

import pytest

from audit import run_audit
from tests.audit.planting import affairs, alarms, copied, privacy_audit, randhie, thirds

SEEDS = [pytest.param(seed, marks=pytest.mark.slow if seed else ()) for seed in range(10)]


@pytest.fixture(scope="session")
def adult(shared_data):
    from generators import load_dataset

    return load_dataset(shared_data / "anonymeter_adults/adults_train_reconstructed.csv.gz")


@pytest.mark.parametrize("seed", SEEDS)
def test_adult_copies_fail(adult, seed):
    data, fresh = thirds(adult, seed, 3000)
    assert "fail" in alarms(privacy_audit(copied(data, fresh, 0.05), data, seed)).values()


@pytest.mark.parametrize("seed", SEEDS)
def test_adult_near_copies_warn(adult, seed):
    data, fresh = thirds(adult, seed, 3000)
    assert alarms(privacy_audit(copied(data, fresh, 0.02, jitter=0.01, seed=seed), data, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_adult_fresh_records_are_left_alone(adult, seed):
    data, fresh = thirds(adult, seed, 3000)
    assert alarms(privacy_audit(fresh, data, seed)) == {}


@pytest.mark.parametrize("source", [affairs, pytest.param(randhie, marks=pytest.mark.slow)])
def test_copies_on_coarse_data_warn_in_nine_of_ten(source):
    found = 0
    for seed in range(10):
        data, fresh = source(seed)
        found += bool(alarms(privacy_audit(copied(data, fresh, 0.05), data, seed)))
    assert found >= 9


@pytest.mark.parametrize("source", [affairs, pytest.param(randhie, marks=pytest.mark.slow)])
def test_fresh_coarse_records_never_fail(source):
    for seed in range(10):
        data, fresh = source(seed)
        assert "fail" not in alarms(privacy_audit(fresh, data, seed)).values()


@pytest.mark.slow
def test_no_check_of_any_family_accuses_fresh_records():
    data, fresh = affairs(0)
    audit = run_audit(fresh, data, ["membership", "anonymity", "memorization"])
    assert alarms(audit) == {}
    assert "error" not in {finding.status for finding in audit.findings}


def test_a_synthetic_file_identical_to_train_fails_loudly():
    data, _ = affairs(0)
    audit = privacy_audit(data.train, data)
    assert audit.status == "fail"
    assert {gate.finding for gate in audit.gates if gate.status == "fail"} >= {
        "memorization.copies",
        "membership.distance",
    }


def test_a_few_copies_are_not_hidden_by_a_small_synthetic_file():
    data, _ = affairs(0)
    audit = privacy_audit(data.train.iloc[:120], data)
    assert alarms(audit)["memorization.copies/excess_copies"] == "fail"
