"""The `Audit` document: the whole result of an audit, as one typed and versioned JSON file.

Everything that is shown anywhere is rendered from this document and from nothing else, so a number that is not
in here cannot appear on a page, and a page can be made again from an old file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import from_json

from reports.errors import DocumentError

SCHEMA_VERSION: Final = "1.0"

Status = Literal["pass", "warn", "fail", "inconclusive", "not-run", "not-applicable", "error", "manual"]
ControlStatus = Literal["detected", "missed", "quiet", "fired", "not-run"]
Access = Literal["synthetic-only", "query", "white-box"]
Better = Literal["lower", "higher", "none"]
BoundKind = Literal["certified", "family", "heuristic"]
Release = Literal["internal", "synthetic-only", "public-api", "open-weights"]


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    # pydantic looks no deeper than `Any`, and would write NaN into a file that other readers then refuse.
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot be written as JSON: {error}") from None
    return value


FreeForm = Annotated[dict[str, Any], AfterValidator(_plain_json)]


class Part(BaseModel):
    """Base of every part of the document: unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Estimate(Part):
    """A measured value with its interval; no number without one takes part in a verdict.

    `null` is what the estimate would be without any leak (taken from the drift control where there is one),
    `limit` the bound that the policy sets on it, `n` the number of independent units behind it.
    """

    name: str
    value: float
    low: float
    high: float
    confidence: float = Field(gt=0, lt=1)
    n: int = Field(ge=0)
    unit: str
    null: float | None = None
    limit: float | None = None
    better: Better = "none"
    kind: BoundKind | None = None
    ceiling: float | None = None
    realised_fpr: float | None = None

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> Estimate:
        if self.low > self.high:
            raise ValueError(f"estimate {self.name!r}: low {self.low} is above high {self.high}")
        return self


class Control(Part):
    """What a check said of a case whose answer is known."""

    status: ControlStatus = "not-run"
    estimates: list[Estimate] = []
    why: str = ""


class Controls(Part):
    """The three cases with a known answer that every attack runs on itself."""

    positive: Control = Control()
    negative: Control = Control()
    drift: Control = Control()


class ThreatModel(Part):
    """Who the attacker is: what the target lets them see, and what they know besides."""

    access: Access
    knowledge: str


class Figure(Part):
    """A figure as data; `reports.charts` knows how to draw each `kind`."""

    kind: str
    title: str
    description: str
    data: FreeForm


class Table(Part):
    """A small table: column headings and rows of the same width."""

    title: str
    description: str = ""
    columns: list[str]
    rows: list[list[str | int | float | None]]

    @model_validator(mode="after")
    def _rows_match_columns(self) -> Table:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.title!r}: row {number} has {len(row)} cells, not {len(self.columns)}")
        return self


class Finding(Part):
    """The answer of one check to its question, with the evidence for it and against it."""

    id: str
    family: str
    title: str
    question: str
    threat_model: ThreatModel
    source: str
    status: Status
    why: str
    estimates: list[Estimate] = []
    controls: Controls = Controls()
    power: FreeForm = {}
    figures: list[Figure] = []
    tables: list[Table] = []
    remedy: str = ""
    reproduce: str = ""
    seconds: float = Field(default=0.0, ge=0)
    frameworks: list[str] = []


class Gate(Part):
    """A limit on one estimate and what the evidence says of it, with all that is needed to decide it again.

    `low` and `high` are the interval at the verdict's `confidence`, wider than the one shown beside the estimate.
    `excess_low` is the lower end, at the same confidence, of what the estimate shows beyond its `null`.
    """

    finding: str
    estimate: str
    limit: float
    status: Status
    low: float
    high: float
    confidence: float = Field(gt=0, lt=1)
    null: float | None = None
    excess_low: float | None = None
    better: Better = "lower"
    reason: str = ""
    why: str = ""


