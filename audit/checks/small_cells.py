"""Numbers as a report may show them: nobody can be counted out of a handful.

Rates of people are shown to the nearest five of them, whatever they are, so that neither a number nor what is left
between two numbers tells of fewer. Estimates are shown in steps of at least as many. Verdicts rest on exact numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from audit.statistics import wilson
from reports import Figure

SMALLEST_CELL = 5  # fewer people than this are not counted out loud


class People(NamedTuple):
    """The people behind tries: how many were hit, how many missed (with several records, both), and how many in all."""

    hit: float
    missed: float
    total: float


def coarse(people: float) -> float:
    """The step in which a share of so many people is shown: 1 or 5 times a power of ten, at least five of them.

    A step that does not depend on what was found gives nothing away itself.

    Example:
        >>> coarse(2000), coarse(1000), coarse(160), coarse(4)
        (0.005, 0.005, 0.05, 1.0)
    """
    least = min(1.0, SMALLEST_CELL / people) if people > 0 else 1.0
    power = math.floor(math.log10(least) + 1e-9)
    return float(next(f"{step}e{power}" for step in (1, 5, 10) if float(f"{step}e{power}") >= least * (1 - 1e-9)))


def share_in_words(hits: float, tries: float, people: People | None = None) -> str:
    """A share to the nearest five people, that singles out no handful of those hit, nor of those missed.

    Args:
        hits: tries that succeeded.
        tries: all tries.
        people: the people behind hits and misses, where tries are records and a person may have several.

    Example:
        >>> share_in_words(2, 400), share_in_words(399, 400), share_in_words(42, 400)
        ('under 1.2%', 'over 98.8%', '10.0%')
        >>> share_in_words(40, 400, people=People(1, 150, 150))
        'under 3.3%'
    """
    if not tries:
        return "no try"
    shown = _shown(hits, tries, people)
    return f"{shown.bound} {shown.share:.1%}".strip()


def hits_figure(
    title: str,
    description: str,
    counts: Sequence[tuple[str, float, float]],
    unit: str,
    confidence: float,
    people: Sequence[People | None] | None = None,
) -> Figure:
    """Bars of how often something was hit, to the nearest five people; a handful stands at the smallest cell.

    Args:
        title: of the figure.
        description: what to read from it.
        counts: for each bar its label, hits and tries, at least one.
        unit: what the bars count.
        confidence: of the intervals.
        people: for each bar the people behind hits and misses, where tries are records.
    """
    behind = people or [None] * len(counts)
    shown = [_shown(hits, tries, own) for (_, hits, tries), own in zip(counts, behind, strict=True)]
    ends = [wilson(one.share * one.people, one.people, confidence) for one in shown]
    return Figure(
        kind="bars",
        title=title,
        description=description,
        data={
            "labels": [
                label + (f" ({one.bound} this)" if one.bound else "")
                for (label, *_), one in zip(counts, shown, strict=True)
            ],
            "values": [one.share for one in shown],
            "low": [0.0 if one.bound == "under" else end.low for end, one in zip(ends, shown, strict=True)],
            "high": [1.0 if one.bound == "over" else end.high for end, one in zip(ends, shown, strict=True)],
            "reference": None,
            "reference_label": "",
            "unit": unit,
        },
    )


class _Shown(NamedTuple):
    bound: str  # "under", "over" or nothing
    share: float
    people: float


def _shown(hits: float, tries: float, people: People | None) -> _Shown:
    """A share to the nearest five people; of a handful, only that it is one."""
    hit, missed, total = people or People(hits, tries - hits, tries)
    step = min(1.0, SMALLEST_CELL / total)
    if 0 < hit < SMALLEST_CELL:
        return _Shown("under", step, total)
    if 0 < missed < SMALLEST_CELL:
        return _Shown("over", 1 - step, total)
    share = hits / tries
    nearest = share if share in (0.0, 1.0) else min(max(round(share / step) * step, step), 1 - step)
    return _Shown("", nearest, total)
