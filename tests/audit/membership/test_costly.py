"""Attacks that fit models of their own: not run unasked, and right when asked."""

import numpy as np
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.membership import CalibratedDistanceRetrained, DensityRatioFlow
from audit.statistics import auc
from audit.targets import model_target
from generators import create, load_dataset
from tests.audit.membership.test_attacks import subject_of
from tests.audit.planting import copied, thirds

COSTLY = ["membership.calibrated-distance-retrained", "membership.density-ratio-flow"]


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
def test_a_reference_generator_calibrates_the_distance(small):
    data, _ = small
    model = create("tabular-vae", epochs=100, seed=0).fit(data, progress=False)
    subject = Subject(model_target(model, 400, seed=0), data, default_policy(), 0)
    attack, main = CalibratedDistanceRetrained(), subject.scored.main
    found = attack.scored(main, subject)
    assert auc(found.members, found.nonmembers) > 0.5
    other = CalibratedDistanceRetrained()
    other.prepare(subject)
    repeated = other.score(main, np.random.default_rng(5))
    assert np.array_equal(repeated.members, found.members)


@pytest.mark.slow
def test_flows_find_what_was_copied_and_are_fitted_once_for_each_set_of_records(small):
    data, fresh = small
    subject = subject_of(copied(data, fresh, 0.5), data)
    attack = DensityRatioFlow()
    found = attack.scored(subject.scored.main, subject)
    assert auc(found.members, found.nonmembers) > 0.53
    assert len(attack._fitted) == 2


def test_what_was_asked_for_is_combined_and_named_in_how_to_repeat_it(small):
    data, fresh = small
    asked = ("membership.combined", "membership.density-ratio-flow")
    combined = all_checks()["membership.combined"]()
    subject = subject_of(fresh, data, asked=asked, again="genassay audit --checks {check}")
    assert combined.together_with(subject) == ["membership.density-ratio-flow"]
    assert combined.together_with(subject_of(fresh, data)) == []
