"""The audit as SARIF 2.1.0, which code-scanning pages read (OASIS, "Static Analysis Results Interchange Format").

Rules are checks and results are gates. SARIF tells apart what failed (`fail`), what must be looked at by a person
(`review`), what could not be decided (`open`) and what passed; only failures carry a level above `none`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from reports import numbers, words
from reports.document import Audit, Finding, Status
from reports.gates import JoinedGate, joined_gates
from reports.release import counts
from reports.visible import elide, visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

_KINDS: dict[Status, str] = {
    "pass": "pass",
    "warn": "fail",
    "fail": "fail",
    "error": "open",
    "inconclusive": "open",
    "manual": "review",
    "not-run": "open",
    "not-applicable": "notApplicable",
}


def sarif_log(audit: Audit) -> str:
    """The audit as the text of a SARIF log; every result points at its finding's line in `audit.json`.

    Args:
        audit: the document.
    """
    rules = list({finding.id: finding for finding in audit.findings}.values())
    ids = _ids(rules)
    index = {finding.id: at for at, finding in enumerate(rules)}
    lines = _lines(audit)
    gated = [joined for joined in joined_gates(audit) if joined.counted]
    told = {(joined.finding.id, joined.gate.status) for joined in gated}
    results = [(joined.finding.id, _of_gate(joined)) for joined in gated]
    # A finding may be worse than its gates: where a limit could not be tried, or the check broke after some.
    results += [
        (finding.id, _of_finding(finding, counts(finding, audit.release)))
        for finding in audit.findings
        if (finding.id, finding.status) not in told
    ]
    for check, result in results:
        result |= {"ruleId": ids[check], "ruleIndex": index[check], "locations": [_location(ids[check], lines[check])]}
    driver: dict[str, Any] = {
        "name": "genassay",
        "rules": [_rule(finding, ids[finding.id]) for finding in rules],
    }
    if audit.provenance.genassay.strip():
        driver["version"] = _text(audit.provenance.genassay, 60)
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(audit, ids, index)],
        "results": [result for _, result in results],
        "columnKind": "unicodeCodePoints",
        "properties": {"audit": _text(audit.name, 200), "status": audit.status, "release": audit.release or "none"},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(finding: Finding, identifier: str) -> dict[str, Any]:
    rule = {
        "id": identifier,
        "name": _text(finding.title, 120) or identifier,
        "shortDescription": {"text": _text(finding.title, 120) or identifier},
        "fullDescription": {"text": _text(finding.question) or identifier},
        "properties": {"tags": ["privacy", _text(finding.family, 60)]},
    }
    if finding.remedy.strip():
        rule["help"] = {"text": _text(finding.remedy)}
    return rule


def _of_gate(joined: JoinedGate) -> dict[str, Any]:
    gate, name = joined.gate, words.estimate_name(joined.estimate.name)
    message = (
        f"{joined.finding.title}: {name} is {numbers.number(joined.estimate.value)}, verdict interval "
        f"{numbers.interval(gate.low, gate.high)} ({numbers.percent(gate.confidence)}), limit "
        f"{numbers.number(gate.limit)}. {gate.why or words.STATUS_MEANINGS[gate.status]}"
    )
    return _result(joined.finding.id, gate.status, message, gate.estimate)


def _of_finding(finding: Finding, counted: bool) -> dict[str, Any]:
    why = finding.why or words.STATUS_MEANINGS[finding.status]
    # What does not count for the declared release is for a person to see, not a result of the run.
    status = finding.status if counted or finding.status in words.UNANSWERED else "manual"
    return _result(finding.id, status, f"{finding.title}: {why}", "")


def _result(check: str, status: Status, message: str, estimate: str) -> dict[str, Any]:
    kind = _KINDS[status]
    level = {"fail": "error", "warn": "warning"}.get(status, "none")
    return {
        "kind": kind,
        "level": level if kind == "fail" else "none",
        "message": {"text": _text(message) or status},
        # The same leak keeps its fingerprint from one audit to the next.
        "partialFingerprints": {"gate/v1": hashlib.sha256(f"{check}\n{estimate}".encode()).hexdigest()},
        "properties": {"status": status},
    }


def _invocation(audit: Audit, ids: dict[str, str], index: dict[str, int]) -> dict[str, Any]:
    broken = [finding for finding in audit.findings if finding.status == "error"]
    invocation: dict[str, Any] = {"executionSuccessful": not broken}
    if audit.provenance.command.strip():
        invocation["commandLine"] = _text(audit.provenance.command)
    if broken:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": _text(finding.why) or "the check broke"},
                "associatedRule": {"id": ids[finding.id], "index": index[finding.id]},
            }
            for finding in broken
        ]
    return invocation


def _location(identifier: str, line: int) -> dict[str, Any]:
    return {
        "physicalLocation": {"artifactLocation": {"uri": "audit.json"}, "region": {"startLine": line}},
        "logicalLocations": [{"name": identifier, "kind": "module"}],
    }


def _lines(audit: Audit) -> dict[str, int]:
    """The line of each finding's id in the document as it is saved."""
    found: dict[str, int] = {}
    indent = '      "id": '
    for number, line in enumerate(audit.to_json().split("\n"), start=1):
        if line.startswith(indent):
            found.setdefault(json.loads(line[len(indent) :].rstrip(",")), number)
    return found


def _ids(rules: list[Finding]) -> dict[str, str]:
    """Ids fit to be shown; two that only what is hidden or cut kept apart are told apart by a number."""
    shown: dict[str, str] = {}
    for at, finding in enumerate(rules):
        identifier = _text(finding.id, 120) or "unnamed"
        shown[finding.id] = f"{identifier} ({at})" if identifier in shown.values() else identifier
    return shown


def _text(value: str, length: int = 2000) -> str:
    return visible(elide(value, length)).strip()
