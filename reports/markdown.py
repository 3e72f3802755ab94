"""The audit in Markdown: a summary for a build's page, and a section for the card of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reports import numbers, words
from reports.document import Audit, Estimate, Gate, Status
from reports.frameworks import Framework, builtin_frameworks, map_framework
from reports.gates import JoinedGate, joined_gates
from reports.release import PROFILES, in_words, judge
from reports.verdict import LIMITS_OF_AN_AUDIT, verdict
from reports.visible import elide, visible

# Whatever Markdown, in any dialect, might read as a mark or a mention; the colon of an address and the dot after www,
# which some dialects turn into links; and what makes a list of the start of a line.
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~$&^@]|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.|^[-+=]|^\d+(?=[.)])", re.I)
_SIGNS: dict[Status, str] = {
    "pass": "✅",
    "warn": "⚠️",
    "fail": "❌",
    "error": "💥",
    "inconclusive": "🔷",
    "manual": "👤",
    "not-run": "⚪",
    "not-applicable": "⚪",
}


def text(value: str, length: int = 400) -> str:
    r"""Foreign text as Markdown shows it literally, in one line.

    Every mark becomes a character reference, which no dialect reads as a mark, inside tables or out of them.

    Example:
        >>> text("a|b <i>")
        'a&#124;b &#60;i&#62;'
    """
    line = " ".join(visible(elide(value, length)).split())
    return _MARKS.sub(lambda match: "".join(f"&#{ord(char)};" for char in match[0]), line)


def markdown_page(audit: Audit, frameworks: Sequence[Framework] = ()) -> str:
    """The verdict, the gates, what was not measured and the frameworks, as Markdown.

    Args:
        audit: the document.
        frameworks: more frameworks than those that ship with genassay.
    """
    summed = verdict(audit)
    silent = [finding for finding in audit.findings if finding.status in words.UNANSWERED]
    parts = [f"# {text(audit.name, 100)}"]
    if audit.confidential:
        parts.append("**Confidential: this may hold records of individuals. Do not pass it on.**")
    parts += [
        f"{_SIGNS[audit.status]} **{summed.headline}** ({words.STATUS_LABELS[audit.status]}). {text(summed.sentence)}",
        *(f"**Note.** {text(note)}" for note in audit.notes),
        f"**Way of release.** {text(summed.release, 1200)}",
        f"**What this audit does not say.** {LIMITS_OF_AN_AUDIT}",
        "## Gates",
        _gates(joined_gates(audit)) if audit.gates else "No gate is set.",
        "## What was not measured",
        table(
            ("check", "status", "why"),
            ((text(one.title, 80), words.STATUS_LABELS[one.status], text(one.why)) for one in silent),
        )
        if silent
        else "Every check gave an answer.",
        "## Ways of release",
        table(
            ("way of release", "evidence", "limits that count, and what is wanting"),
            (
                (
                    PROFILES[release].title,
                    f"{_SIGNS[found.status]} {words.STATUS_LABELS[found.status]}",
                    in_words(found),
                )
                for release, found in ((release, judge(audit, release)) for release in PROFILES)
            ),
        ),
        "## Frameworks",
        "Evidence, and no legal conclusion; the page holds the rows.",
        table(
            ("framework", "rows"),
            (
                (text(one.framework.title, 120), ", ".join(f"{count} {answer}" for answer, count in one.tally.items()))
                for one in (map_framework(each, audit) for each in (*frameworks, *builtin_frameworks()))
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def model_card(audit: Audit) -> str:
    """A section for a model's card: what was measured, against whom, and what was not.

    Cards of models: Mitchell et al., "Model Cards for Model Reporting" (2019).

    Args:
        audit: the document.
    """
    summed = verdict(audit)
    counted = [joined for joined in joined_gates(audit) if joined.counted]
    ran = [finding for finding in audit.findings if finding.status not in words.UNANSWERED]
    source = audit.provenance
    claim = audit.privacy.claim
    claimed = (
        f"The maker claims differential privacy with epsilon {numbers.number(claim.epsilon)} and delta "
        f"{numbers.number(claim.delta)} for one {text(claim.unit, 80)}; this audit does not vouch for it."
        if claim is not None
        else "No differential-privacy guarantee is claimed."
    )
    parts = [
        "## Privacy and robustness audit",
        f"{text(summed.sentence)} {text(summed.release, 1200)}",
        claimed,
        _gates(counted) if counted else "No limit was set on any estimate.",
        f"{len(ran)} of {len(audit.findings)} checks gave an answer. {LIMITS_OF_AN_AUDIT}",
        f"Made by genassay {text(source.genassay, 40)} on {text(audit.created, 40)}, seed {source.seed}; target: "
        f"{text(audit.target.kind, 80)} ({text(audit.target.modality, 40)}).",
    ]
    return "\n\n".join(parts) + "\n"


def _gates(gates: Iterable[JoinedGate]) -> str:
    heads = ("finding", "estimate", "value", "interval", "limit", "status")
    return table(heads, (_gate(joined) for joined in gates))


def _gate(joined: JoinedGate) -> tuple[str, ...]:
    gate, estimate = joined.gate, joined.estimate
    counted = "" if joined.counted else ", not counted for this release"
    return (
        text(joined.finding.title, 80),
        text(words.estimate_name(estimate.name), 80),
        numbers.number(estimate.value),
        _interval(estimate),
        _limit(gate),
        f"{_SIGNS[gate.status]} {words.STATUS_LABELS[gate.status]}{counted}",
    )


def _interval(estimate: Estimate) -> str:
    return f"{numbers.interval(estimate.low, estimate.high)} ({numbers.percent(estimate.confidence)})"


def _limit(gate: Gate) -> str:
    return f"{'at least' if gate.better == 'higher' else 'at most'} {numbers.number(gate.limit)}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
