"""Two audits: what changed beyond noise, and what newly fails."""

from __future__ import annotations

import math

from audit.statistics import Interval, normal_quantile
from reports import Audit, Estimate, Finding, Gate
from reports.changes import Change, Comparison, Direction, GateChange, side
from reports.words import SEVERITY, UNANSWERED

_PARTS = ("train", "holdout", "reference")


def compare(before: Audit, after: Audit, confidence: float = 0.95) -> Comparison:
    """What changed from one audit to the other, beyond what noise explains, and which limits newly fail?

    Each difference gets an interval from the two estimates' own intervals (`difference_interval`), at a confidence
    that is corrected for how many are compared (Bonferroni). The estimates are taken to be independent. Where both
    audits used the same real records they are not: records that are easy to attack are so in both, the difference
    varies less than is reckoned, and a change that is shown is all the surer. Documents hold no scores of single
    records (they would tell about people), so nothing can be paired record by record here.

    Args:
        before: the earlier audit, or the first of two alternatives.
        after: the later one.
        confidence: of all differences together.

    Returns:
        A document; `reports.changes.comparison_markdown` and `reports.html.comparison_page` show it.

    Example:
        >>> compare(audit, audit).sentence  # doctest: +SKIP
        'No limit newly fails; 0 of 24 estimates changed beyond noise.'
    """
    pairs = _pairs(before, after)
    usable = [pair for pair in pairs if pair[1].high > pair[1].low or pair[2].high > pair[2].low]
    each = 1 - (1 - confidence) / max(1, len(usable))
    changes = [_change(finding, first, second, each) for finding, first, second in usable]
    directions = {(change.finding, change.after.name): change.direction for change in changes}
    answered = [
        {one.id: one.title for one in audit.findings if one.status not in UNANSWERED} for audit in (before, after)
    ]
    return Comparison(
        before=side(before),
        after=side(after),
        confidence=confidence,
        changes=sorted(changes, key=lambda change: -_certainty(change)),
        gates=_gates(before, after, directions),
        only_before=[title for name, title in answered[0].items() if name not in answered[1]],
        only_after=[title for name, title in answered[1].items() if name not in answered[0]],
        uncompared=[
            f"{finding.id} {second.name}" for finding, first, second in pairs if (finding, first, second) not in usable
        ],
        notes=_notes(before, after),
    )


def difference_interval(first: Estimate, second: Estimate, confidence: float) -> Interval:
    """An interval for `second - first`, from the intervals of both.

    The square-and-add method of Zou and Donner ("Construction of confidence limits about effect measures", 2008),
    which keeps each side of a lopsided interval on its side; a share of 0 with an interval up to 0.002 is compared
    by those 0.002. Sides are stretched to the wanted confidence as normal ones would be.

    Args:
        first: an estimate with its interval.
        second: another one, independent of the first or positively correlated with it.
        confidence: two-sided.

    Example:
        >>> kind = dict(name="auc", confidence=0.95, n=100, unit="AUC")
        >>> low = Estimate(value=0.5, low=0.47, high=0.53, **kind)
        >>> high = Estimate(value=0.6, low=0.56, high=0.64, **kind)
        >>> [round(end, 3) for end in difference_interval(low, high, 0.95)]
        [0.05, 0.15]
    """
    wanted = normal_quantile(confidence)
    stretch = [wanted / normal_quantile(one.confidence) for one in (first, second)]
    # An interval that does not hold its own value (a bound, say) has a side without width.
    down = [max(0.0, one.value - one.low) * by for one, by in zip((first, second), stretch, strict=True)]
    up = [max(0.0, one.high - one.value) * by for one, by in zip((first, second), stretch, strict=True)]
    difference = second.value - first.value
    return Interval(difference - math.hypot(up[0], down[1]), difference + math.hypot(down[0], up[1]))


def _pairs(before: Audit, after: Audit) -> list[tuple[Finding, Estimate, Estimate]]:
    earlier = {(one.id, estimate.name): estimate for one in before.findings for estimate in one.estimates}
    return [
        (one, earlier[one.id, estimate.name], estimate)
        for one in after.findings
        for estimate in one.estimates
        if (one.id, estimate.name) in earlier
    ]


def _change(finding: Finding, first: Estimate, second: Estimate, confidence: float) -> Change:
    low, high = difference_interval(first, second, confidence)
    direction: Direction = "no change shown"
    if low > 0 or high < 0:
        better: dict[str, Direction] = {
            "lower": "worse" if low > 0 else "better",
            "higher": "better" if low > 0 else "worse",
            "none": "different",
        }
        direction = better[second.better]
    return Change(
        finding=finding.id,
        title=finding.title,
        before=first,
        after=second,
        difference=second.value - first.value,
        low=low,
        high=high,
        direction=direction,
    )


def _certainty(change: Change) -> float:
    """How many half-widths the difference lies from nought."""
    side = change.difference - change.low if change.difference > 0 else change.high - change.difference
    return abs(change.difference) / side if side > 0 else math.inf


def _gates(before: Audit, after: Audit, directions: dict[tuple[str, str], Direction]) -> list[GateChange]:
    first, second = ({(gate.finding, gate.estimate): gate for gate in audit.gates} for audit in (before, after))
    titles = {one.id: one.title for audit in (before, after) for one in audit.findings}
    changed = [
        _gate_change(key, first.get(key), second.get(key), titles[key[0]], directions.get(key))
        for key in dict.fromkeys([*second, *first])
    ]
    stirred = [gate for gate in changed if gate.before != gate.after or gate.moved]
    return sorted(stirred, key=lambda gate: (not gate.newly_fails, SEVERITY.index(gate.after or "not-run")))


def _gate_change(
    key: tuple[str, str], first: Gate | None, second: Gate | None, title: str, direction: Direction | None
) -> GateChange:
    both = first is not None and second is not None
    moved = (first.limit, second.limit) if first and second and first.limit != second.limit else None
    return GateChange(
        finding=key[0],
        title=title,
        estimate=key[1],
        before=first.status if first else None,
        after=second.status if second else None,
        moved=moved,
        direction=direction if both else None,
    )


def _notes(before: Audit, after: Audit) -> list[str]:
    notes = [
        "A change is one between these two targets. Training the same model anew moves such numbers too, by more than "
        "the intervals allow for."
    ]
    one, other = before.provenance.data, after.provenance.data
    differing = [part for part in _PARTS if part not in one or part not in other or one[part] != other[part]]
    if differing:
        notes.append(
            f"The audits did not use the same records ({', '.join(differing)} differ), so a change may come from the "
            "records as well as from the target."
        )
    else:
        notes.append(
            "Both audits used the same real records. Differences are reckoned as if they had not, which can hide a "
            "change but does not make one up."
        )
    if before.target.modality != after.target.modality:
        notes.append(f"One target makes {before.target.modality} records, the other {after.target.modality} ones.")
    if before.target.access != after.target.access:
        notes.append(f"One target gave {before.target.access} access, the other {after.target.access} access.")
    if before.provenance.genassay != after.provenance.genassay:
        notes.append("The audits were made by different versions of genassay.")
    if before.release != after.release:
        notes.append(
            f"The audits declare different ways of release: {before.release or 'none'}, {after.release or 'none'}."
        )
    return notes
