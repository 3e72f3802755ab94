"""Scores of members and non-members, as shares: a leak is where the two outlines part."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from reports.charts.canvas import Frame, legend_above
from reports.charts.palette import MUTED, SERIES
from reports.charts.thinning import merged
from reports.document import Part, Table
from reports.numbers import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Counts = list[int | None]

_BINS = 120


class HistogramData(Part):
    """The `data` of a figure of kind `score-histogram`; a count of None is a cell too small to be shown."""

    edges: list[float] = Field(min_length=2)
    members: Counts
    nonmembers: Counts

    @model_validator(mode="after")
    def _bins_match(self) -> HistogramData:
        if any(len(counts) != len(self.edges) - 1 for counts in (self.members, self.nonmembers)):
            raise ValueError("members and nonmembers need one count for each bin, one fewer than edges")
        if any(left > right for left, right in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must not descend")
        if any(count is not None and count < 0 for count in (*self.members, *self.nonmembers)):
            raise ValueError("counts cannot be negative")
        return self


def frame(_: HistogramData) -> Frame:
    """The room that the drawing needs."""
    return Frame(height=280, top=32)


def draw(axes: Axes, data: HistogramData) -> None:
    """Draw both outlines, normalised to shares, and crosses on the base line where a cell is suppressed."""
    group = -(-len(data.members) // _BINS)
    members, nonmembers = merged(data.members, group), merged(data.nonmembers, group)
    edges = [*data.edges[:-1:group], data.edges[-1]]
    centres = [(left + right) / 2 for left, right in pairwise(edges)]
    for counts, colour, style, label in (
        (members, SERIES[0], "-", "members"),
        (nonmembers, SERIES[1], "--", "non-members"),
    ):
        shares = _shares(counts)
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.13, linewidth=0)
        axes.stairs(shares, edges, color=colour, linestyle=style, linewidth=1.8, label=label)
    hidden = [
        centre
        for centre, *counts in zip(centres, members, nonmembers, strict=True)
        if any(count is None for count in counts)
    ]
    if hidden:
        baseline = [0.0] * len(hidden)
        axes.plot(hidden, baseline, "x", color=MUTED, markersize=5, clip_on=False, label="too few to show")
    axes.set(xlabel="attack score", ylabel="share of records", ylim=(0, None))
    axes.margins(x=0)
    legend_above(axes, columns=3)


def tabulate(data: HistogramData) -> Table:
    """The counts, bin by bin."""
    spans = [interval(left, right) for left, right in zip(data.edges, data.edges[1:], strict=False)]
    return Table(
        title="Records by attack score; a dash is a cell too small to show",
        columns=["score", "members", "non-members"],
        rows=[list(row) for row in zip(spans, data.members, data.nonmembers, strict=True)],
    )


def _shares(counts: Counts) -> list[float]:
    total = sum(count or 0 for count in counts)
    return [(count or 0) / total if total else 0.0 for count in counts]
