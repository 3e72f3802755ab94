"""Risks that are known by arithmetic lie inside the interval, however unevenly members leak."""

import numpy as np
import pytest

from audit.anonymity import Inference, Linkability, SinglingOut
from audit.checks import Subject, default_policy
from audit.targets import records_target
from generators import Dataset
from tests.audit.anonymity.known_risks import KNOWN, SECRET, drawn, published, true_risk
from tests.audit.anonymity.people import SCHEMA, people

ATTACKS = [Inference, Linkability, SinglingOut]


def measured(attack, share, of_few=0.0, seed=0, rows=1000):
    whole = Dataset(name="people", parts={"records": people(4 * rows, seed + 50)}, schema=SCHEMA)
    data, fresh = drawn(whole, rows, seed, of_few)
    known = {"known": KNOWN if of_few else KNOWN[1:]} if attack is Inference else {}
    subject = Subject(
        records_target(published(data, fresh, share)), data, default_policy(), seed, secret=SECRET, **known
    )
    one = attack()
    return one.measure([one.cases(subject).main], subject)[0]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_known_risk_lies_inside_the_interval(attack, share):
    found = measured(attack, share)
    low, high = found.interval(0.999)
    assert low <= share <= high
    assert found.value == pytest.approx(share, abs=0.06)
    assert high - low < 0.2


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_a_leak_among_those_who_are_hard_to_guess_counts_by_how_many_they_are(share):
    """The common excess of all strata, which is but a detector, would say half again as much."""
    found, truth = measured(Inference, share, of_few=0.5), true_risk(share, 0.5)
    low, high = found.interval(0.999)
    assert low <= truth <= high
    assert found.value == pytest.approx(truth, abs=0.06)
    assert found.signal.value > 1.25 * truth


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_known_risks_of_several_releases_lie_inside_the_interval(attack):
    inside = [
        low <= share <= high
        for seed in range(4)
        for share in (0.05, 0.2, 0.5)
        for low, high in [measured(attack, share, seed=seed + 1, rows=600).interval(0.95)]
    ]
    assert np.mean(inside) >= 0.75  # of twelve, 95% each: fewer than nine would happen in two of a thousand such tests
