"""What was asked of the model counts in the combined score, with the access that it takes."""

import numpy as np
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.membership import record_risk
from audit.statistics import auc
from audit.targets import model_target
from tests.audit.membership.kernel import Kernel, fresh, people

POLICY = default_policy().override({"shadows": 8, "draws": 300}, "the test")
INSIDE = ("membership.combined", "membership.loss", "membership.lira-samples")


def subject_of(model, data, asked=INSIDE, access="white-box"):
    return Subject(model_target(model, len(data.train), 0, access), data, POLICY, 0, asked=asked)


@pytest.fixture(scope="module")
def data():
    return people(500)


@pytest.fixture(scope="module")
def leaky(data):
    # So narrow a kernel that samples tell little and the loss nearly everything.
    return subject_of(Kernel(width=0.6).fit(data), data)


def test_signals_of_the_model_are_combined_with_those_of_records(leaky):
    combined = all_checks()["membership.combined"]()
    finding, _ = combined.run(leaky)
    ids = [signal.id for signal in combined.signals(leaky)]
    assert {"membership.distance", "membership.lira-samples", "membership.loss"} <= set(ids)
    assert combined.together_with(leaky) == ["membership.lira-samples", "membership.loss"]
    assert finding.status == "fail", finding.why
    assert finding.threat_model.access == "white-box"
    assert "holds the model itself and reads off each record's loss" in finding.threat_model.knowledge
    assert "taught by repetition" in finding.controls.positive.why
    assert "taught by repetition" in finding.power["meaning"]
    assert [row[0] for row in finding.tables[0].rows] == [*ids, combined.id]
    without, _ = combined.run(subject_of(leaky.target.model, leaky.dataset, asked=()))
    assert without.threat_model.access == "synthetic-only"
    assert "by repetition" not in without.controls.positive.why
    assert finding.estimates[0].value > without.estimates[0].value + 0.05


@pytest.mark.parametrize("check", ["membership.exposed"])
def test_what_builds_on_it_says_what_it_takes(leaky, check):
    finding, _ = all_checks()[check]().run(leaky)
    assert finding.threat_model.access == "white-box"
    assert finding.status == "fail", finding.why


def test_the_risk_of_each_record_has_a_column_for_the_model(leaky):
    all_checks()["membership.loss"]().run(leaky)
    risk = record_risk(leaky)
    assert "membership.loss" in risk
    assert risk["membership.loss"].mean() == pytest.approx(auc(*_scores(leaky)))


def _scores(subject):
    found = all_checks()["membership.loss"]().scored(subject.retrained.main, subject)
    return found.members, found.nonmembers


def test_query_access_gives_what_samples_tell(data):
    subject = subject_of(Kernel(width=0.6).fit(data), data, access="query")
    combined = all_checks()["membership.combined"]()
    assert combined.threat(subject).access == "query"
    assert combined.together_with(subject) == ["membership.lira-samples"]


def test_a_model_of_other_people_raises_no_alarm(data):
    subject = subject_of(Kernel(width=0.6).fit(fresh(data)), data)
    finding, gates = all_checks()["membership.combined"]().run(subject)
    assert finding.threat_model.access == "white-box"
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}
    assert (finding.controls.negative.status, finding.controls.drift.status) == ("quiet", "quiet")
    assert np.isfinite(finding.estimates[0].value)
