"""A ledger as a table that people can read, its total computed anew, and what it promises in prose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from generators import InputError, Ledger
from generators.models.storage import read_ledger
from generators.privacy.accountant import composed_epsilon, prv_epsilon, prv_obstacle, renyi_epsilon
from generators.privacy.entries import Entry

_TOLERANCE = 1e-3
"""By how much, relatively, versions of the accountant may differ."""


def ledger_of(path: Path) -> Ledger:
    """Read the ledger of a saved generator, or a ledger file, and check its chain.

    Raises:
        InputError: It is missing, or was altered.
    """
    return read_ledger(path) if path.is_dir() else Ledger.load(path)


def ledger_summary(ledger: Ledger, source: str) -> dict[str, Any]:
    """Return a ledger's entries, what they cost together by each accountant, what remains, and the statement.

    Raises:
        InputError: The total recorded is not what the entries cost, or more than was allowed; or one is incomplete.
    """
    try:
        return {
            "entries": ledger.to_list(),
            "claim": ledger.claim,
            "totals": None if ledger.claim is None else _totals(ledger, source),
            "remaining": None if ledger.budget is None else ledger.remaining(),
            "statement": ledger.statement(),
            "in_words": [in_words(entry) for entry in ledger],
        }
    except KeyError as error:
        raise InputError(f"{source}: an entry does not say its {error}; do not trust this ledger") from error


def _totals(ledger: Ledger, source: str) -> dict[str, Any]:
    events, (recorded, delta) = ledger.events, ledger.spent or (0.0, 0.0)
    anew = composed_epsilon(events, delta)
    if abs(anew - recorded) > _TOLERANCE * anew:
        raise InputError(
            f"{source}: records epsilon {recorded:.6g} as spent, but its entries cost {anew:.6g}; do not trust this "
            "ledger"
        )
    allowed = ledger.budget.epsilon if ledger.budget is not None else None
    if allowed is None or anew > allowed * (1 + _TOLERANCE):
        raise InputError(
            f"{source}: allows epsilon {allowed}, but its entries cost {anew:.6g}; do not trust this ledger"
        )
    left = delta - sum(event.failure * event.times for event in events)
    return {
        "recorded": recorded,
        "recomputed": anew,
        "renyi": renyi_epsilon(events, left),
        "prv": prv_epsilon(events, delta),
        "prv_obstacle": prv_obstacle(events),
    }


def ledger_shown(ledger: Ledger, summary: Mapping[str, Any]) -> list[str | Table]:
    """Return a ledger's summary as a table and lines."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "what", "mechanism", "in words", "epsilon alone", "spent so far", "public by"):
        right = heading in ("epsilon alone", "spent so far")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading in ("", "mechanism") or right)
    for number, entry in enumerate(ledger, start=1):
        cells = (str(number), entry.what, entry.mechanism, summary["in_words"][number - 1])
        alone = "" if entry.mechanism == "budget" else _number(entry.epsilon)
        table.add_row(*map(Text, (*cells, alone, _number(entry.spent), entry.public or "")))
    lines = []
    if (totals := summary["totals"]) is not None and (claim := summary["claim"]) is not None:
        prv = (
            "not available: " + totals["prv_obstacle"] if totals["prv"] is None else f"{totals['prv']:.4f}, an estimate"
        )
        lines = [
            "",
            f"epsilon at delta {claim['delta']:g}, by {claim['accountant']}",
            f"  recorded           {totals['recorded']:.4f}",
            f"  computed anew      {totals['recomputed']:.4f}",
            f"by Renyi orders      {totals['renyi']:.4f}, an upper bound, looser",
            f"by Opacus' PRV       {prv}",
        ]
    if summary["remaining"] is not None:
        lines.append(f"remaining            {summary['remaining']:.4f}")
    return [table, *lines, "", summary["statement"]]


def in_words(entry: Entry) -> str:
    """Say what an entry's cost was computed from.

    Example:
        >>> in_words(Entry("how many", "gaussian", {"noise_multiplier": 20.0, "times": 1, "cells": 4}))
        'noise 20 on each of 4 counts'
    """
    known = entry.parameters
    match entry.mechanism:
        case "budget":
            words = f"epsilon {entry.epsilon:g} at delta {entry.delta:g} for one {known['unit']}"
        case "dp-sgd":
            words = (
                f"{known['times']} steps, each unit in a batch with probability {known['sampling_rate']:.4g}, "
                f"gradients clipped to {known['clip']:g}, noise {known['noise_multiplier']:.4g} times that"
            )
            words += f", in {known['processes']} processes" if "processes" in known else ""
        case "gaussian" | "laplace":
            cells = f" on each of {known['cells']} counts" if "cells" in known else ""
            words = f"noise {known['noise_multiplier']:.4g}{cells}{_times(known)}"
            if "threshold" in known:
                words += f", only counts above {known['threshold']:.4g}"
        case "select-measure":
            words = f"{known['rho']:.4g}-zCDP{_times(known)}"
        case "exponential":
            words = f"epsilon {known['pure']:.4g} a choice{_times(known)}"
        case _:
            words = ", ".join(f"{name} {value:g}" for name, value in known.items() if isinstance(value, int | float))
    return "; ".join(part for part in (words, entry.note) if part)


def _times(known: Mapping[str, Any]) -> str:
    return f", {known['times']} times" if known.get("times", 1) > 1 else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
