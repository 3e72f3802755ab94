"""One chart on one small canvas: matplotlib is loaded here, on the first drawing, and nowhere else."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.charts.inline import inline_svg
from reports.charts.palette import INK, MUTED, PAPER, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# At this width a chart needs no shrinking on a tablet, and its labels stay legible at the 350 px of a phone.
WIDTH = 440


@dataclass(frozen=True)
class Frame:
    """Room around the axes, in CSS pixels.

    Fixed, not measured: the font that a reader's browser takes is another one than matplotlib would measure, and
    measuring costs two thirds of the time of a drawing.
    """

    height: float
    left: float = 66
    top: float = 12
    bottom: float = 46
    right: float = 20


def room_for(labels: Iterable[str]) -> float:
    """The left margin, in pixels, that lets row labels stand beside the axes."""
    return 14 + 6.4 * max((len(label) for label in labels), default=0)


def legend_above(axes: Axes, columns: int) -> None:
    """Put the legend into the top margin: inside the axes it would sooner or later cover a row or a curve."""
    axes.legend(
        loc="upper right",
        bbox_to_anchor=(1, 1),
        bbox_transform=axes.get_figure(root=True).transFigure,  # type: ignore[union-attr]
        ncols=columns,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0.3,
    )


def draw(paint: Callable[[Axes], None], *, frame: Frame, name: str, title: str, description: str) -> str:
    """Paint one chart and return it as an inline `<svg>` element.

    The same input always gives the same bytes: no date, fixed identifiers.

    Args:
        paint: draws on the axes it is given, with colours from `reports.charts.palette` only.
        frame: height and margins of the canvas; its width is `WIDTH`.
        name: prefix of all ids inside; must be unique on the page.
        title: what the chart shows, read aloud first.
        description: what there is to see in it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_style()), warnings.catch_warnings():
        # Text stays text in the SVG, so the font that must hold a glyph is the reader's, not the one measured here.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        figure = Figure(figsize=(WIDTH / 72, frame.height / 72))
        width, height = WIDTH - frame.left - frame.right, frame.height - frame.top - frame.bottom
        paint(
            figure.add_axes(
                (frame.left / WIDTH, frame.bottom / frame.height, width / WIDTH, height / frame.height),
            )
        )
        buffer = io.BytesIO()
        metadata = {"Date": None, "Creator": None}
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return inline_svg(buffer.getvalue(), name=name, title=title, description=description)


def _style() -> dict[Any, Any]:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "genassay",
        # A column may be called "$price$"; that is a name, not a formula.
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "font.size": 12,
        "axes.titlesize": 12,
        "axes.labelsize": 12,
        "xtick.labelsize": 11.5,
        "ytick.labelsize": 11.5,
        "legend.fontsize": 11.5,
        "text.color": INK,
        "axes.labelcolor": MUTED,
        "xtick.color": RULE,
        "ytick.color": RULE,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "axes.linewidth": 1,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "grid.alpha": 0.7,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.frameon": False,
        "hatch.color": RULE,
        "lines.linewidth": 1.8,
        "patch.facecolor": PAPER,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "path.simplify": True,
    }
