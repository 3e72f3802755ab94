"""ROC curves on logarithmic axes, where the few records that an attacker is sure of can be seen.

Carlini et al., "Membership Inference Attacks From First Principles" (2022), section III: an attack that recognises
a few members without false alarms is a breach, and a linear axis hides it in a corner.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from reports.charts.canvas import Frame
from reports.charts.palette import LINE_STYLES, MUTED, SERIES
from reports.charts.thinning import along
from reports.document import Part, Table
from reports.numbers import percent
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Share = Annotated[float, Field(ge=0, le=1)]

_MARKS = (0.001, 0.01, 0.1, 0.5)


class Curve(Part):
    """One attack: true-positive rates at ascending false-positive rates, with a band where there is one."""

    label: str
    fpr: list[Share] = Field(min_length=1)
    tpr: list[Share]
    low: list[Share] | None = None
    high: list[Share] | None = None

    @model_validator(mode="after")
    def _points_match(self) -> Curve:
        if any(len(part) != len(self.fpr) for part in (self.tpr, self.low, self.high) if part is not None):
            raise ValueError("fpr, tpr, low and high must have the same length")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high come together")
        if sorted(self.fpr) != self.fpr:
            raise ValueError("fpr must ascend")
        return self


class RocData(Part):
    """The `data` of a figure of kind `roc`."""

    curves: list[Curve] = Field(min_length=1)


def frame(_: RocData) -> Frame:
    """The room that the drawing needs."""
    return Frame(height=340)


def draw(axes: Axes, data: RocData) -> None:
    """Draw the curves, their bands and the diagonal of guessing."""
    floor = min([x for curve in data.curves for x in curve.fpr if x > 0] or [0.1])
    floor = max(min(floor, 0.1), 1e-5)
    axes.plot([floor, 1], [floor, 1], color=MUTED, linestyle=":", linewidth=1.2, label="guessing")
    for number, curve in enumerate(data.curves):
        colour = SERIES[number % len(SERIES)]
        x = [max(value, floor) for value in curve.fpr]
        drawn = along([math.log(value) for value in x])
        x = [x[at] for at in drawn]
        if curve.low is not None and curve.high is not None:
            low, high = ([max(bound[at], floor) for at in drawn] for bound in (curve.low, curve.high))
            axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
        marker = "o" if len(x) == 1 else None
        style = LINE_STYLES[number % len(LINE_STYLES)]
        y = [max(curve.tpr[at], floor) for at in drawn]
        axes.plot(x, y, color=colour, linestyle=style, marker=marker, label=_legend_label(curve, number))
    axes.set(xscale="log", yscale="log", xlim=(floor, 1), ylim=(floor, 1.06))
    axes.set(xlabel="false alarms (share of non-members)", ylabel="recognised (share of members)")
    ticks = [10.0**power for power in range(-5, 1) if 10.0**power >= floor * 0.999]
    labels = [percent(tick) for tick in ticks]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.minorticks_off()
    axes.legend(loc="lower right", handlelength=2.4)


def tabulate(data: RocData) -> Table:
    """The curves read off at false-positive rates that people ask for."""
    marks = [mark for mark in _MARKS if any(0 < x <= mark for curve in data.curves for x in curve.fpr)] or [1.0]
    return Table(
        title="Members recognised, by share of false alarms allowed",
        columns=["attack", *(f"at {percent(mark)}" for mark in marks)],
        rows=[[curve.label, *(_read_off(curve, mark) for mark in marks)] for curve in data.curves],
    )


def _legend_label(curve: Curve, number: int) -> str:
    label = short(curve.label) or f"curve {number + 1}"
    # matplotlib leaves out of its legends what starts with an underscore.
    return f" {label}" if label.startswith("_") else label


def _read_off(curve: Curve, mark: float) -> float | None:
    # The last point that stays within the mark: interpolation would claim a threshold that nobody tried.
    reached = [y for x, y in zip(curve.fpr, curve.tpr, strict=True) if x <= mark * (1 + 1e-9)]
    return max(reached) if reached else None
