"""Columns side by side: how often each value, or range of values, occurs in real and in synthetic records."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above
from reports.charts.palette import SERIES
from reports.document import Part, Table
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Shares = list[float | None]

_SHOWN = 12
_BARS = 12
_ACROSS = 2
_PANEL = 118


class Column(Part):
    """One column: its values (or ranges), and the share of each; None is a cell too small to be shown.

    Whoever makes the figure puts values that fewer than five people hold together: their very names would tell.
    """

    name: str
    values: list[str] = Field(min_length=1)
    real: Shares
    synthetic: Shares

    @model_validator(mode="after")
    def _values_match(self) -> Column:
        if any(len(part) != len(self.values) for part in (self.real, self.synthetic)):
            raise ValueError("real and synthetic need one share for each value")
        if any(share is not None and not 0 <= share <= 1 for share in (*self.real, *self.synthetic)):
            raise ValueError("shares lie between 0 and 1")
        return self


class MarginalsData(Part):
    """The `data` of a figure of kind `marginals`."""

    columns: list[Column] = Field(min_length=1)


def frame(data: MarginalsData) -> Frame:
    """The room that the drawing needs; it grows with the number of columns."""
    return Frame(height=40 + _PANEL * _rows(data), left=8, right=8, top=32, bottom=6)


def draw(axes: Axes, data: MarginalsData) -> None:
    """Draw a small panel for each column; beyond 12 columns, or values of one, the rest is left to the table."""
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    # Only for the legend: a panel of its own has no room for one.
    axes.bar([0], [0], color=SERIES[0], alpha=0.75, label="real")
    axes.bar([0], [0], color=SERIES[1], alpha=0.75, hatch="///", label="synthetic")
    legend_above(axes, columns=2)
    for at, column in enumerate(data.columns[:_SHOWN]):
        row, across = divmod(at, _ACROSS)
        height = 1 / _rows(data)
        box = (across / _ACROSS + 0.02, 1 - (row + 1) * height + 0.24 * height, 1 / _ACROSS - 0.05, 0.5 * height)
        _panel(axes.inset_axes(box), column)


def _panel(axes: Axes, column: Column) -> None:
    places = range(min(len(column.values), _BARS))
    real, synthetic = ([share or 0.0 for share in shares[:_BARS]] for shares in (column.real, column.synthetic))
    axes.bar([place - 0.2 for place in places], real, width=0.38, color=SERIES[0], alpha=0.75)
    axes.bar([place + 0.2 for place in places], synthetic, width=0.38, color=SERIES[1], alpha=0.75, hatch="///")
    axes.set_title(short(column.name, 26), loc="left", fontsize=11.5, pad=4)
    # Names of more than a few values would run into one another.
    few = len(places) <= 4
    axes.set_xticks(list(places) if few else [], [short(value, 7) for value in column.values[:_BARS]] if few else [])
    axes.tick_params(axis="x", length=0, labelsize=10)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)


def tabulate(data: MarginalsData) -> Table:
    """Every share of every column."""
    return Table(
        title="Shares of each value; a dash is a cell too small to show",
        columns=["column", "value", "real", "synthetic"],
        rows=[
            [column.name, *row]
            for column in data.columns
            for row in zip(column.values, column.real, column.synthetic, strict=True)
        ],
    )


def _rows(data: MarginalsData) -> int:
    return math.ceil(min(len(data.columns), _SHOWN) / _ACROSS)
