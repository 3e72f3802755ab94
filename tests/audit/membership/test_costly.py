"""Attacks that fit models of their own: not run unasked, and right when asked."""

from dataclasses import replace

import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.membership import (
    CalibratedDistanceRetrained,
    DensityRatioFlow,
    calibrated_distance_retrained,
    density_ratio_flow,
)
from audit.statistics import auc
from audit.targets import model_target
from generators import create, load_dataset
from tests.audit.membership.test_attacks import subject_of
from tests.audit.planting import copied, thirds

COSTLY = ["membership.calibrated-distance-retrained", "membership.density-ratio-flow"]


def _none(*arguments):  # noqa: ARG001
    raise AssertionError("a model is trained again")


@pytest.fixture(scope="module")
def small():
    """Few records a part."""
    return thirds(load_dataset("affairs"), 0, 400)


@pytest.mark.parametrize("attack", COSTLY)
def test_unasked_it_stands_as_not_run(attack, small):
    data, fresh = small
    finding = all_checks()[attack]().unasked(subject_of(fresh, data))
    if attack == COSTLY[0]:
        assert finding.status == "not-applicable"
    else:
        assert finding.status == "not-run"
        assert f"--checks {attack}" in finding.why


def test_records_of_unknown_making_cannot_be_retrained(small):
    data, fresh = small
    finding, _ = CalibratedDistanceRetrained().run(subject_of(fresh, data))
    assert finding.status == "not-applicable"
    assert "not known" in finding.why


@pytest.mark.slow
def test_a_reference_generator_calibrates_the_distance(small, monkeypatch):
    data, _ = small
    model = create("tabular-vae", epochs=400, seed=0).fit(data, progress=False)
    subject = Subject(model_target(model, 400, seed=0), data, default_policy(), 0)
    attack, main = CalibratedDistanceRetrained(), subject.scored.main
    found = attack.scored(main, subject)
    assert auc(found.members, found.nonmembers) > 0.55
    monkeypatch.setattr(calibrated_distance_retrained, "fit_many", _none)
    # It publishes as many records as train holds, but in the drift control half as many: another sample of one model.
    case = replace(subject.scored.drift[0], synthetic=main.synthetic)
    assert len(CalibratedDistanceRetrained().scored(case, subject).members) > 0


@pytest.mark.slow
def test_flows_find_what_was_copied_and_are_fitted_once_for_each_set_of_records(small, monkeypatch):
    data, fresh = small
    subject = subject_of(copied(data, fresh, 0.5), data)
    attack = DensityRatioFlow()
    found = attack.scored(subject.scored.main, subject)
    assert auc(found.members, found.nonmembers) > 0.6
    monkeypatch.setattr(density_ratio_flow, "fit_many", _none)
    assert attack.scored(subject.scored.main, subject) is found
    with pytest.raises(AssertionError, match="trained again"):
        attack.scored(subject.scored.drift[0], subject)


def test_what_was_asked_for_is_combined_and_named_in_how_to_repeat_it(small):
    data, fresh = small
    asked = ("membership.combined", "membership.density-ratio-flow")
    combined = all_checks()["membership.combined"]()
    subject = subject_of(fresh, data, asked=asked, again="genassay audit --checks {check}")
    assert combined.together_with(subject) == ["membership.density-ratio-flow"]
    assert combined.together_with(subject_of(fresh, data)) == []
