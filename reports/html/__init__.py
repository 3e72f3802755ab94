"""The report that people read: one HTML file, complete in itself."""

from reports.html.render import html_page, render_html

__all__ = ["html_page", "render_html"]
