"""What the command line shows: progress while it works, the verdict when it is done."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.auditing import Progress
from reports import Audit
from reports.verdict import verdict

_WIDE = 120  # a table that is written to a file or a pipe need not fit eighty columns
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, soft_wrap=True)

_COLOUR = {"pass": "green", "fail": "red", "error": "red", "warn": "yellow", "inconclusive": "yellow"}


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show each warning of the packages once, as one line."""
    shown: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if (line := " ".join(str(message).split())) not in shown:
            shown.add(line)
            err.print(f"warning: {line}", markup=False, style="yellow")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def checking() -> Iterator[Progress]:
    """Show which check is running; on a terminal as a live line, elsewhere one line a check."""
    if not err.is_terminal:
        yield lambda title, number, total: err.print(f"[{number + 1}/{total}] {title}", markup=False)
        return
    with err.status("starting") as live:

        def show(title: str, number: int, total: int) -> None:
            live.update(f"check {number + 1} of {total}: {escape(title)}")

        yield show


def announce(audit: Audit, folder: Path) -> None:
    """Print the verdict, every gate, the three most important numbers, the notes and where the report lies."""
    summary = verdict(audit)
    colour = _COLOUR.get(summary.status, "cyan")
    for note in audit.notes:
        err.print(f"note: {note}", markup=False)
    if audit.gates:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("gate", "estimate", "95% interval", "limit", "status"):
            table.add_column(heading, justify="left" if heading in ("gate", "status") else "right", no_wrap=True)
        for gate in audit.gates:
            seen = next(one for one in audit.finding(gate.finding).estimates if one.name == gate.estimate)
            table.add_row(
                f"{gate.finding} {gate.estimate}",
                f"{seen.value:.4g}",
                f"{seen.low:.4g} to {seen.high:.4g}",
                f"{gate.limit:g}",
                f"[{_COLOUR.get(gate.status, 'cyan')}]{gate.status}[/]",
            )
        out.print(table)
    out.print(f"\n[bold {colour}]{summary.status.upper()}[/]  {escape(summary.sentence)}")
    for number in summary.key_numbers:
        one = number.estimate
        limit = f", limit {one.limit:g}" if one.limit is not None else ""
        out.print(
            f"  {number.finding.title}: {one.name} {one.value:.4g} ({one.low:.4g} to {one.high:.4g}{limit})",
            markup=False,
        )
    out.print(f"report: {folder / 'report.html'}", markup=False)
