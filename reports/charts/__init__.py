"""Figures: data in, drawings out; and the same data as tables for those who cannot see them."""

from reports.charts.forest import draw_forest
from reports.charts.registry import CHARTS, Chart, draw_figure, tabulate_figure

__all__ = ["CHARTS", "Chart", "draw_figure", "draw_forest", "tabulate_figure"]
