"""The rule of the gate, over every way in which interval, null, limit and controls can lie."""

import pytest

from audit.checks.gate import Evidence, decide, worst
from audit.checks.measured import Measured
from audit.checks.policy import Limit
from audit.statistics import Interval


def measured(low, high, chance=0.5, name="auc"):
    return Measured(name, (low + high) / 2, 100, "auc", lambda _: Interval(low, high), chance=chance)


QUIET = measured(0.49, 0.51)
DRIFTED = measured(0.59, 0.61)
UP, DOWN = Limit(limit=0.55, reason="r"), Limit(limit=0.8, reason="r", better="higher")

CASES = [
    ("wholly beyond the limit", measured(0.6, 0.7), UP, Evidence(QUIET, True, False), "fail"),
    ("a limit crossed needs no positive control", measured(0.6, 0.7), UP, Evidence(QUIET, False, False), "fail"),
    ("beyond the limit, but drift is too", measured(0.57, 0.63), UP, Evidence(DRIFTED, True, False), "inconclusive"),
    (
        "beyond the limit, but the attack fires on nothing",
        measured(0.6, 0.7),
        UP,
        Evidence(QUIET, True, True),
        "inconclusive",
    ),
    ("beyond the null, not the limit", measured(0.53, 0.57), UP, Evidence(QUIET, True, False), "warn"),
    ("beyond the null, within the limit", measured(0.53, 0.54), UP, Evidence(QUIET, True, False), "warn"),
    ("beyond chance, not beyond drift", measured(0.52, 0.54), UP, Evidence(measured(0.52, 0.54), True, False), "pass"),
    ("within, control detected", measured(0.49, 0.52), UP, Evidence(QUIET, True, False), "pass"),
    ("within, control missed", measured(0.49, 0.52), UP, Evidence(QUIET, False, False), "inconclusive"),
    ("within, no control could run", measured(0.49, 0.52), UP, Evidence(QUIET, None, False), "inconclusive"),
    ("across the limit", measured(0.49, 0.58), UP, Evidence(QUIET, True, False), "inconclusive"),
    ("drift could hide a leak", measured(0.49, 0.52), UP, Evidence(measured(0.39, 0.41), True, False), "inconclusive"),
    ("drift below chance, no room", measured(0.4, 0.41), UP, Evidence(measured(0.39, 0.41), True, False), "pass"),
    ("below chance", measured(0.40, 0.45), UP, Evidence(QUIET, True, False), "pass"),
    ("a fired control does not spoil a pass", measured(0.49, 0.52), UP, Evidence(QUIET, True, True), "pass"),
    ("more is better: above", measured(0.85, 0.9, chance=0.5), DOWN, Evidence(detected=True), "pass"),
    ("more is better: below", measured(0.6, 0.7, chance=0.5), DOWN, Evidence(detected=True), "fail"),
    ("more is better: across", measured(0.7, 0.9, chance=0.5), DOWN, Evidence(detected=True), "inconclusive"),
    ("no null at all", measured(0.6, 0.7, chance=None), UP, Evidence(detected=True), "fail"),
]


@pytest.mark.parametrize(("estimate", "limit", "evidence", "status"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_gate(estimate, limit, evidence, status):
    gate = decide("membership.distance", estimate, limit, evidence, 0.999)
    assert gate.status == status
    assert gate.why
    assert gate.confidence == 0.999


def test_a_gate_carries_what_is_needed_to_decide_it_again():
    gate = decide("m.x", measured(0.53, 0.57), UP, Evidence(QUIET, True, False), 0.999)
    assert (gate.low, gate.high, gate.limit, gate.null) == (0.53, 0.57, 0.55, 0.5)
    assert gate.excess_low == pytest.approx(0.05 - (0.02**2 + 0.01**2) ** 0.5)


@pytest.mark.parametrize(
    ("statuses", "speaks"),
    [
        (["pass", "warn", "fail"], "fail"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "warn"], "warn"),
        (["fail", "error"], "error"),
        (["manual", "pass"], "pass"),
        (["not-applicable", "manual"], "manual"),
        ([], "not-run"),
    ],
)
def test_worst(statuses, speaks):
    assert worst(statuses) == speaks


def _distance(value, width, better="lower"):
    return Measured("d", value, 500, "u", lambda _: Interval(value - width, value + width), better=better)


@pytest.mark.parametrize(
    ("value", "better", "status"),
    [
        (0.02, "lower", "pass"),  # as near as real records are
        (0.20, "lower", "warn"),  # clearly farther than real records, within the limit
        (0.50, "lower", "fail"),
        (0.31, "lower", "warn"),
        (0.95, "higher", "pass"),
        (0.50, "higher", "inconclusive"),
        (0.20, "higher", "fail"),
    ],
)
def test_an_evaluation_is_held_against_its_floor(value, better, status):
    """Where no number stands for chance, what real records show is the null; a limit can be passed."""
    limit = Limit(limit=0.3 if better == "lower" else 0.45, reason="r", better=better)
    floor = _distance(0.01 if better == "lower" else 0.97, 0.02, better)
    gate = decide("fidelity.d", _distance(value, 0.06, better), limit, Evidence(null=floor, detected=True), 0.999)
    assert gate.status == status, gate.why


def test_without_a_null_nothing_counts_as_beyond_it():
    gate = decide("fidelity.d", _distance(0.1, 0.05), Limit(limit=0.3, reason="r"), Evidence(detected=True), 0.999)
    assert gate.status == "pass"


def test_a_number_without_a_ceiling_is_shown_with_its_whole_interval():
    frechet = Measured("frechet", 12.0, 500, "u", lambda _: Interval(9.0, 15.0), bounds=(0.0, float("inf")))
    assert frechet.shown(0.95) == (12.0, 9.0, 15.0)
