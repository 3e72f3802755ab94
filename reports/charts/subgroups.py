"""One value for each group of people, with its interval, against the value for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above, room_for
from reports.charts.palette import INK, MUTED, SERIES
from reports.document import Part, Table
from reports.numbers import number
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Size = Annotated[int, Field(ge=5)]
"""How many people a group holds; one of fewer than five would tell about single people."""

_SHOWN = 40


class SubgroupsData(Part):
    """The `data` of a figure of kind `subgroups`."""

    groups: list[str] = Field(min_length=1)
    sizes: list[Size]
    values: list[float]
    low: list[float]
    high: list[float]
    overall: float | None = None
    unit: str

    @model_validator(mode="after")
    def _groups_match(self) -> SubgroupsData:
        if any(len(part) != len(self.groups) for part in (self.sizes, self.values, self.low, self.high)):
            raise ValueError("sizes, values, low and high need one number for each group")
        return self


def frame(data: SubgroupsData) -> Frame:
    """The room that the drawing needs; it grows with the number of groups."""
    labels = _labels(data)
    return Frame(height=76 + 26 * len(labels), left=room_for(labels), top=30)


def draw(axes: Axes, data: SubgroupsData) -> None:
    """Draw a dot and its interval for each group, in the order given; beyond 40 the rest is left to the table."""
    rows = list(range(min(len(data.groups), _SHOWN)))
    for row in rows:
        axes.plot([data.low[row], data.high[row]], [row, row], color=SERIES[0], linewidth=2, solid_capstyle="butt")
    axes.plot(data.values[:_SHOWN], rows, "o", color=SERIES[0], markeredgecolor=INK, markeredgewidth=0.6, markersize=6)
    if data.overall is not None:
        axes.axvline(data.overall, color=MUTED, linestyle="--", label=f"everybody: {number(data.overall)}")
        legend_above(axes, columns=1)
    axes.set_yticks(rows, _labels(data))
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=short(data.unit, 48))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def tabulate(data: SubgroupsData) -> Table:
    """Every group with its size."""
    told = "" if data.overall is None else f"everybody: {number(data.overall)}"
    rows = zip(data.groups, data.sizes, data.values, data.low, data.high, strict=True)
    return Table(
        title="The values by group",
        description=told,
        columns=["group", "people", data.unit, "low", "high"],
        rows=[list(row) for row in rows],
    )


def _labels(data: SubgroupsData) -> list[str]:
    pairs = zip(data.groups[:_SHOWN], data.sizes[:_SHOWN], strict=True)
    return [f"{short(group, 20)} ({number(size)})" for group, size in pairs]
