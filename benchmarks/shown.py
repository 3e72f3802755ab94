"""How every benchmark shows a measured value beside the value that it should reach."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import torch


class Bar(NamedTuple):
    """One measured value and what it is held against.

    Attributes:
        what: What was measured, on what.
        value: The measured value.
        bar: What it should reach.
        upward: Whether larger is better.
        seconds: Training time.
        allowed: Largest training time, None for no limit.
    """

    what: str
    value: float
    bar: float
    upward: bool = True
    seconds: float = 0.0
    allowed: float | None = None

    @property
    def met(self) -> bool:
        """Whether value and time are within their bars."""
        good = self.value >= self.bar if self.upward else self.value <= self.bar
        return good and (self.allowed is None or self.seconds <= self.allowed)


def header() -> str:
    """Return the head of the Markdown table, and on what machine it was measured."""
    machine = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads in use"
    return f"{machine}\n\n| measured | value | bar | training | allowed | met |\n|---|---|---|---|---|---|"


def line(bar: Bar) -> str:
    """Return one line of the table."""
    sign = ">=" if bar.upward else "<="
    allowed = "" if bar.allowed is None else f"{bar.allowed:.0f} s"
    met = "yes" if bar.met else "**no**"
    return f"| {bar.what} | {bar.value:.4f} | {sign} {bar.bar:g} | {bar.seconds:.0f} s | {allowed} | {met} |"


def data_folder(given: str | None) -> Path:
    """Return the folder with the real data: the one given, or GENASSAY_DATA, or ../shared/data."""
    folder = Path(given or os.environ.get("GENASSAY_DATA") or "../shared/data")
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no such folder; give --data FOLDER with the public data sets")
    return folder
