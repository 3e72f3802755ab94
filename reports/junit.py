"""The audit as JUnit XML, which build servers show as a list of tests.

One test a gate, and one for each finding without a gate. A test fails where a gate fails or cannot be decided, since
neither is a pass; what was not measured, or has no limit, is skipped, with the reason; a warning passes and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from reports import numbers, words
from reports.document import Audit, Finding, Status
from reports.gates import JoinedGate, joined_gates
from reports.release import counts
from reports.visible import elide, visible

_KINDS: dict[Status, str] = {
    "error": "error",
    "fail": "failure",
    "inconclusive": "failure",
    "warn": "system-out",
    "pass": "system-out",
}


def junit_xml(audit: Audit) -> str:
    """The audit as the text of a JUnit XML file, with one test suite for each family of checks.

    Args:
        audit: the document.
    """
    root = ElementTree.Element("testsuites", {"name": _line(audit.name)})
    gates = joined_gates(audit)
    for family in dict.fromkeys(finding.family for finding in audit.findings):
        findings = [finding for finding in audit.findings if finding.family == family]
        cases = [case for finding in findings for case in _cases(finding, gates, counts(finding, audit.release))]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _line(family)})
        suite.set("timestamp", _line(audit.created.partition("+")[0]))
        suite.extend(cases)
        _count(suite, cases, sum(finding.seconds for finding in findings))
    _count(root, list(root.iter("testcase")), audit.seconds)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(finding: Finding, gates: list[JoinedGate], counted: bool) -> Iterator[ElementTree.Element]:
    own = [joined for joined in gates if joined.finding is finding]
    for joined in own:
        gate = joined.gate
        case = _case(finding, words.estimate_name(joined.estimate.name), finding.seconds / len(own))
        told = (
            f"{numbers.number(joined.estimate.value)}, verdict interval {numbers.interval(gate.low, gate.high)} "
            f"({numbers.percent(gate.confidence)}), limit {numbers.number(gate.limit)}: "
            f"{gate.why or words.STATUS_MEANINGS[gate.status]}"
        )
        _outcome(case, gate.status, told, counted)
        yield case
    # A finding may be worse than its gates: where a limit could not be tried, or the check broke after some.
    if finding.status not in {joined.gate.status for joined in own}:
        case = _case(finding, "the check itself", 0.0 if own else finding.seconds)
        _outcome(case, finding.status, finding.why or words.STATUS_MEANINGS[finding.status], counted)
        yield case


def _case(finding: Finding, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.Element(
        "testcase", {"classname": _line(finding.id), "name": _line(name), "time": f"{seconds:.3f}"}
    )


def _outcome(case: ElementTree.Element, status: Status, told: str, counted: bool) -> None:
    kind = _KINDS.get(status, "skipped") if counted else "skipped"
    if not counted:
        told = f"not counted for this way of release; {told}"
    if kind == "system-out":
        ElementTree.SubElement(case, kind).text = _block(f"{status}: {told}")
        return
    outcome = ElementTree.SubElement(case, kind, {"message": _line(told)})
    if kind != "skipped":
        outcome.set("type", status)
    outcome.text = _block(told)


def _count(element: ElementTree.Element, cases: list[ElementTree.Element], seconds: float) -> None:
    element.set("tests", str(len(cases)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(kind) is not None for case in cases)))
    element.set("time", f"{seconds:.3f}")


def _line(text: str) -> str:
    return " ".join(visible(elide(text, 400)).split())


def _block(text: str) -> str:
    # XML has no way to write control characters, and `visible` spells them out.
    return visible(elide(text, 4000))
