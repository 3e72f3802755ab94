"""How far each synthetic column lies from the real one, against how far two real samples lie from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above, room_for
from reports.charts.palette import MUTED, SERIES
from reports.document import Part, Table
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 40


class DistancesData(Part):
    """The `data` of a figure of kind `column-distances`: one value for each column, in one unit."""

    columns: list[str] = Field(min_length=1)
    synthetic: list[float]
    low: list[float]
    high: list[float]
    floor: list[float]
    unit: str

    @model_validator(mode="after")
    def _columns_match(self) -> DistancesData:
        if any(len(part) != len(self.columns) for part in (self.synthetic, self.low, self.high, self.floor)):
            raise ValueError("synthetic, low, high and floor need one value for each column")
        return self


def frame(data: DistancesData) -> Frame:
    """The room that the drawing needs; it grows with the number of rows."""
    labels = _labels(data)
    return Frame(height=76 + 24 * len(labels), left=room_for(labels), top=30)


def draw(axes: Axes, data: DistancesData) -> None:
    """Draw one row a column, the most distant on top; beyond 40 columns the closest are left to the table."""
    order = _most_distant_first(data)[:_SHOWN]
    rows = list(range(len(order)))
    for row, at in zip(rows, order, strict=True):
        axes.plot([data.low[at], data.high[at]], [row, row], color=SERIES[0], linewidth=2, solid_capstyle="butt")
    floor, synthetic = [data.floor[at] for at in order], [data.synthetic[at] for at in order]
    axes.plot(floor, rows, "|", color=MUTED, markersize=12, markeredgewidth=2, label="real against real")
    axes.plot(synthetic, rows, "o", color=SERIES[0], markersize=5.5, label="synthetic against real")
    axes.set_yticks(rows, _labels(data))
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=short(data.unit, 48))
    axes.set_xlim(left=min(0.0, *data.low))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    legend_above(axes, columns=2)


def tabulate(data: DistancesData) -> Table:
    """All columns, the most distant first."""
    return Table(
        title="Distance of each column, the most distant first",
        columns=["column", f"synthetic against real ({data.unit})", "low", "high", "real against real"],
        rows=[
            [data.columns[at], data.synthetic[at], data.low[at], data.high[at], data.floor[at]]
            for at in _most_distant_first(data)
        ],
    )


def _labels(data: DistancesData) -> list[str]:
    return [short(data.columns[at], 24) for at in _most_distant_first(data)[:_SHOWN]]


def _most_distant_first(data: DistancesData) -> list[int]:
    return sorted(range(len(data.columns)), key=lambda at: -data.synthetic[at])
