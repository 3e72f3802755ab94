"""The words of every report: what a status, a control or an estimate's short name means to a reader."""

from __future__ import annotations

import re
from typing import Literal

from reports.document import Access, BoundKind, ControlStatus, Status
from reports.numbers import percent

STATUS_LABELS: dict[Status, str] = {
    "pass": "pass",
    "warn": "warn",
    "fail": "fail",
    "inconclusive": "inconclusive",
    "not-run": "not run",
    "not-applicable": "not applicable",
    "error": "error",
    "manual": "manual",
}

# What each status answers to the question that a reader brings: may it be released?
HEADLINES: dict[Status, str] = {
    "pass": "Nothing was found against it",
    "warn": "Only with care",
    "fail": "Not as it is",
    "inconclusive": "Not decided",
    "not-run": "Unknown",
    "not-applicable": "Unknown",
    "error": "Unknown in part",
    "manual": "A person has to judge",
}

STATUS_MEANINGS: dict[Status, str] = {
    "pass": "the whole interval lies within the limit, and the check proved that it finds a leak of that size",
    "warn": "clearly worse than no leak at all, but not clearly beyond the limit",
    "fail": "the whole interval lies beyond the limit",
    "inconclusive": "the evidence could not decide; this is not a pass",
    "not-run": "the check was not run, so nothing is known",
    "not-applicable": "the check has nothing to say about this target",
    "error": "the check broke before it had an answer, so nothing is known",
    "manual": "measured, but no limit is set: a person has to judge",
}

# From what calls for action first to what calls for none; the first that occurs speaks for the whole audit. A warning
# comes before what is undecided: it tells of a leak that is there, the other of evidence that is too thin.
SEVERITY: tuple[Status, ...] = (
    "error",
    "fail",
    "warn",
    "inconclusive",
    "pass",
    "manual",
    "not-applicable",
    "not-run",
)

UNANSWERED: frozenset[Status] = frozenset({"not-run", "not-applicable", "error"})

CONTROL_TITLES = {"positive": "Planted case", "negative": "Clean case", "drift": "Drift between the parts"}

CONTROL_MEANINGS: dict[tuple[str, ControlStatus], str] = {
    ("positive", "detected"): "A planted leak or damage of known size was found, so silence elsewhere means something.",
    ("positive", "missed"): "A planted leak or damage of known size was missed: this check can pass nothing.",
    ("positive", "quiet"): "A planted leak or damage of known size went unnoticed: this check can pass nothing.",
    ("positive", "fired"): "A planted leak or damage of known size raised the alarm.",
    ("positive", "not-run"): "No leak or damage was planted, so nothing shows that this check could find one.",
    ("negative", "quiet"): "A target known to be clean raised no alarm.",
    ("negative", "fired"): "A target known to be clean raised the alarm: this check can fail nothing.",
    ("negative", "detected"): "A target known to be clean raised the alarm: this check can fail nothing.",
    ("negative", "missed"): "A target known to be clean raised no alarm.",
    ("negative", "not-run"): "No clean target was tried, so nothing shows that an alarm here is not a false one.",
    ("drift", "quiet"): "The members and non-members compared here do not differ by themselves.",
    ("drift", "fired"): "The parts of the data differ by themselves; results are compared with that difference.",
    ("drift", "detected"): "The parts of the data differ by themselves; results are compared with that difference.",
    ("drift", "missed"): "The members and non-members compared here do not differ by themselves.",
    ("drift", "not-run"): "How far the parts of the data differ by themselves was not measured.",
}

_SOUND = {("positive", "detected"), ("positive", "fired"), ("negative", "quiet"), ("negative", "missed")}

ACCESS_MEANINGS: dict[Access, str] = {
    "synthetic-only": "only a file of synthetic records",
    "query": "the generator, asked as often as one likes",
    "white-box": "the generator's weights and code",
}

BOUND_MEANINGS: dict[BoundKind, str] = {
    "certified": "holds without further assumptions",
    "family": "holds if the mechanism is of the named family",
    "heuristic": "an indication, not a bound",
}

WORDING_MEANINGS = {
    "quoted": "worded after the source",
    "found": "found in a text of the source, or about it",
    "recalled": "from memory: look up clause and wording before citing them",
}

_ESTIMATE_NAMES = {
    "auc": "AUC",
    "c_t": "C_T",
    "epsilon_lower": "lower bound on epsilon",
    "epsilon_lower_family": "lower bound on epsilon for mechanisms of the family",
}
_WHOSE = {"person": "of persons", "exposed": "among the exposed"}
_TPR = re.compile(r"tpr_at_fpr_(0\.\d{1,9})")


def control_tone(control: str, status: ControlStatus) -> Literal["good", "caution", "bad", "none"]:
    """Whether a control speaks for its check, against it, asks for care, or says nothing.

    Example:
        >>> control_tone("positive", "missed"), control_tone("drift", "fired")
        ('bad', 'caution')
    """
    if status == "not-run":
        return "none"
    if control == "drift":
        return "good" if status in ("quiet", "missed") else "caution"
    return "good" if (control, status) in _SOUND else "bad"


def estimate_name(name: str) -> str:
    """Spell out the short name of an estimate.

    Example:
        >>> estimate_name("tpr_at_fpr_0.01"), estimate_name("person_auc"), estimate_name("excess_copies")
        ('true positives at 1% false alarms', 'AUC of persons', 'excess copies')
    """
    whose, _, rest = name.partition("_")
    if whose in _WHOSE and (rest in _ESTIMATE_NAMES or _TPR.fullmatch(rest)):
        return f"{estimate_name(rest)} {_WHOSE[whose]}"
    if match := _TPR.fullmatch(name):
        return f"true positives at {percent(float(match[1]))} false alarms"
    return _ESTIMATE_NAMES.get(name, name.replace("_", " "))


def brief_name(name: str) -> str:
    """Spell an estimate's short name as briefly as experts do, where there is no room for words.

    Example:
        >>> brief_name("tpr_at_fpr_0.01"), brief_name("person_auc")
        ('TPR at 1% FPR', 'AUC of persons')
    """
    whose, _, rest = name.partition("_")
    if whose in _WHOSE and _TPR.fullmatch(rest):
        return f"{brief_name(rest)} {_WHOSE[whose]}"
    if match := _TPR.fullmatch(name):
        return f"TPR at {percent(float(match[1]))} FPR"
    return estimate_name(name)
