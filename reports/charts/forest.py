"""All gates of an audit in one drawing: each verdict interval between no leak and its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.charts.canvas import Frame, draw
from reports.charts.palette import BAD, INK, MUTED, PAPER, RULE, STATUS_COLOURS, STATUS_MARKERS
from reports.document import Audit
from reports.gates import JoinedGate, joined_gates
from reports.numbers import number
from reports.visible import short
from reports.words import STATUS_LABELS, brief_name, estimate_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEFT, _RIGHT = -0.5, 2.0
_SHOWN = 30


def draw_forest(audit: Audit, name: str = "forest") -> str:
    """Draw every gate in a row of its own, the most urgent on top, on a scale that makes them comparable.

    Units differ, so each row is stretched until no leak lies at 0 and the limit at 1 (see `JoinedGate.position`); the
    numbers in their own units stand beside each row. Intervals that leave the drawing end in an arrow head.

    Args:
        audit: a document with at least one gate; beyond 30 gates the least urgent are left to the table.
        name: prefix of the ids inside, unique on the page.

    Returns:
        An inline `<svg>` element.
    """
    rows = joined_gates(audit)
    left_out = f" The {len(rows) - _SHOWN} least urgent are in the table only." if len(rows) > _SHOWN else ""
    return draw(
        lambda axes: _paint(axes, rows[:_SHOWN]),
        frame=Frame(height=34 + 40 * min(len(rows), _SHOWN), left=4, top=2, bottom=2, right=4),
        name=name,
        title="Every gate between no leak and its limit",
        description=f"One row for each gate, with the interval that its verdict rests on. {_spoken(rows)}{left_out}",
    )


def _spoken(rows: list[JoinedGate]) -> str:
    return "; ".join(
        f"{short(row.finding.title, 60)}, {short(estimate_name(row.estimate.name), 60)}: {number(row.estimate.value)}, "
        f"limit {number(row.gate.limit)}, {STATUS_LABELS[row.gate.status]}"
        for row in rows[:_SHOWN]
    )


def _paint(axes: Axes, rows: list[JoinedGate]) -> None:
    bottom = len(rows) - 0.35
    axes.set(xlim=(_LEFT, _RIGHT), ylim=(bottom, -0.85))
    axes.axis("off")
    axes.fill_between([1, _RIGHT], -0.55, bottom, color=BAD, alpha=0.07, linewidth=0)
    axes.plot([1, 1], [-0.55, bottom], color=BAD, linewidth=1.2)
    axes.text(1, -0.62, "limit", ha="center", va="bottom", color=BAD, fontsize=11)
    axes.text(_RIGHT, -0.62, "beyond the limit", ha="right", va="bottom", color=MUTED, fontsize=11)
    if any(row.gate.null is not None for row in rows):
        axes.text(0, -0.62, "no leak", ha="center", va="bottom", color=MUTED, fontsize=11)
    for at, row in enumerate(rows):
        _paint_row(axes, at, row)


def _paint_row(axes: Axes, at: int, row: JoinedGate) -> None:
    colour = STATUS_COLOURS[row.gate.status]
    label = short(f"{short(row.finding.title, 38)} · {brief_name(row.estimate.name)}", 62)
    values = f"{number(row.estimate.value)} / {number(row.gate.limit)}"
    backdrop = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.2}
    axes.text(_LEFT, at - 0.22, label, ha="left", va="center", fontsize=11, bbox=backdrop)
    axes.text(_RIGHT, at - 0.22, values, ha="right", va="center", fontsize=11, color=MUTED)
    line = at + 0.2
    if row.gate.null is not None:
        axes.plot([0, 0], [line - 0.16, line + 0.16], color=MUTED, linewidth=1.4)
    if at:
        axes.plot([_LEFT, _RIGHT], [at - 0.55, at - 0.55], color=RULE, linewidth=0.6)
    low, high = sorted((row.position(row.gate.low), row.position(row.gate.high)))
    axes.plot([_clip(low), _clip(high)], [line, line], color=colour, linewidth=2.2, solid_capstyle="butt")
    for end, marker in ((low, "<"), (high, ">")):
        if end != _clip(end):
            axes.plot([_clip(end)], [line], marker, color=colour, markersize=7, clip_on=False)
    # A value beyond the drawing keeps its shape, just inside the arrow head.
    value = min(max(row.position(row.estimate.value), _LEFT + 0.14), _RIGHT - 0.14)
    marker = STATUS_MARKERS[row.gate.status]
    axes.plot([value], [line], marker, color=colour, markersize=7.5, markeredgecolor=INK, markeredgewidth=0.6)


def _clip(position: float) -> float:
    return min(max(position, _LEFT + 0.03), _RIGHT - 0.03)
