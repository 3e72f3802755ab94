"""Labelled values with their intervals, against one reference line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above, room_for
from reports.charts.palette import BAD, INK, SERIES
from reports.document import Part, Table
from reports.numbers import number
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 40


class BarsData(Part):
    """The `data` of a figure of kind `bars`."""

    labels: list[str] = Field(min_length=1)
    values: list[float]
    low: list[float]
    high: list[float]
    reference: float | None = None
    reference_label: str = ""
    unit: str

    @model_validator(mode="after")
    def _bars_match(self) -> BarsData:
        if any(len(part) != len(self.labels) for part in (self.values, self.low, self.high)):
            raise ValueError("values, low and high need one number for each label")
        return self


def frame(data: BarsData) -> Frame:
    """The room that the drawing needs; it grows with the number of rows."""
    labels = _labels(data)
    return Frame(height=76 + 30 * len(labels), left=room_for(labels), top=30)


def draw(axes: Axes, data: BarsData) -> None:
    """Draw one bar a label, in the order given; beyond 40 the rest is left to the table."""
    rows = list(range(min(len(data.labels), _SHOWN)))
    axes.barh(rows, data.values[:_SHOWN], height=0.56, color=SERIES[0], alpha=0.4)
    for row in rows:
        axes.plot([data.low[row], data.high[row]], [row, row], color=INK, linewidth=1.4)
    if data.reference is not None:
        label = short(f"{data.reference_label or 'reference'}: {number(data.reference)}", 48)
        axes.axvline(data.reference, color=BAD, linestyle="--", linewidth=1.4, label=label)
        legend_above(axes, columns=1)
    axes.set_yticks(rows, _labels(data))
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=short(data.unit, 48))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def tabulate(data: BarsData) -> Table:
    """The values with their intervals."""
    reference = "" if data.reference is None else f"{data.reference_label or 'reference'}: {number(data.reference)}"
    return Table(
        title="The values behind the bars",
        description=reference,
        columns=["label", f"value ({data.unit})", "low", "high"],
        rows=[list(row) for row in zip(data.labels, data.values, data.low, data.high, strict=True)],
    )


def _labels(data: BarsData) -> list[str]:
    return [short(label, 24) for label in data.labels[:_SHOWN]]
