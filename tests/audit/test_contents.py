"""One table for checks that work on every modality: images, texts and recordings, with leaks and without."""

from functools import cache

import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from tests.audit.contents import leaked, thirds

MODALITIES = ["image", "text", "audio"]
ATTACKS = ["membership.classifier", "membership.density-ratio", "membership.distance", "memorization.copies"]
POLICY = default_policy().model_copy(update={"draws": 400})


@cache
def subject(modality, share, careless=False):
    """Fresh records with a share of train among them; attacks on the same ones share their searches."""
    data, fresh = thirds(modality, int(10 * share))
    return Subject(records_target(leaked(data, fresh, share, careless=careless), modality), data, POLICY, 0)


def probe(attack, *asked, **more):
    return all_checks()[attack]().run(subject(*asked, **more))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_copies_of_half_of_train_are_found(modality, attack):
    finding, _ = probe(attack, modality, 0.5)
    assert finding.status == "fail", finding.why
    assert finding.figures


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_fresh_records_raise_no_alarm(modality, attack):
    finding, gates = probe(attack, modality, 0.0)
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}, finding.why
    assert finding.controls.negative.status == "quiet"
    assert finding.controls.drift.status == "quiet"


@pytest.mark.parametrize("modality", MODALITIES)
def test_careless_copies_are_near_copies_and_no_exact_ones(modality):
    finding, gates = probe("memorization.copies", modality, 0.2, careless=True)
    exact, near = finding.estimates
    assert exact.value == 0
    assert near.low <= 0.2 <= near.high
    assert {gate.estimate: gate.status for gate in gates}["excess_near_copies"] == "fail"
