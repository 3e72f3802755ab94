"""The audit as one typed document, and everything that is made from it alone."""

from reports.document import (
    Audit,
    Claim,
    Control,
    Controls,
    DataPart,
    Estimate,
    Figure,
    Finding,
    Gate,
    Privacy,
    Provenance,
    Status,
    Table,
    TargetDescription,
    ThreatModel,
    json_schema,
)
from reports.errors import DocumentError
from reports.html import render_html
from reports.manifest import verify_manifest, write_manifest

__all__ = [
    "Audit",
    "Claim",
    "Control",
    "Controls",
    "DataPart",
    "DocumentError",
    "Estimate",
    "Figure",
    "Finding",
    "Gate",
    "Privacy",
    "Provenance",
    "Status",
    "Table",
    "TargetDescription",
    "ThreatModel",
    "json_schema",
    "render_html",
    "verify_manifest",
    "write_manifest",
]
