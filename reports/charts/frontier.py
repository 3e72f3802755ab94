"""What privacy costs: one point a budget, its leak against its use, with intervals both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame
from reports.charts.palette import INK, MUTED, SERIES
from reports.document import Part, Table
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 40


class Point(Part):
    """One model: how much it leaks (`x`) and how useful it is (`y`), each with its interval."""

    label: str
    x: float
    x_low: float
    x_high: float
    y: float
    y_low: float
    y_high: float

    @model_validator(mode="after")
    def _intervals_hold(self) -> Point:
        if not (self.x_low <= self.x <= self.x_high and self.y_low <= self.y <= self.y_high):
            raise ValueError(f"point {self.label!r}: a value lies outside its interval")
        return self


class FrontierData(Part):
    """The `data` of a figure of kind `frontier`, its points in the order in which they are joined."""

    points: list[Point] = Field(min_length=1)
    x_unit: str
    y_unit: str


def frame(_: FrontierData) -> Frame:
    """The room that the drawing needs."""
    return Frame(height=330)


def draw(axes: Axes, data: FrontierData) -> None:
    """Draw the points with crosses for their intervals, named, and joined in order; beyond 40 the rest is tabled."""
    points = data.points[:_SHOWN]
    axes.plot([p.x for p in points], [p.y for p in points], color=MUTED, linewidth=1, linestyle=":")
    for point in points:
        axes.plot([point.x_low, point.x_high], [point.y, point.y], color=SERIES[0], linewidth=1.2, alpha=0.6)
        axes.plot([point.x, point.x], [point.y_low, point.y_high], color=SERIES[0], linewidth=1.2, alpha=0.6)
        axes.plot([point.x], [point.y], "o", color=SERIES[0], markersize=6)
        axes.annotate(
            short(point.label, 20),
            (point.x, point.y),
            xytext=(6, 7),
            textcoords="offset points",
            color=INK,
            fontsize=11,
        )
    axes.set(xlabel=short(data.x_unit, 48), ylabel=short(data.y_unit, 40))
    axes.margins(0.12)


def tabulate(data: FrontierData) -> Table:
    """Every point with its intervals."""
    columns = ["model", data.x_unit, "low", "high", data.y_unit, "low", "high"]
    rows: list[list[str | int | float | None]] = [
        [p.label, p.x, p.x_low, p.x_high, p.y, p.y_low, p.y_high] for p in data.points
    ]
    return Table(title="The points of the frontier", columns=columns, rows=rows)
