"""The verdict on one estimate: where its interval lies between what chance shows and what the policy allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from audit.checks.measured import Measured
from audit.checks.policy import Limit
from reports import Control, Gate, Status


@dataclass(frozen=True)
class Evidence:
    """What a gate may lean on besides the measurement: its null, and whether the controls behaved.

    `null` is the drift control's measurement, `detected` whether the positive control of this estimate was found
    and `fired` whether the negative one raised an alarm; None where a control does not exist or could not run.
    """

    null: Measured | None = None
    detected: bool | None = None
    fired: bool | None = None
    untested: str = "no positive control could run"


def beyond(measured: Measured, null: Measured | None, confidence: float) -> bool:
    """Does the measurement exceed both pure chance and what a mere difference between the parts shows?"""
    found = measured.detector
    if found.chance is None and null is None:
        return False
    above_chance = found.chance is None or found.interval(confidence).low > found.chance
    return above_chance and (null is None or found.least_excess_over(null.detector, confidence) > 0)


def decide(check: str, measured: Measured, limit: Limit, evidence: Evidence, confidence: float) -> Gate:
    """Decide one gate.

    `fail`: the interval lies wholly beyond the limit, beyond the null too, and the negative control stayed quiet.
    `warn`: wholly beyond the null, but not the limit. `pass`: wholly within the limit, and the positive control was
    detected. Anything else is `inconclusive`, and `why` says what stood in the way.

    Args:
        check: id of the check.
        measured: the estimate on the target.
        limit: what the policy allows.
        evidence: the null and the controls.
        confidence: two-sided confidence of the interval behind the verdict.
    """
    null, (low, high) = evidence.null, measured.interval(confidence)
    upward = limit.better == "lower"
    outside = low > limit.limit if upward else high < limit.limit
    inside = high < limit.limit if upward else low > limit.limit
    leaks = upward and beyond(measured, null, confidence)
    has_null = upward and (measured.chance is not None or null is not None)
    hidden = upward and _could_hide(measured, null, limit.limit, confidence)
    status, why = _rule(outside, inside, leaks, has_null, hidden, evidence)
    if status == "warn" and measured.chance is not None and low <= measured.chance:
        why += "; it shows where chance seldom hits, while its size over everybody is less sure"
    shown, found = measured.shown(confidence), measured.detector
    return Gate(
        finding=check,
        estimate=measured.name,
        limit=limit.limit,
        status=status,
        low=shown.low,
        high=shown.high,
        confidence=confidence,
        null=measured.chance if null is None else null.rounded(null.value),
        excess_low=None
        if null is None
        else found.rounded(found.least_excess_over(null.detector, confidence), math.floor),
        better=limit.better,
        reason=limit.reason,
        why=why,
    )


def _could_hide(measured: Measured, null: Measured | None, limit: float, confidence: float) -> bool:
    """Where the parts differ so that members look *less* like members, could that hide a leak beyond the limit?"""
    if null is None or measured.chance is None or null.detector.interval(confidence).high >= measured.chance:
        return False
    return measured.chance + measured.excess_over(null, confidence).high >= limit


def _rule(
    outside: bool, inside: bool, leaks: bool, has_null: bool, hidden: bool, evidence: Evidence
) -> tuple[Status, str]:
    if outside and has_null and not leaks:
        return "inconclusive", "beyond the limit, but so is what a mere difference between the parts of the data shows"
    if evidence.fired and (outside or leaks):
        return "inconclusive", "the attack also fired on a target without any leak, so it can accuse nobody"
    if outside:
        return "fail", "the whole interval lies beyond the limit"
    if leaks:
        return "warn", "beyond what chance and a difference between the parts explain, though not beyond the limit"
    if not inside:
        return "inconclusive", "the interval reaches across the limit: more records would be needed to decide"
    if hidden:
        return "inconclusive", "within the limit, but the parts of the data differ in a way that could hide a leak"
    if evidence.detected is None:
        return "inconclusive", evidence.untested
    if not evidence.detected:
        return "inconclusive", "within the limit, but a leak planted at the limit's size was not detected either"
    return "pass", "the whole interval lies within the limit, and a leak planted at the limit's size was detected"


def control(status: str, measured: list[Measured], confidence: float, why: str) -> Control:
    """A control as it stands in the audit document."""
    return Control(status=status, estimates=[one.estimate(confidence) for one in measured], why=why)  # type: ignore[arg-type]


_ORDER: tuple[Status, ...] = ("error", "fail", "warn", "inconclusive", "pass", "manual", "not-applicable", "not-run")


def worst(statuses: list[Status]) -> Status:
    """The status that speaks for several: the first of error, fail, warn, inconclusive, pass, ... that occurs."""
    return min(statuses, key=_ORDER.index, default="not-run")
