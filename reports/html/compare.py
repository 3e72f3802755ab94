"""The page that shows what changed from one audit to another."""

from __future__ import annotations

from reports.changes import Comparison, moved_in_words
from reports.html.render import environment, style_of_pages


def comparison_page(comparison: Comparison) -> str:
    """A comparison as the text of an HTML page: self-contained, without scripts, like the report.

    Args:
        comparison: as `audit.comparison.compare` makes it.
    """
    style, style_hash = style_of_pages()
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(comparison=comparison, moved_in_words=moved_in_words, style=style, style_hash=style_hash)
    )
