"""Texts that could break a page, a table or a parser, and the example audit with one of them everywhere."""

from __future__ import annotations

from typing import Any

from reports import Audit
from tests.reports.example import example_document

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "]]></style></svg></title><script>alert(1)</script>",
    "</bdi></td></table></main>",
    "<!-- ",
    "{{7*7}}{% raw %}{{ audit.__class__ }}",
    "javascript:alert(1)",
    "$\\frac{1}{0}$ \\undefined",
    "line\u2028separator\u2029and\x85more",
    "\u202efdp.exe\u202c \u2066inner\u2069 \u200e\ufeff\u200b",
    "nul\x00bell\x07escape\x1b[31m",
    "\ufffe\uffff\U000e0041",
    "z" * 10_000,
    "word " * 2_000,
    "שלום עולם \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "=cmd|'/C calc'!A0",
    "-1+1+cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd",
    "\t=1+1",
    "",
    "   ",
]


def infected(text: str, drawn: bool = True) -> Audit:
    """The example with one text in every place that takes free text; `drawn` keeps the figures of its findings."""
    document = example_document()
    for finding in document["findings"]:
        finding["figures"] = finding.get("figures", []) if drawn else []

    def replace(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            free = key in ("parameters", "packages", "power", "data")
            entries = {name: replace(inner, name) for name, inner in value.items()}
            if free and not {"curves", "edges", "columns", "labels"} & set(entries):
                entries[text] = entries.pop(next(iter(entries))) if entries else text
            return entries
        if isinstance(value, list):
            return [replace(inner, key) for inner in value]
        keep = ("status", "schema_version", "access", "confidence", "better", "sha256", "finding", "estimate", "family")
        if isinstance(value, str) and key not in (*keep, "id", "kind"):
            return value if key == "name" and value in ESTIMATES else text
        return value

    document = replace(document)
    document["target"]["kind"] = document["findings"][7]["id"] = document["findings"][8]["id"] = text
    document["privacy"]["ledger"].append({text: [text, {text: text}]})
    return Audit.model_validate(document)


ESTIMATES = {
    estimate["name"] for finding in example_document()["findings"] for estimate in finding.get("estimates", [])
}