class Claim(Part):
    """The differential-privacy guarantee that the target's maker states; the audit does not vouch for it."""

    epsilon: float = Field(gt=0)
    delta: float = Field(ge=0, lt=1)
    unit: str
    relation: str
    accountant: str


class Privacy(Part):
    """What is claimed about differential privacy, every touch of the data behind it, and a statement in prose."""

    claim: Claim | None = None
    ledger: list[FreeForm] = []
    statement: str


class DataPart(Part):
    """The fingerprint of one part of the audited data."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int = Field(ge=0)


class Provenance(Part):
    """What is needed to run the same audit again."""

    genassay: str
    python: str
    packages: dict[str, str]
    platform: str
    git: str | None
    seed: int
    data: dict[str, DataPart]
    command: str


class TargetDescription(Part):
    """What was probed, and what it lets an attacker see."""

    kind: str
    access: Access
    modality: str
    parameters: FreeForm = {}
    records: int = Field(default=0, ge=0)


class Audit(Part):
    """The whole result of one audit; save it with `save`, read it back with `load`.

    `release` is how the target is going to be released, if that was declared; `status` then speaks of the attackers
    that this lets in, and of no others.

    Example:
        >>> Audit.load("runs/2026-01-01/audit.json").status  # doctest: +SKIP
        'pass'
    """

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    name: str
    status: Status
    created: str
    seconds: float = Field(ge=0)
    provenance: Provenance
    target: TargetDescription
    privacy: Privacy
    release: Release | None = None
    notes: list[str] = []
    confidential: bool = False
    findings: list[Finding]
    gates: list[Gate]

    @model_validator(mode="after")
    def _gates_point_at_estimates(self) -> Audit:
        known = {(finding.id, estimate.name) for finding in self.findings for estimate in finding.estimates}
        for gate in self.gates:
            if (gate.finding, gate.estimate) not in known:
                raise ValueError(f"gate on {gate.finding}/{gate.estimate}: the document holds no such estimate")
        return self

    @model_serializer(mode="wrap")
    def _without_what_was_not_declared(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A document that declares no release reads the same to programs that have never heard of one.
        document: dict[str, Any] = write(self)
        if self.release is None:
            del document["release"]
        return document

    def finding(self, identifier: str) -> Finding:
        """The finding with this id; a `KeyError` names the ids that exist."""
        for finding in self.findings:
            if finding.id == identifier:
                return finding
        raise KeyError(f"no finding {identifier!r}; there are {', '.join(f.id for f in self.findings)}")

    def to_json(self) -> str:
        """The document as text: keys in declared order, two-space indent, one line feed at the end."""
        return self.model_dump_json(indent=2) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the document to `path` and return the path."""
        path = Path(path)
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, text: str, source: str = "audit.json") -> Audit:
        """Read a document from text; a `DocumentError` names the JSON path of the first thing that is wrong."""
        try:
            # Stricter than the standard library: no NaN, no half characters, no bottomless nesting.
            raw = from_json(text, allow_inf_nan=False)
        except ValueError as error:
            raise DocumentError(f"{source}: not valid JSON ({error}); the file may be truncated") from None
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if version != SCHEMA_VERSION:
            raise DocumentError(
                f"{source}: schema_version is {version!r}, this genassay reads {SCHEMA_VERSION!r}; "
                "upgrade genassay if the file is newer"
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first["loc"])
            raise DocumentError(f"{source}: ${where}: {first['msg'].removeprefix('Value error, ')}") from None

    @classmethod
    def load(cls, path: str | Path) -> Audit:
        """Read a document from a file (or from the folder that holds its `audit.json`)."""
        path = Path(path)
        if path.is_dir():
            path = path / "audit.json"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DocumentError(f"{path}: no such file; an audited folder holds an audit.json") from None
        except UnicodeDecodeError as error:
            raise DocumentError(f"{path}: not UTF-8 text at byte {error.start}") from None
        return cls.from_json(text, source=str(path))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `audit.json`, for readers in other languages."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Audit.model_json_schema()}
