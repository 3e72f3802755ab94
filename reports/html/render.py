"""One self-contained HTML page from an `Audit` alone: no script, no request, nothing that runs.

The page's Content-Security-Policy allows one style sheet, named by its hash, and nothing else. Style attributes are
therefore inert, which is why charts carry classes and presentation attributes instead.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports import numbers, words
from reports.charts import draw_figure, draw_forest, tabulate_figure
from reports.document import Audit, Figure, Finding, Table
from reports.epsilon import privacy_figures
from reports.frameworks import Framework, MappedFramework, builtin_frameworks, map_framework
from reports.frameworks.mapping import ANSWER_MEANINGS
from reports.gates import JoinedGate, joined_gates
from reports.glossary import GLOSSARY
from reports.release import PROFILES, in_words, judge
from reports.verdict import LIMITS_OF_AN_AUDIT, verdict
from reports.visible import elide, sentence, visible

_HERE = Path(__file__).parent
_ROWS_SHOWN = 200


@dataclass(frozen=True)
class Drawing:
    """A figure of the document, its drawing and the numbers in it."""

    figure: Figure
    svg: Markup
    table: Table


@dataclass(frozen=True)
class Card:
    """A finding with what the page needs around it; `cited` are the clauses that name it as evidence."""

    finding: Finding
    anchor: str
    gates: list[JoinedGate]
    drawings: list[Drawing]
    cited: tuple[str, ...]

    @property
    def answered(self) -> bool:
        """Whether the check ran and had something to say."""
        return self.finding.status not in words.UNANSWERED


def render_html(audit: Audit, path: str | Path, frameworks: Sequence[Framework] = ()) -> Path:
    """Write the report of an audit as one HTML file that opens anywhere, offline and without scripts.

    The page is complete before the file is touched, and moved into place in one step, so an error leaves an earlier
    report whole.

    Args:
        audit: the document; nothing else is read.
        path: the file to write; it is replaced if it exists.
        frameworks: more frameworks to hold the audit against, before those that ship with genassay.

    Returns:
        The path written.

    Raises:
        DocumentError: a figure is of an unknown kind or its data does not fit; the message names the JSON path.

    Example:
        >>> render_html(Audit.load("runs/2026-01-01"), "report.html")  # doctest: +SKIP
        PosixPath('report.html')
    """
    path = Path(path)
    page = html_page(audit, frameworks)
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(page, encoding="utf-8", newline="\n")
    os.replace(draft, path)
    return path


def html_page(audit: Audit, frameworks: Sequence[Framework] = ()) -> str:
    """The report of an audit as the text of an HTML page; see `render_html`.

    Args:
        audit: the document.
        frameworks: more frameworks, as for `render_html`.
    """
    style, style_hash = style_of_pages()
    mapped = [map_framework(framework, audit) for framework in (*frameworks, *builtin_frameworks())]
    cards = _cards(audit, mapped)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            audit=audit,
            verdict=verdict(audit),
            limits_of_an_audit=LIMITS_OF_AN_AUDIT,
            gates=joined_gates(audit),
            forest=Markup(draw_forest(audit)) if audit.gates else None,  # noqa: S704 - escaped by ElementTree
            cards=cards,
            anchors={card.finding.id: card.anchor for card in reversed(cards)},
            ledger=_ledger(audit.privacy.ledger),
            privacy_drawings=[
                _drawing(figure, f"privacy-{number}", "$.privacy")
                for number, figure in enumerate(privacy_figures(audit))
            ],
            frameworks=mapped,
            releases={release: judge(audit, release) for release in PROFILES},
            glossary=GLOSSARY,
            style=style,
            style_hash=style_hash,
            next_id=_ids(),
        )
    )


def style_of_pages() -> tuple[Markup, str]:
    """The style sheet, and the hash by which a page's policy lets it in."""
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    # The browser hashes what it finds between the tags after decoding, which for UTF-8 and LF are these very bytes.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Markup(style), f"sha256-{digest}"  # noqa: S704 - the package's own file


@functools.cache
def environment() -> jinja2.Environment:
    """Where templates are found, and what they may use; all text is escaped, and nothing may be left undefined."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": numbers.number,
        "percent": numbers.percent,
        "duration": numbers.duration,
        "plain": numbers.plain,
        "moment": numbers.moment,
        "sentence": sentence,
        "elide": elide,
        "estimate_name": words.estimate_name,
    }
    environment.globals |= {
        "interval": numbers.interval,
        "words": words,
        "rows_shown": _ROWS_SHOWN,
        "profiles": PROFILES,
        "in_words": in_words,
        "answers": ANSWER_MEANINGS,
        "is_numeric": _is_numeric,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Every expression of every template passes here, so that none can print a hidden character."""
    if isinstance(value, Markup):
        return value
    if value is None:
        raise TypeError("a template printed None; a value that may be missing needs its own words")
    return visible(str(value))


def _ids() -> Callable[[], str]:
    numbers_from_one: Iterator[int] = itertools.count(1)
    return lambda: f"id-{next(numbers_from_one)}"


def _cards(audit: Audit, mapped: Sequence[MappedFramework]) -> list[Card]:
    gates = joined_gates(audit)
    cited: dict[str, list[str]] = {}
    for one in mapped:
        for row in one.rows:
            for finding in (*row.answered, *row.silent):
                cited.setdefault(finding.id, []).append(f"{one.framework.title}: {row.row.clause}")
    taken: Counter[str] = Counter()
    cards: list[Card] = []
    for at, finding in enumerate(audit.findings):
        slug = "check-" + (re.sub(r"[^a-z0-9]+", "-", finding.id.lower())[:60].strip("-") or "unnamed")
        taken[slug] += 1
        # Position, not a running suffix: "a" twice and "a-2" once must not meet.
        anchor = slug if taken[slug] == 1 else f"{slug}--{at}"
        cards.append(
            Card(
                finding=finding,
                anchor=anchor,
                gates=[joined for joined in gates if joined.finding is finding],
                drawings=[
                    _drawing(figure, f"figure-{at}-{number}", f"$.findings[{at}].figures[{number}]")
                    for number, figure in enumerate(finding.figures)
                ],
                cited=tuple(dict.fromkeys([*finding.frameworks, *cited.get(finding.id, [])])),
            )
        )
    return cards


def _drawing(figure: Figure, name: str, where: str) -> Drawing:
    svg = draw_figure(figure, name=name, where=where)
    return Drawing(figure, Markup(svg), tabulate_figure(figure, where=where))  # noqa: S704 - escaped by ElementTree


def _ledger(entries: list[dict[str, Any]]) -> Table:
    """Entries may differ in their keys; the table has a column for each that says something, in order.

    The hashes that chain the entries are for machines, and stay in the document.
    """
    told = (key for entry in entries for key, value in entry.items() if value not in (None, "", {}, []))
    keys = [key for key in dict.fromkeys(told) if key not in ("previous", "hash")]
    rows: list[list[str | int | float | None]] = [
        [numbers.plain(entry[key]) if key in entry else None for key in keys] for entry in entries
    ]
    return Table(title="Ledger: every touch of the data", columns=[key.replace("_", " ") for key in keys], rows=rows)


def _is_numeric(table: Table, column: int) -> bool:
    cells = [row[column] for row in table.rows if row[column] is not None]
    return bool(cells) and not any(isinstance(cell, str) for cell in cells)
