"""Counts as a report may show them: nothing is said of a handful of people."""

from __future__ import annotations

from collections.abc import Sequence

from audit.statistics import wilson
from reports import Figure

SMALLEST_CELL = 5  # fewer people than this are not counted out loud


def share_in_words(hits: float, tries: float) -> str:
    """A share in words that singles out no handful, neither of those who were hit nor of those who were not.

    Example:
        >>> share_in_words(2, 400), share_in_words(399, 400), share_in_words(40, 400)
        ('under 1.2%', 'over 98.8%', '10.0%')
    """
    if not tries:
        return "no try"
    if 0 < hits < SMALLEST_CELL:
        return f"under {min(1.0, SMALLEST_CELL / tries):.1%}"
    if 0 < tries - hits < SMALLEST_CELL:
        return f"over {max(0.0, 1 - SMALLEST_CELL / tries):.1%}"
    return f"{hits / tries:.1%}"


def hits_figure(
    title: str, description: str, counts: Sequence[tuple[str, float, float]], unit: str, confidence: float
) -> Figure:
    """Bars of how often something was hit, each with its interval; a handful stands at the smallest cell.

    Args:
        title: of the figure.
        description: what to read from it.
        counts: for each bar its label, hits and tries, at least one.
        unit: what the bars count.
        confidence: of the intervals.
    """
    few = [0 < hits < SMALLEST_CELL for _, hits, _ in counts]
    shown = [
        min(SMALLEST_CELL, tries) if hidden else hits for (_, hits, tries), hidden in zip(counts, few, strict=True)
    ]
    ends = [wilson(hits, tries, confidence) for hits, (_, _, tries) in zip(shown, counts, strict=True)]
    return Figure(
        kind="bars",
        title=title,
        description=description,
        data={
            "labels": [
                label + (f" (fewer than {SMALLEST_CELL})" if hidden else "")
                for (label, _, _), hidden in zip(counts, few, strict=True)
            ],
            "values": [hits / tries for hits, (_, _, tries) in zip(shown, counts, strict=True)],
            "low": [0.0 if hidden else end.low for end, hidden in zip(ends, few, strict=True)],
            "high": [end.high for end in ends],
            "reference": None,
            "reference_label": "",
            "unit": unit,
        },
    )
