"""The audit as JUnit XML, which build servers show as a list of tests.

One test a gate, and one for each finding without a gate. A test fails where a gate fails or cannot be decided, since
neither is a pass; what was not measured, or has no limit, is skipped, with the reason; a warning passes and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from reports import numbers, words
from reports.document import Audit, Finding
from reports.gates import JoinedGate, joined_gates
from reports.visible import elide, visible


def junit_xml(audit: Audit) -> str:
    """The audit as the text of a JUnit XML file, with one test suite for each family of checks.

    Args:
        audit: the document.
    """
    root = ElementTree.Element("testsuites", {"name": _line(audit.name)})
    gates = joined_gates(audit)
    for family in dict.fromkeys(finding.family for finding in audit.findings):
        findings = [finding for finding in audit.findings if finding.family == family]
        cases = [case for finding in findings for case in _cases(finding, gates)]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _line(family)})
        suite.set("timestamp", _line(audit.created.partition("+")[0]))
        suite.extend(cases)
        _count(suite, cases, sum(finding.seconds for finding in findings))
    _count(root, list(root.iter("testcase")), audit.seconds)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(finding: Finding, gates: list[JoinedGate]) -> Iterator[ElementTree.Element]:
    own = [joined for joined in gates if joined.finding is finding]
    for joined in own:
        case = _case(finding, words.estimate_name(joined.estimate.name), finding.seconds / len(own))
        told = (
            f"{numbers.number(joined.estimate.value)}, verdict interval "
            f"{numbers.interval(joined.gate.low, joined.gate.high)} ({numbers.percent(joined.gate.confidence)}), limit "
            f"{numbers.number(joined.gate.limit)}: {joined.gate.why or words.STATUS_MEANINGS[joined.gate.status]}"
        )
        if not joined.counted:
            _outcome(case, "skipped", joined.gate.status, f"not counted for this way of release; {told}")
        elif joined.gate.status in ("fail", "inconclusive"):
            _outcome(case, "failure", joined.gate.status, told)
        else:
            ElementTree.SubElement(case, "system-out").text = _block(f"{joined.gate.status}: {told}")
        yield case
    if not own or finding.status == "error":
        case = _case(finding, "the check itself", 0.0 if own else finding.seconds)
        kind = {"error": "error", "inconclusive": "failure", "fail": "failure"}.get(finding.status, "skipped")
        _outcome(case, kind, finding.status, finding.why or words.STATUS_MEANINGS[finding.status])
        yield case


def _case(finding: Finding, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.Element(
        "testcase", {"classname": _line(finding.id), "name": _line(name), "time": f"{seconds:.3f}"}
    )


def _outcome(case: ElementTree.Element, kind: str, status: str, told: str) -> None:
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
