"""Curves with bands over a strength that is turned up, such as accuracy against ever larger perturbations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above
from reports.charts.palette import LINE_STYLES, SERIES
from reports.charts.thinning import along
from reports.document import Part, Table
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ("o", "s", "^", "D")
_MARKED = 40


class Line(Part):
    """One curve; `low` and `high` are its intervals, point by point."""

    label: str
    x: list[float] = Field(min_length=1)
    y: list[float]
    low: list[float]
    high: list[float]

    @model_validator(mode="after")
    def _points_match(self) -> Line:
        if any(len(part) != len(self.x) for part in (self.y, self.low, self.high)):
            raise ValueError("x, y, low and high must have the same length")
        if sorted(self.x) != self.x:
            raise ValueError("x must ascend")
        return self


class LinesData(Part):
    """The `data` of a figure of kind `robust-accuracy`."""

    lines: list[Line] = Field(min_length=1)
    x_unit: str
    y_unit: str


def frame(data: LinesData) -> Frame:
    """The room that the drawing needs."""
    return Frame(height=300, top=14 + 18 * ((len(data.lines) + 1) // 2))


def draw(axes: Axes, data: LinesData) -> None:
    """Draw each curve with markers where it was measured, and its band."""
    for number, line in enumerate(data.lines):
        colour = SERIES[number % len(SERIES)]
        drawn = along(line.x)
        x, y, low, high = ([part[at] for at in drawn] for part in (line.x, line.y, line.low, line.high))
        axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0)
        axes.plot(
            x, y, color=colour, linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            marker=_MARKERS[number % len(_MARKERS)] if len(x) <= _MARKED else "", markersize=4.5,
            label=_label(line, number),
        )  # fmt: skip
    axes.set(xlabel=short(data.x_unit, 48), ylabel=short(data.y_unit, 40))
    legend_above(axes, columns=2)


def tabulate(data: LinesData) -> Table:
    """Every measured point of every curve."""
    return Table(
        title="The points of the curves",
        columns=["curve", data.x_unit, data.y_unit, "low", "high"],
        rows=[
            [line.label, *point]
            for line in data.lines
            for point in zip(line.x, line.y, line.low, line.high, strict=True)
        ],
    )


def _label(line: Line, number: int) -> str:
    label = short(line.label) or f"curve {number + 1}"
    # matplotlib leaves out of its legends what starts with an underscore.
    return f" {label}" if label.startswith("_") else label
