"""One framework held against one audit: what it supports, what it contradicts, and what is left to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from reports.document import Audit, Finding, Status
from reports.frameworks.model import Framework, Row, Section
from reports.numbers import number
from reports.words import SEVERITY, STATUS_LABELS, UNANSWERED

Answer = Literal["supports", "contradicts", "not assessed", "manual"]

ANSWER_MEANINGS: dict[Answer, str] = {
    "supports": "evidence for the clause: checks named in the row held their limits, or the document states what is "
    "asked for; no more than evidence",
    "contradicts": "a check named in the row broke its limit",
    "not assessed": "no check named in the row gave an answer, or the document does not state it; nothing is known",
    "manual": "undecided or unlimited evidence, or none that a machine could give: a person has to judge",
}


@dataclass(frozen=True)
class MappedRow:
    """A row with what the audit says of it; `answered` and `silent` are the findings that it names."""

    row: Row
    answer: Answer
    why: str
    answered: tuple[Finding, ...] = ()
    silent: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class MappedFramework:
    """A framework with an answer for each of its rows."""

    framework: Framework
    rows: tuple[MappedRow, ...]

    @property
    def tally(self) -> dict[Answer, int]:
        """How many rows got each answer, in the order in which they are explained."""
        counts = Counter(row.answer for row in self.rows)
        return {answer: counts[answer] for answer in ANSWER_MEANINGS if counts[answer]}


def map_framework(framework: Framework, audit: Audit) -> MappedFramework:
    """What does this audit show of what the framework asks for?

    A row that names checks is contradicted by one that fails; it is supported if some pass, none is undecided, and
    everything that it names got an answer that could; otherwise it is left to a person. A row whose checks all stayed
    silent is not assessed. The outcome is never a legal conclusion.

    Args:
        framework: the table of demands.
        audit: the document.

    Example:
        >>> map_framework(builtin_frameworks()[0], audit).rows[0].answer  # doctest: +SKIP
        'supports'
    """
    return MappedFramework(framework, tuple(_mapped(row, audit) for row in framework.rows))


def _mapped(row: Row, audit: Audit) -> MappedRow:
    if row.sections:
        told = [(section, _STATED[section](audit)) for section in row.sections]
        missing = [section for section, text in told if text is None]
        why = "; ".join(text for _, text in told if text is not None)
        if missing:
            absent = f"the document holds no {' and no '.join(_SECTION_NAMES[section] for section in missing)}"
            return MappedRow(row, "not assessed", f"{absent}; it does hold {why}" if why else absent)
        return MappedRow(row, "supports", f"stated here: {why}")
    if not row.findings:
        return MappedRow(row, "manual", "no check can show this")
    named = [one for one in audit.findings if any(fnmatchcase(one.id, pattern) for pattern in row.findings)]
    answered = tuple(one for one in named if one.status not in UNANSWERED)
    silent = tuple(one for one in named if one.status in UNANSWERED)
    unheard = [pattern for pattern in row.findings if _unheard(pattern, named)]
    why = _why(named)
    if answered and unheard:
        why += f"; nothing on {', '.join(unheard)}"
    return MappedRow(row, _answer(answered, silent, unheard), why, answered, silent)


def _unheard(pattern: str, named: Sequence[Finding]) -> bool:
    """Whether nothing answered what the pattern asks for, although it could be asked of this target."""
    statuses: set[Status] = {one.status for one in named if fnmatchcase(one.id, pattern)}
    return statuses <= UNANSWERED and statuses != {"not-applicable"}


def _answer(answered: Sequence[Finding], silent: Sequence[Finding], unheard: Sequence[str]) -> Answer:
    statuses = {finding.status for finding in answered}
    if "fail" in statuses:
        return "contradicts"
    if not statuses:
        return "not assessed"
    # A check that broke has hidden its answer, which may have been the worst of all.
    broken = any(finding.status == "error" for finding in silent)
    undecided = broken or unheard or "warn" in statuses or "inconclusive" in statuses
    return "supports" if "pass" in statuses and not undecided else "manual"


def _why(named: Sequence[Finding]) -> str:
    if not named:
        return "the audit holds none of the checks that the row names"
    counts = Counter(finding.status for finding in named)
    tally = ", ".join(f"{counts[status]} {STATUS_LABELS[status]}" for status in SEVERITY if counts[status])
    return f"{len(named)} check{'s' if len(named) > 1 else ''}: {tally}"


def _claim(audit: Audit) -> str | None:
    claim = audit.privacy.claim
    if claim is None:
        return None
    return (
        f"a claim of epsilon {number(claim.epsilon)} and delta {number(claim.delta)} for one {claim.unit} "
        f"({claim.relation}), by {claim.accountant}"
    )


def _ledger(audit: Audit) -> str | None:
    entries = len(audit.privacy.ledger)
    return f"a ledger of {entries} {'entries' if entries > 1 else 'entry'}" if entries else None


def _randomness(audit: Audit) -> str | None:
    given = [entry.get("parameters") for entry in audit.privacy.ledger]
    sources = sorted({str(known["rng"]) for known in given if isinstance(known, dict) and "rng" in known})
    return f"noise drawn from {'; '.join(sources)}" if sources else None


def _threat_models(audit: Audit) -> str | None:
    several = len(audit.findings)
    return f"access and knowledge of the attacker beside each of {several} checks" if several else None


def _coverage(audit: Audit) -> str | None:
    if not audit.findings:
        return None
    silent = sum(finding.status in UNANSWERED for finding in audit.findings)
    return f"a list of {len(audit.findings)} checks, {silent} of them without an answer"


def _provenance(audit: Audit) -> str:
    return (
        f"the date {audit.created}, the seed, versions, and fingerprints of {len(audit.provenance.data)} parts of the "
        "data"
    )


_STATED: dict[Section, Callable[[Audit], str | None]] = {
    "claim": _claim,
    "ledger": _ledger,
    "statement": lambda audit: "a statement in prose" if audit.privacy.statement.strip() else None,
    "randomness": _randomness,
    "threat-models": _threat_models,
    "coverage": _coverage,
    "provenance": _provenance,
    "release": lambda audit: f"the way of release: {audit.release}" if audit.release else None,
}

_SECTION_NAMES: dict[Section, str] = {
    "claim": "claim of differential privacy",
    "ledger": "ledger",
    "statement": "privacy statement",
    "randomness": "word on where noise came from",
    "threat-models": "threat model",
    "coverage": "list of checks",
    "provenance": "provenance",
    "release": "declared way of release",
}
