"""The cases are what they claim to be: disjoint where they must be, planted where they say."""

import numpy as np
import pytest

from audit.checks import Subject, default_policy
from audit.checks.attack import as_they_are
from audit.targets import records_target
from tests.audit.planting import affairs


@pytest.fixture(scope="module")
def subject():
    data, fresh = affairs(0)
    policy = default_policy().model_copy(update={"max_scored": 900})
    return Subject(records_target(fresh), data, policy, 0)


def numbered(points):
    """Which original rows these points are, by following where they were taken from."""
    if points.origin is None:
        return np.arange(len(points))
    whole, rows = points.origin
    return numbered(whole)[rows]


def test_work_is_limited_and_people_are_drawn_whole(subject):
    cases = subject.scored
    assert len(cases.main.members) == 900
    assert len(cases.main.nonmembers) == 900
    assert len(cases.main.synthetic) == len(subject.synthetic)


def test_the_negative_target_is_half_of_the_reference_and_the_attacker_knows_the_other(subject):
    negative = subject.scored.negative
    published, known = set(numbered(negative.synthetic)), set(numbered(negative.reference))
    assert not published & known
    assert len(published | known) == len(subject.dataset.reference)
    assert negative.members is subject.scored.main.members


def test_drift_publishes_one_half_of_train_and_asks_about_the_other(subject):
    first, second = subject.scored.drift
    assert not set(numbered(first.synthetic)) & set(numbered(second.synthetic))
    for case in (first, second):
        asked = numbered(subject.scored.main.members)[case.member_rows]
        assert not set(asked) & set(numbered(case.synthetic))
    assert sorted(np.concatenate([first.member_rows, second.member_rows])) == list(range(900))


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_planting_adds_that_share_of_members_to_the_negative_case(subject, share):
    cases = subject.scored
    case = cases.planted(share, "copies", as_they_are)
    assert len(case.leaked) == round(share * 900)
    assert len(case.synthetic) == len(cases.negative.synthetic) + len(case.leaked)
    assert (case.neighbours.twin(case.members, case.synthetic)[case.leaked] == 0).all()
    assert cases.planted(share, "copies", as_they_are) is case


def test_weights_are_shared_by_all_cases_and_average_to_one(subject):
    members, nonmembers = subject.scored.weights
    assert members.shape == (subject.policy.draws, 900)
    assert members.mean() == pytest.approx(1, abs=0.01)
    assert nonmembers.mean() == pytest.approx(1, abs=0.01)
