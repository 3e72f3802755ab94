"""What changed from one audit to another, as a document, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reports.document import Audit, Estimate, Part, Status
from reports.markdown import table, text
from reports.numbers import NO_VALUE, interval, number, percent
from reports.words import STATUS_LABELS, estimate_name

Direction = Literal["better", "worse", "different", "no change shown"]

NOISE_IN_WORDS: dict[Direction, str] = {
    "better": "beyond noise, for the better",
    "worse": "beyond noise, for the worse",
    "different": "beyond noise",
    "no change shown": "within what noise alone would do",
}


class Change(Part):
    """One estimate in both audits; `low` to `high` is what the difference, after minus before, may be.

    The interval's confidence is corrected for the number of estimates compared, so that in all of them together noise
    is taken for a change with at most the comparison's error.
    """

    finding: str
    title: str
    before: Estimate
    after: Estimate
    difference: float
    low: float
    high: float
    direction: Direction


class GateChange(Part):
    """A gate whose status is another one now, or that only one of the audits has; `moved` if its limit changed."""

    finding: str
    title: str
    estimate: str
    before: Status | None
    after: Status | None
    moved: tuple[float, float] | None = None
    direction: Direction | None = None

    @property
    def newly_fails(self) -> bool:
        """Whether it fails now and did not before."""
        return self.after == "fail" and self.before != "fail"


class Side(Part):
    """One of the two audits, as far as a reader must know it."""

    name: str
    status: Status
    created: str
    target: str


class Comparison(Part):
    """Two audits side by side.

    Attributes:
        before: the first audit.
        after: the second audit.
        confidence: of all differences together.
        changes: every estimate that both hold, what changed most certainly first.
        gates: gates that stand otherwise now, new failures first.
        only_before: titles of checks that only the first audit answered.
        only_after: titles of checks that only the second audit answered.
        uncompared: estimates, as `finding estimate`, without a width to compare by.
        notes: what a reader must know before trusting the comparison.
    """

    before: Side
    after: Side
    confidence: float = Field(gt=0, lt=1)
    changes: list[Change]
    gates: list[GateChange]
    only_before: list[str] = Field(default=[])
    only_after: list[str] = Field(default=[])
    uncompared: list[str] = Field(default=[])
    notes: list[str] = Field(default=[])

    @property
    def sentence(self) -> str:
        """The whole comparison in one sentence.

        Example:
            >>> comparison.sentence  # doctest: +SKIP
            '1 limit newly fails; 2 of 24 estimates changed beyond noise, 2 for the worse.'
        """
        failing = sum(gate.newly_fails for gate in self.gates)
        changed = [change for change in self.changes if change.direction != "no change shown"]
        worse = sum(change.direction == "worse" for change in changed)
        limits = f"{failing} limit{'s' if failing > 1 else ''} newly fail{'' if failing > 1 else 's'}"
        shown = f"{len(changed)} of {len(self.changes)} estimates changed beyond noise"
        return f"{limits if failing else 'No limit newly fails'}; {shown}{f', {worse} for the worse' if worse else ''}."


def side(audit: Audit) -> Side:
    """What a comparison says of one of its audits."""
    return Side(name=audit.name, status=audit.status, created=audit.created, target=audit.target.kind)


def comparison_markdown(comparison: Comparison) -> str:
    """A comparison as Markdown.

    Args:
        comparison: as `audit.comparison.compare` makes it.
    """
    first, second = comparison.before, comparison.after
    parts = [
        f"# {text(first.name, 80)} and {text(second.name, 80)}, compared",
        f"**{comparison.sentence}**",
        f"Before: {text(first.target, 80)}, {STATUS_LABELS[first.status]}, {text(first.created, 40)}. "
        f"After: {text(second.target, 80)}, {STATUS_LABELS[second.status]}, {text(second.created, 40)}.",
        *(text(note) for note in comparison.notes),
        "## Limits that stand otherwise",
        table(("finding", "estimate", "before", "after", "the estimate itself"), map(_gate_row, comparison.gates))
        if comparison.gates
        else "None.",
        f"## Estimates (differences at {percent(comparison.confidence)} together)",
        table(("finding", "estimate", "before", "after", "difference", ""), map(_change_row, comparison.changes))
        if comparison.changes
        else "The audits have no estimate in common.",
    ]
    for title, names in (
        ("Answered only before", comparison.only_before),
        ("Answered only after", comparison.only_after),
        ("Without a width to compare by", comparison.uncompared),
    ):
        if names:
            parts.append(f"{title}: {', '.join(text(name, 80) for name in names)}.")
    return "\n\n".join(parts) + "\n"


def moved_in_words(gate: GateChange) -> str:
    """What became of a gate's estimate and limit."""
    told = NOISE_IN_WORDS[gate.direction] if gate.direction else "in one of the audits only"
    return f"{told}; the limit moved from {number(gate.moved[0])} to {number(gate.moved[1])}" if gate.moved else told


def _gate_row(gate: GateChange) -> Sequence[str]:
    before, after = (NO_VALUE if status is None else STATUS_LABELS[status] for status in (gate.before, gate.after))
    name = text(estimate_name(gate.estimate), 80)
    return (text(gate.title, 80), name, before, f"**{after}**" if gate.newly_fails else after, moved_in_words(gate))


def _change_row(change: Change) -> Sequence[str]:
    return (
        text(change.title, 80),
        text(estimate_name(change.after.name), 80),
        number(change.before.value),
        number(change.after.value),
        f"{number(change.difference)} ({interval(change.low, change.high)})",
        change.direction,
    )
