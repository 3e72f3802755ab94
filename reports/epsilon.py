"""The figures of a privacy claim, put together from the claim, the ledger and what attacks on the claim found."""

from __future__ import annotations

from typing import Any

from reports.document import Audit, Figure
from reports.numbers import number

_BOUND = "epsilon_lower"


def privacy_figures(audit: Audit) -> list[Figure]:
    """What is claimed, accounted and shown of epsilon, and what the budget went to; empty where nothing is known.

    Args:
        audit: the document.
    """
    return [figure for figure in (_shown(audit), _spent(audit)) if figure is not None]


def _shown(audit: Audit) -> Figure | None:
    bounds = [
        {
            "label": f"{finding.title} ({estimate.kind})" if estimate.kind else finding.title,
            "low": max(0.0, estimate.low),
            "confidence": estimate.confidence,
            "ceiling": estimate.ceiling,
            "kind": estimate.kind,
        }
        for finding in audit.findings
        for estimate in finding.estimates
        if estimate.name.startswith(_BOUND)
    ]
    if not bounds:
        return None
    totals = _totals(audit)
    claim = audit.privacy.claim
    return Figure(
        kind="epsilons",
        title="Epsilon: claimed, accounted and shown",
        description=(
            "An attack shows that epsilon is at least so much, never that it is no more. A claim is contradicted where "
            "a bar reaches beyond it; a bar that stays below proves nothing that lies above what its design could show."
        ),
        data={
            "claimed": claim.epsilon if claim else None,
            "accounted": totals[-1][1] if totals else None,
            "bounds": bounds,
        },
    )


def _spent(audit: Audit) -> Figure | None:
    totals = _totals(audit)
    if not totals:
        return None
    before = [0.0, *(total for _, total in totals)]
    budget = next((entry.get("epsilon") for entry in audit.privacy.ledger if entry.get("mechanism") == "budget"), None)
    delta = f" at delta {number(audit.privacy.claim.delta)}" if audit.privacy.claim else ""
    return Figure(
        kind="spent",
        title="What the budget went to",
        description=(
            "What each touch of the data added to the total when it was charged. Costs do not simply add up, so in "
            "another order the shares would be others."
        ),
        data={
            "labels": [label for label, _ in totals],
            "added": [max(0.0, total - earlier) for (_, total), earlier in zip(totals, before, strict=False)],
            "budget": budget if _positive(budget) else None,
            "unit": f"epsilon{delta}",
        },
    )


def _totals(audit: Audit) -> list[tuple[str, float]]:
    """Every touch that cost something, with what all touches up to it cost together."""
    return [
        (str(entry.get("what", "a touch")), float(entry["spent"]))
        for entry in audit.privacy.ledger
        if entry.get("mechanism") != "budget" and _positive(entry.get("spent"))
    ]


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
