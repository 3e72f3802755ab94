"""One table for checks that work on every modality: images, texts and recordings, with leaks and without."""

import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from tests.audit.contents import leaked, thirds

MODALITIES = ["image", "text", "audio"]
ATTACKS = ["membership.classifier", "membership.density-ratio", "membership.distance", "memorization.copies"]
POLICY = default_policy().model_copy(update={"draws": 400})


def probe(attack, published, data, seed=0):
    subject = Subject(records_target(published, data.modality), data, POLICY, seed)
    return all_checks()[attack]().run(subject)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_copies_of_half_of_train_are_found(modality, attack):
    data, fresh = thirds(modality, 0)
    finding, _ = probe(attack, leaked(data, fresh, 0.5), data)
    assert finding.status == "fail", finding.why
    assert finding.figures


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_fresh_records_raise_no_alarm(modality, attack):
    data, fresh = thirds(modality, 1)
    finding, gates = probe(attack, fresh, data, seed=1)
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}, finding.why
    assert finding.controls.negative.status == "quiet"
    assert finding.controls.drift.status == "quiet"


@pytest.mark.parametrize("modality", MODALITIES)
def test_careless_copies_are_near_copies_and_no_exact_ones(modality):
    data, fresh = thirds(modality, 2)
    finding, gates = probe("memorization.copies", leaked(data, fresh, 0.2, careless=True), data)
    exact, near = finding.estimates
    assert exact.value == 0
    assert near.low <= 0.2 <= near.high
    assert {gate.estimate: gate.status for gate in gates}["excess_near_copies"] == "fail"
