"""All estimates as CSV, for spreadsheets; nothing in it is a formula."""

from __future__ import annotations

import csv
import io
import re

from reports.document import Audit
from reports.release import counts
from reports.visible import elide, visible

_COLUMNS = (
    "finding", "family", "access", "finding_status", "estimate", "value", "low", "high", "confidence", "n", "unit",
    "null", "better", "limit", "gate_status", "gate_low", "gate_high", "gate_confidence", "counts_for_release",
)  # fmt: skip
# What spreadsheets take for the start of a formula (OWASP, "CSV Injection"), after blanks that they skip.
_FORMULA = re.compile(r"\s*[=+\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")


def estimates_csv(audit: Audit) -> str:
    """One row for each estimate, with its gate where there is one; text that would start a formula gets a quote.

    Args:
        audit: the document.
    """
    gates = {(gate.finding, gate.estimate): gate for gate in audit.gates}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for finding in audit.findings:
        for one in finding.estimates:
            gate = gates.get((finding.id, one.name))
            row: tuple[str | float | None, ...] = (
                finding.id, finding.family, finding.threat_model.access, finding.status, one.name, one.value, one.low,
                one.high, one.confidence, one.n, one.unit, one.null, one.better,
            )  # fmt: skip
            if gate is None:
                row += (one.limit, None, None, None, None, None)
            else:
                counted = "yes" if counts(finding, audit.release) else "no"
                row += (gate.limit, gate.status, gate.low, gate.high, gate.confidence, counted)
            writer.writerow([_cell(value) for value in row])
    return buffer.getvalue()


def _cell(value: str | float | None) -> str | float:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = " ".join(visible(elide(value, 200)).split())
    return f"'{text}" if _FORMULA.match(text) else text
