"""A privacy budget as one bar, divided by what it was spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from reports.charts.canvas import Frame
from reports.charts.palette import BAD, MUTED, PAPER, SERIES
from reports.document import Part, Table
from reports.numbers import number
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Share = Annotated[float, Field(ge=0)]

_SHOWN = 8


class SpentData(Part):
    """The `data` of a figure of kind `spent`: what each use added to the total, in the order in which it was spent."""

    labels: list[str] = Field(min_length=1)
    added: list[Share]
    budget: Share | None = None
    unit: str

    @model_validator(mode="after")
    def _uses_match(self) -> SpentData:
        if len(self.added) != len(self.labels):
            raise ValueError("added needs one number for each label")
        return self


def frame(data: SpentData) -> Frame:
    """The room that the drawing needs; it grows with the number of uses."""
    return Frame(height=126 + 21 * len(_shown(data)), left=20, top=20 + 21 * len(_shown(data)))


def draw(axes: Axes, data: SpentData) -> None:
    """Draw the uses end to end, each with a hatch of its own; beyond eight the smallest are put together."""
    left = 0.0
    hatches = ("", "//", "--", "xx", "||", "++")
    for at, (label, added) in enumerate(_shown(data)):
        colour = SERIES[at % len(SERIES)]
        axes.barh(
            [0], [added], left=left, height=0.6, color=colour, alpha=0.55, edgecolor=PAPER, linewidth=1,
            hatch=hatches[at % len(hatches)], label=f"{short(label, 44)}: {number(added)}",
        )  # fmt: skip
        left += added
    axes.plot([left, left], [-0.42, 0.42], color=MUTED, linewidth=1.4)
    if data.budget is not None:
        axes.axvline(data.budget, color=BAD, linestyle="--", linewidth=1.4, label=f"budget: {number(data.budget)}")
    axes.set(ylim=(-0.7, 0.7), xlabel=short(data.unit, 48), yticks=[])
    axes.set_xlim(0, max(left, data.budget or 0.0) * 1.02 or 1)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.02), borderaxespad=0, handlelength=1.6, labelspacing=0.35)


def tabulate(data: SpentData) -> Table:
    """Every use in order, and the total after it."""
    total = 0.0
    rows: list[list[str | int | float | None]] = []
    for label, added in zip(data.labels, data.added, strict=True):
        total += added
        rows.append([label, added, total])
    told = "" if data.budget is None else f"of a budget of {number(data.budget)}"
    return Table(title="What was spent", description=told, columns=["use", f"added ({data.unit})", "total"], rows=rows)


def _shown(data: SpentData) -> list[tuple[str, float]]:
    uses = [(label, added) for label, added in zip(data.labels, data.added, strict=True) if added > 0]
    if len(uses) <= _SHOWN:
        return uses or [(data.labels[0], 0.0)]
    kept = sorted(uses, key=lambda use: -use[1])[: _SHOWN - 1]
    rest = sum(added for _, added in uses) - sum(added for _, added in kept)
    return [*(use for use in uses if use in kept), (f"{len(uses) - len(kept)} smaller ones", rest)]
