"""Every form in which an audit is written, by name; all of them come from the document alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.document import Audit
from reports.frameworks import Framework
from reports.html import html_page
from reports.junit import junit_xml
from reports.markdown import markdown_page, model_card
from reports.sarif import sarif_log
from reports.spreadsheet import estimates_csv


@dataclass(frozen=True)
class Format:
    """A form of the report: the name of its file, and how its text is made."""

    file: str
    page: Callable[[Audit, Sequence[Framework]], str]


FORMATS: dict[str, Format] = {
    "html": Format("report.html", html_page),
    "markdown": Format("report.md", markdown_page),
    "junit": Format("report.junit.xml", lambda audit, _: junit_xml(audit)),
    "sarif": Format("report.sarif", lambda audit, _: sarif_log(audit)),
    "model-card": Format("model-card.md", lambda audit, _: model_card(audit)),
    "csv": Format("estimates.csv", lambda audit, _: estimates_csv(audit)),
}


def write_report(audit: Audit, format_: str, path: str | Path, frameworks: Sequence[Framework] = ()) -> Path:
    """Write an audit in one of the `FORMATS`.

    The text is complete before the file is touched, and moved into place in one step, so an error leaves an earlier
    report whole.

    Args:
        audit: the document; nothing else is read.
        format_: a key of `FORMATS`.
        path: the file to write; it is replaced if it exists.
        frameworks: more frameworks than those that ship with genassay; used by `html` and `markdown`.

    Returns:
        The path written.

    Raises:
        DocumentError: a figure of the document cannot be drawn; the message names its JSON path.

    Example:
        >>> write_report(Audit.load("runs/2026-01-01"), "sarif", "audit.sarif")  # doctest: +SKIP
        PosixPath('audit.sarif')
    """
    return write_whole(FORMATS[format_].page(audit, frameworks), path)


def write_whole(text: str, path: str | Path) -> Path:
    """Write a text file that is there in full or not at all."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8", newline="\n")
    os.replace(draft, path)
    return path


def add_step_summary(audit: Audit) -> bool:
    """Add the Markdown summary to the page of a GitHub build, if this runs in one; says whether it did.

    GitHub names the file to append to in the variable GITHUB_STEP_SUMMARY.
    """
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return False
    with Path(summary).open("a", encoding="utf-8", newline="\n") as file:
        file.write(markdown_page(audit) + "\n")
    return True
