"""The one progress bar of all training loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int, str], None]
"""Called after each step with the number of records it used and a few words on how it goes."""


@contextmanager
def training_progress(title: str, steps: int, *, start: int = 0, shown: bool) -> Iterator[Advance]:
    """Show steps, records per second and time left while a loop runs.

    Args:
        title: What is being trained.
        steps: Number of steps.
        start: Steps done already, by the run that this one resumes.
        shown: Whether to show anything; nothing is shown anyway unless standard error is a terminal.

    Yields:
        The function to call after each step.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps, {task.fields[speed]:,.0f} records/s {task.fields[state]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not (shown and console.is_terminal),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=steps, completed=start, speed=0.0, state="")
        used = 0

        def advance(records: int, state: str) -> None:
            nonlocal used
            used += records
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(task, advance=1, speed=used / elapsed if elapsed > 0 else 0.0, state=state)

        yield advance
