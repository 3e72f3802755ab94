"""A private target can pass an attack with shadow models, and never by a control that is blind."""

import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.checks.attack import as_they_are
from audit.membership.shadows import UNPAID, Shadows, shadows_for
from audit.targets import model_target
from generators import PrivacyBudget
from tests.audit.membership.kernel import Blurred, Forgetful, public_people

BUDGET = PrivacyBudget(epsilon=2, delta=1e-4)
LIMITS = {
    # So high that few people suffice to decide.
    "auc": {"limit": 0.62, "reason": "the test"},
    "tpr_at_fpr_0.1": None,
    "tpr_at_fpr_0.01": None,
}
POLICY = default_policy().override({"shadows": 16, "draws": 300, "limits": {"membership.*": LIMITS}}, "the test")


def subject_of(model, data, policy=POLICY):
    return Subject(model_target(model, len(data.train), 0), data, policy, 0)


@pytest.fixture(scope="module")
def blurred():
    data = public_people(700)
    return subject_of(Blurred(width=0.2).fit(data, BUDGET), data)


@pytest.mark.parametrize("attack", ["membership.lira", "membership.lira-offline", "membership.rmia"])
def test_a_private_target_passes_where_a_planted_leak_is_found(attack, blurred):
    finding, gates = all_checks()[attack]().run(blurred)
    assert finding.controls.positive.status == "detected", finding.controls.positive.why
    assert "without a privacy budget" in finding.controls.positive.why
    assert [gate.status for gate in gates] == ["pass"], finding.why


def test_the_planted_leak_is_compared_with_shadows_trained_as_it_was(blurred):
    planted = blurred.retrained.planted(0.24, "copies", as_they_are)
    assert planted.model.ledger_.claim is None
    assert all(model.ledger_.claim is None for model in shadows_for(planted, blurred).models)
    assert len(shadows_for(planted, blurred).models) == UNPAID
    for case in (blurred.retrained.main, blurred.retrained.negative, *blurred.retrained.drift):
        assert case.model.ledger_.claim is not None
        assert shadows_for(case, blurred) is blurred.shared(Shadows)
    assert all(model.ledger_.claim is not None for model in blurred.shared(Shadows).models)


def test_a_kind_that_learns_nobody_by_heart_does_not_pass():
    data = public_people(700)
    finding, gates = all_checks()["membership.lira"]().run(subject_of(Forgetful(width=0.2).fit(data, BUDGET), data))
    assert finding.controls.positive.status == "missed"
    assert [gate.status for gate in gates] == ["inconclusive"]
