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
    Release,
    Status,
    Table,
    TargetDescription,
    ThreatModel,
    json_schema,
)
from reports.errors import DocumentError
from reports.formats import FORMATS, write_report
from reports.frameworks import Framework, builtin_frameworks, load_framework
from reports.html import render_html
from reports.manifest import verify_manifest, write_manifest
from reports.release import PROFILES, judge
from reports.signature import sign_manifest, verify_signature

__all__ = [
    "FORMATS",
    "PROFILES",
    "Audit",
    "Claim",
    "Control",
    "Controls",
    "DataPart",
    "DocumentError",
    "Estimate",
    "Figure",
    "Finding",
    "Framework",
    "Gate",
    "Privacy",
    "Provenance",
    "Release",
    "Status",
    "Table",
    "TargetDescription",
    "ThreatModel",
    "builtin_frameworks",
    "json_schema",
    "judge",
    "load_framework",
    "render_html",
    "sign_manifest",
    "verify_manifest",
    "verify_signature",
    "write_manifest",
    "write_report",
]
