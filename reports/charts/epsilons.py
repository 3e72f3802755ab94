"""Epsilon on one axis: what is claimed, what accounting adds up to, what attacks show and what they could show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from reports.charts.canvas import Frame, legend_above, room_for
from reports.charts.palette import BAD, INK, MUTED, SERIES
from reports.document import BoundKind, Part, Table
from reports.numbers import percent
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Epsilon = Annotated[float, Field(ge=0)]


class Bound(Part):
    """A lower bound on epsilon that an attack shows, and the most that its design could have shown."""

    label: str
    low: Epsilon
    confidence: float = Field(gt=0, lt=1)
    ceiling: Epsilon | None = None
    kind: BoundKind | None = None


class EpsilonsData(Part):
    """The `data` of a figure of kind `epsilons`."""

    claimed: Epsilon | None = None
    accounted: Epsilon | None = None
    bounds: list[Bound] = Field(min_length=1)


def frame(data: EpsilonsData) -> Frame:
    """The room that the drawing needs; it grows with the number of bounds."""
    return Frame(height=104 + 34 * len(data.bounds), left=room_for(_labels(data)), top=52)


def draw(axes: Axes, data: EpsilonsData) -> None:
    """Draw a bar from 0 to each bound, a bracket at its ceiling, and lines where the claim and the ledger stand."""
    rows = list(range(len(data.bounds)))
    lows = [bound.low for bound in data.bounds]
    axes.barh(rows, lows, height=0.5, color=SERIES[0], alpha=0.4, label="shown by an attack, at least")
    axes.plot(lows, rows, "|", color=INK, markersize=14, markeredgewidth=2)
    ceilings = {row: bound.ceiling for row, bound in enumerate(data.bounds) if bound.ceiling is not None}
    for row, ceiling in ceilings.items():
        axes.plot([data.bounds[row].low, ceiling], [row, row], color=MUTED, linestyle=":", linewidth=1.2)
    if ceilings:
        ends, at = list(ceilings.values()), list(ceilings)
        axes.plot(ends, at, "|", color=MUTED, markersize=10, label="could be shown, at most")
    if data.accounted is not None:
        axes.axvline(data.accounted, color=SERIES[1], linestyle="-.", linewidth=1.4, label="accounted")
    if data.claimed is not None:
        axes.axvline(data.claimed, color=BAD, linestyle="--", linewidth=1.4, label="claimed")
    axes.set_yticks(rows, _labels(data))
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="epsilon")
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    legend_above(axes, columns=2)


def tabulate(data: EpsilonsData) -> Table:
    """The claim, the account and every bound."""
    rows: list[list[str | int | float | None]] = []
    if data.claimed is not None:
        rows.append(["claimed", data.claimed, None, None, None])
    if data.accounted is not None:
        rows.append(["accounted", data.accounted, None, None, None])
    rows += [
        [bound.label, bound.low, bound.ceiling, percent(bound.confidence), bound.kind or ""] for bound in data.bounds
    ]
    columns = ["what", "epsilon (of an attack: at least)", "could be shown, at most", "confidence", "kind of bound"]
    return Table(title="Epsilon: claimed, accounted and shown", columns=columns, rows=rows)


def _labels(data: EpsilonsData) -> list[str]:
    return [short(bound.label, 24) for bound in data.bounds]
