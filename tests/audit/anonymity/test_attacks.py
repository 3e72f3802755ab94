"""One table for all anonymity attacks: each finds planted leaks at their size, and leaves fresh records alone."""

import numpy as np
import pytest

from audit.checks import all_checks
from audit.checks.small_cells import coarse
from tests.audit.anonymity.people import subject

ATTACKS = ["anonymity.inference", "anonymity.linkability", "anonymity.singling-out"]
SEEN = {"anonymity.inference": {"secret": "town"}, "anonymity.linkability": {}, "anonymity.singling-out": {}}


def measured(attack, share, seed=0, rows=1000):
    one, whole = all_checks()[attack](), subject(share, seed, rows, **SEEN[attack])
    return one.measure([one.cases(whole).main], whole)[0]


def test_a_limit_that_accuses_only_fails_what_is_surely_beyond_it_and_errs_less_often():
    _, gates = all_checks()["anonymity.singling-out"]().run(subject(0.5))
    univariate = next(gate for gate in gates if gate.estimate == "univariate_risk")
    assert univariate.status == "fail"
    assert univariate.confidence == pytest.approx(1 - 0.001 / 3)


def test_the_table_is_complete():
    assert [name for name in all_checks() if name.startswith("anonymity.")] == ATTACKS


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_release_that_holds_half_of_train_fails(attack):
    finding, gates = all_checks()[attack]().run(subject(0.5, **SEEN[attack]))
    assert finding.status == "fail"
    assert next(one for one in finding.estimates if one.name == "risk").low > 0.1
    assert next(gate.estimate for gate in gates if gate.status == "fail") == "risk"


@pytest.mark.parametrize("attack", ATTACKS)
def test_fresh_records_raise_no_alarm_and_the_finding_states_itself_in_full(attack):
    finding, gates = all_checks()[attack]().run(subject(0.0, seed=1, **SEEN[attack]))
    assert finding.status in ("pass", "inconclusive")
    assert finding.controls.negative.status == finding.controls.drift.status == "quiet"
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}
    assert [gate.estimate for gate in gates] == ["risk"]  # limits that accuse only have nothing to say
    assert "% of members for risk" in finding.controls.positive.why
    assert finding.controls.positive.status in ("detected", "missed")
    assert all([finding.question, finding.source, finding.remedy, finding.why, finding.threat_model.knowledge])
    assert finding.figures[0].kind == "bars"
    assert finding.tables[0].rows
    named = {one.name for one in finding.estimates if one.limit is not None}
    assert set(finding.power["smallest_detectable_risk"]) == named


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_shown_tells_of_no_fewer_than_five_people(attack):
    """Three of three hundred are copied: every number is a multiple of at least five people."""
    finding, gates = all_checks()[attack]().run(subject(0.01, rows=300, **SEEN[attack]))
    controls = (finding.controls.positive, finding.controls.negative, finding.controls.drift)
    for one in [*finding.estimates, *(estimate for control in controls for estimate in control.estimates)]:
        shown = np.array([one.value, one.low, one.high]) / coarse(one.n)
        assert shown == pytest.approx(shown.round(), abs=1e-6)
    people = min(one.n for one in finding.estimates if one.name == "risk")
    for gate in gates:
        shown = np.array([gate.low, gate.high, gate.null, gate.excess_low]) / coarse(people)
        assert shown == pytest.approx(shown.round(), abs=1e-6)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_same_seed_gives_the_same_numbers(attack):
    first, second = (measured(attack, 0.2, rows=300) for _ in range(2))
    assert first.value == second.value
    assert first.interval(0.95) == second.interval(0.95)


@pytest.mark.slow
def test_all_columns_stand_as_the_secret_in_turn():
    finding, gates = all_checks()["anonymity.inference"]().run(subject(0.5))
    assert finding.status == "fail"
    assert [one.name for one in finding.estimates] == ["risk", "worst_secret_risk"]
    assert next(gate.estimate for gate in gates if gate.status == "fail") == "risk"
    assert "each in turn" in finding.why
    assert [row[0] for row in finding.tables[1].rows] == ["age", "town", "balance", "joined", "smoker", "visits"]


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_without_a_leak_intervals_hold_zero(attack):
    missed = [not (low <= 0 <= high) for low, high in (measured(attack, 0.0, s, 400).interval(0.999) for s in range(8))]
    assert np.sum(missed) == 0
