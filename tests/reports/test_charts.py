from __future__ import annotations

import math
import re
import warnings
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from reports import Audit, DocumentError, Figure
from reports.charts import CHARTS, draw_figure, draw_forest, tabulate_figure
from reports.charts.palette import ROLES
from reports.charts.thinning import MOST, along
from tests.reports.gallery import gallery, png

BARS = {"labels": ["a"], "values": [0.2], "low": [0.1], "high": [0.3], "unit": "share"}
HISTOGRAM = {"edges": [0, 1, 2], "members": [5, None], "nonmembers": [0, 9]}
DISTANCES = {"columns": ["a", "b"], "synthetic": [0.1, 0.4], "low": [0, 0.3], "high": [0.2, 0.5], "floor": [0, 0.1]}
CURVE = {"label": "a", "fpr": [0, 0.01, 1], "tpr": [0, 0.1, 1], "low": None, "high": None}


LINE = {"label": "a", "x": [0, 1], "y": [1, 0], "low": [1, 0], "high": [1, 0]}
POINT = {"label": "a", "x": 0, "x_low": 0, "x_high": 1, "y": 0, "y_low": 0, "y_high": 0}
COLUMN = {"name": "a", "values": ["b"], "real": [1.0], "synthetic": [1.0]}
PANEL = {"label": "a", "seconds": 1.0, "hertz": 8000.0, "power": [[1.0]]}


def changed(kind: str, key: str, value: Any) -> Figure:
    data = next(drawn["data"] for drawn in gallery() if drawn["kind"] == kind)
    return figure(kind, data | {key: value})


def figure(kind: str, data: dict[str, Any]) -> Figure:
    return Figure(kind=kind, title="A title", description="What is seen", data=data)


EXAMPLES = [
    *(Figure.model_validate(drawn) for drawn in gallery()),
    figure("bars", BARS),
    figure("bars", BARS | {"reference": 0.25, "reference_label": "limit"}),
    figure("score-histogram", HISTOGRAM),
    figure("score-histogram", {"edges": [1, 1], "members": [0], "nonmembers": [None]}),
    figure("column-distances", DISTANCES | {"unit": "TV"}),
    figure("roc", {"curves": [CURVE, CURVE | {"low": [0, 0.05, 1], "high": [0, 0.2, 1]}]}),
    figure("roc", {"curves": [CURVE | {"label": "_hidden"}, CURVE | {"label": ""}]}),
    figure("roc", {"curves": [{"label": "one point", "fpr": [0.1], "tpr": [0.1]}]}),
    figure("roc", {"curves": [{"label": "zeros", "fpr": [0, 0, 0], "tpr": [0, 0, 0]}]}),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.kind)
def test_drawing(example: Figure) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = draw_figure(example, name="fig")
    assert svg == draw_figure(example, name="fig")
    root = ElementTree.fromstring(svg)
    assert (root[0].tag, root[0].text) == ("title", example.title)
    assert (root[1].tag, root[1].text) == ("desc", example.description)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(identifier.startswith("fig-") for identifier in ids if identifier)
    assert all(element.get("style") is None for element in root.iter())
    # No colour of its own: neither a stand-in nor any other.
    without_pictures = re.sub(r'href="data:image/png;base64,[^"]*"', "", svg)
    assert not re.search(r"#[0-9a-fA-F]{6}\b", without_pictures)
    assert len(without_pictures) < 40_000


def test_every_kind_is_in_the_gallery() -> None:
    assert {drawn["kind"] for drawn in gallery()} == set(CHARTS)


@pytest.mark.parametrize("drawn", gallery(), ids=lambda drawn: drawn["kind"])
def test_every_figure_is_a_table_too(drawn: dict[str, Any]) -> None:
    table = tabulate_figure(Figure.model_validate(drawn))
    assert table.rows
    assert all(isinstance(cell, str) or cell is None or math.isfinite(cell) for row in table.rows for cell in row)


def test_every_role_has_its_colour(page: str) -> None:
    for role in ROLES.values():
        assert f".fill-{role} {{" in page
        assert f".stroke-{role} {{" in page


TABLES = [
    (figure("bars", BARS), [["a", 0.2, 0.1, 0.3]]),
    (figure("score-histogram", HISTOGRAM), [["0 to 1", 5, 0], ["1 to 2", None, 9]]),
    (figure("column-distances", DISTANCES | {"unit": "TV"}), [["b", 0.4, 0.3, 0.5, 0.1], ["a", 0.1, 0, 0.2, 0]]),
    (figure("roc", {"curves": [CURVE]}), [["a", 0.1, 0.1, 0.1]]),
]


