"""The colours of charts: named roles, for which matplotlib gets stand-ins and the page brings the real ones.

A stand-in is a hex value that occurs nowhere else. After drawing, each is replaced by a class such as `fill-ink`,
and the page's style sheet gives that class its colour in light, in dark and in print.
"""

from __future__ import annotations

from reports.document import Status

INK = "#010101"
MUTED = "#020202"
RULE = "#030303"
PAPER = "#040404"
SERIES = ("#050505", "#060606", "#070707", "#080808")
GOOD = "#090909"
CAUTION = "#0a0a0a"
BAD = "#0b0b0b"
UNSURE = "#0c0c0c"
NEUTRAL = "#0d0d0d"

ROLES: dict[str, str] = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    PAPER: "paper",
    **{colour: f"series-{number}" for number, colour in enumerate(SERIES, start=1)},
    GOOD: "good",
    CAUTION: "caution",
    BAD: "bad",
    UNSURE: "unsure",
    NEUTRAL: "neutral",
}

STATUS_COLOURS: dict[Status, str] = {
    "pass": GOOD,
    "warn": CAUTION,
    "fail": BAD,
    "error": BAD,
    "inconclusive": UNSURE,
    "manual": NEUTRAL,
    "not-run": NEUTRAL,
    "not-applicable": NEUTRAL,
}

# Shapes say the same as the colours, for readers who do not see them and for black-and-white print.
STATUS_MARKERS: dict[Status, str] = {
    "pass": "o",
    "warn": "^",
    "fail": "s",
    "error": "X",
    "inconclusive": "D",
    "manual": "p",
    "not-run": "o",
    "not-applicable": "o",
}

LINE_STYLES = ("-", "--", "-.", (0, (1, 1.2)))
