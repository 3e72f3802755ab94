"""Pages: of an audit, and of what changed between two."""

from reports.html.compare import comparison_page
from reports.html.render import html_page, render_html

__all__ = ["comparison_page", "html_page", "render_html"]