@pytest.mark.parametrize(("example", "rows"), TABLES, ids=[example.kind for example, _ in TABLES])
def test_same_figure_as_a_table(example: Figure, rows: list[list[Any]]) -> None:
    assert tabulate_figure(example).rows == rows


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (figure("pie", {}), r"^\$\.f\.kind: unknown figure kind 'pie'; there are roc, "),
        (figure("bars", BARS | {"low": []}), r"^\$\.f\.data: values, low and high need"),
        (figure("bars", BARS | {"colour": 1}), r"^\$\.f\.data\.colour: "),
        (figure("bars", {}), r"^\$\.f\.data\.labels: Field required"),
        (figure("roc", {"curves": [CURVE | {"tpr": [0, 2, 1]}]}), r"^\$\.f\.data\.curves\[0\]\.tpr\[1\]: "),
        (figure("roc", {"curves": [CURVE | {"fpr": [1, 0, 0]}]}), r"^\$\.f\.data\.curves\[0\]: fpr must ascend"),
        (figure("roc", {"curves": [CURVE | {"low": [0, 0, 0]}]}), r"low and high come together"),
        (figure("score-histogram", HISTOGRAM | {"members": [1]}), r"one count for each bin"),
        (figure("score-histogram", HISTOGRAM | {"members": [-1, 1]}), r"counts cannot be negative"),
        (figure("score-histogram", HISTOGRAM | {"edges": [2, 1, 0]}), r"edges must not descend"),
        (figure("column-distances", DISTANCES | {"unit": "", "floor": []}), r"one value for each column"),
        (
            changed("subgroups", "sizes", [1020, 980, 310, 4]),
            r"^\$\.f\.data\.sizes\[3\]: .* greater than or equal to 5",
        ),
        (changed("subgroups", "low", []), r"one number for each group"),
        (changed("spent", "added", [-1, 1, 1]), r"^\$\.f\.data\.added\[0\]: "),
        (changed("spent", "added", [1]), r"one number for each label"),
        (changed("epsilons", "bounds", []), r"^\$\.f\.data\.bounds: "),
        (changed("robust-accuracy", "lines", [LINE | {"x": [1, 0]}]), r"x must ascend"),
        (changed("robust-accuracy", "lines", [LINE | {"y": [1]}]), r"must have the same length"),
        (changed("frontier", "points", [POINT | {"x": 2}]), r"point 'a': a value lies outside"),
        (changed("marginals", "columns", [COLUMN | {"real": [2.0]}]), r"shares lie between 0 and 1"),
        (changed("marginals", "columns", [COLUMN | {"real": []}]), r"one share for each value"),
        (changed("images", "strips", [{"label": "a", "images": ["%"]}]), r"an image is not base64"),
        (changed("images", "strips", [{"label": "a", "images": ["PHN2Zz4="]}]), r"an image is not a PNG"),
        (changed("images", "strips", [{"label": "a", "images": [png(64, 64, 0)[:80]]}]), r"an image is damaged"),
        (changed("images", "strips", [{"label": "a", "images": [png(300, 2, 0)]}]), r"300 by 2 pixels; at most 256"),
        (changed("spectrograms", "panels", [PANEL | {"power": [[1.0], [1.0, 2.0]]}]), r"rows of power must be of one"),
    ],
)
def test_data_that_does_not_fit_is_named_by_its_path(example: Figure, message: str) -> None:
    for use in (lambda: draw_figure(example, name="x", where="$.f"), lambda: tabulate_figure(example, where="$.f")):
        with pytest.raises(DocumentError, match=message):
            use()


def test_many_columns_and_bars_stay_readable() -> None:
    many = 120
    data = {"columns": [f"column {i}" for i in range(many)], "unit": "TV"}
    data |= {key: [i / many for i in range(many)] for key in ("synthetic", "low", "high", "floor")}
    svg = draw_figure(figure("column-distances", data), name="x")
    assert "column 119" in svg
    assert "column 79<" not in svg
    assert len(tabulate_figure(figure("column-distances", data)).rows) == many


def test_dense_figures_stay_small_and_true() -> None:
    """Twenty thousand points a curve: drawn by those that an eye can tell apart."""
    x = [(at + 1) / 20_000 for at in range(20_000)]
    y = [value**0.9 for value in x]
    curve = CURVE | {"fpr": x, "tpr": y, "low": [value * 0.9 for value in y], "high": y}
    dense = {
        "roc": {"curves": [curve]},
        "score-histogram": {"edges": [0.0, *x], "members": [7, None] * 10_000, "nonmembers": [9] * 20_000},
        "robust-accuracy": {"lines": [{"label": "a", "x": x, "y": y, "low": y, "high": y}], "x_unit": "", "y_unit": ""},
        "frontier": {"points": [POINT] * 2000, "x_unit": "", "y_unit": ""},
    }
    for kind, data in dense.items():
        assert len(draw_figure(figure(kind, data), name="x")) < 60_000, kind
        assert tabulate_figure(figure(kind, data)).rows
    kept = along(x)
    assert (kept[0], kept[-1]) == (0, 19_999)
    assert len(kept) <= MOST
    assert max(after - before for before, after in pairwise(kept)) < 200
    assert along([0.0] * 1000) == [0, 998, 999]


def test_no_curve_is_left_out_of_the_legend() -> None:
    svg = draw_figure(figure("roc", {"curves": [CURVE | {"label": "_x"}, CURVE | {"label": ""}]}), name="x")
    assert "_x</text>" in svg
    assert "curve 2</text>" in svg


def test_forest_tells_every_gate(audit: Audit) -> None:
    svg = draw_forest(audit)
    for gate in audit.gates:
        assert audit.finding(gate.finding).title in svg
    assert "0.0108, limit 0.005, fail" in svg


def test_forest_of_many_gates_keeps_the_urgent_ones(document: dict[str, Any]) -> None:
    document["gates"] *= 20
    svg = draw_forest(Audit.model_validate(document))
    assert "The 90 least urgent are in the table only." in svg
    assert "Train on synthetic" not in svg
