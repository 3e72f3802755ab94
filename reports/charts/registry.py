"""Which kinds of figure there are, and how each is checked, drawn and written as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from reports.charts import (
    bars,
    canvas,
    distances,
    epsilons,
    frontier,
    histogram,
    lines,
    marginals,
    pictures,
    roc,
    spent,
    subgroups,
)
from reports.document import Figure, Part, Table
from reports.errors import DocumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Data = TypeVar("Data", bound=Part)


@dataclass(frozen=True)
class Chart(Generic[Data]):
    """How one kind of figure is handled; `tabulate` is for readers who cannot see the drawing."""

    data: type[Data]
    frame: Callable[[Data], canvas.Frame]
    draw: Callable[[Axes, Data], None]
    tabulate: Callable[[Data], Table]


CHARTS: dict[str, Chart[Any]] = {
    "roc": Chart(roc.RocData, roc.frame, roc.draw, roc.tabulate),
    "score-histogram": Chart(histogram.HistogramData, histogram.frame, histogram.draw, histogram.tabulate),
    "column-distances": Chart(distances.DistancesData, distances.frame, distances.draw, distances.tabulate),
    "bars": Chart(bars.BarsData, bars.frame, bars.draw, bars.tabulate),
    "epsilons": Chart(epsilons.EpsilonsData, epsilons.frame, epsilons.draw, epsilons.tabulate),
    "spent": Chart(spent.SpentData, spent.frame, spent.draw, spent.tabulate),
    "robust-accuracy": Chart(lines.LinesData, lines.frame, lines.draw, lines.tabulate),
    "frontier": Chart(frontier.FrontierData, frontier.frame, frontier.draw, frontier.tabulate),
    "subgroups": Chart(subgroups.SubgroupsData, subgroups.frame, subgroups.draw, subgroups.tabulate),
    "marginals": Chart(marginals.MarginalsData, marginals.frame, marginals.draw, marginals.tabulate),
    "images": Chart(pictures.ImagesData, pictures.images_frame, pictures.draw_images, pictures.tabulate_images),
    "spectrograms": Chart(
        pictures.SpectrogramsData,
        pictures.spectrograms_frame,
        pictures.draw_spectrograms,
        pictures.tabulate_spectrograms,
    ),
}


def draw_figure(figure: Figure, *, name: str, where: str = "$") -> str:
    """Draw a figure as an inline `<svg>` element whose colours come from the page.

    Args:
        figure: kind, title, description and data.
        name: prefix of the ids inside, unique on the page.
        where: JSON path of the figure in its document, for the error message.

    Raises:
        DocumentError: the kind is unknown or the data does not fit it; the message names the JSON path.

    Example:
        >>> data = {"labels": ["age"], "values": [0.2], "low": [0.1], "high": [0.3], "unit": "share"}
        >>> draw_figure(Figure(kind="bars", title="t", description="d", data=data), name="a")[:4]
        '<svg'
    """
    chart, data = _checked(figure, where)
    return canvas.draw(
        lambda axes: chart.draw(axes, data),
        frame=chart.frame(data),
        name=name,
        title=figure.title,
        description=figure.description,
    )


def tabulate_figure(figure: Figure, *, where: str = "$") -> Table:
    """The same figure as a table of numbers.

    Args:
        figure: kind, title, description and data.
        where: JSON path of the figure in its document, for the error message.

    Raises:
        DocumentError: as for `draw_figure`.
    """
    chart, data = _checked(figure, where)
    return chart.tabulate(data)


def _checked(figure: Figure, where: str) -> tuple[Chart[Any], Part]:
    chart = CHARTS.get(figure.kind)
    if chart is None:
        raise DocumentError(f"{where}.kind: unknown figure kind {figure.kind!r}; there are {', '.join(CHARTS)}")
    try:
        return chart, chart.data.model_validate(figure.data)
    except ValidationError as error:
        first = error.errors()[0]
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first["loc"])
        raise DocumentError(f"{where}.data{path}: {first['msg'].removeprefix('Value error, ')}") from None
