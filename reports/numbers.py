"""Numbers as people read them: three significant digits, small ones as powers of ten, no floating-point dust."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

NO_VALUE = "\N{EN DASH}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# Sums of rounded floats miss zero by about this much; a p-value or a delta that small is zero to a reader as well.
_DUST = 1e-15


def number(value: float | None) -> str:
    """Write one number for a page.

    Whole numbers are kept whole (grouped from 10,000 on, so that a year stays a year); others get three significant
    digits; magnitudes below 0.0001 or above ten million become a power of ten; `None` is a dash.

    Args:
        value: a finite number, or None where nothing was measured or a small cell was suppressed.

    Example:
        >>> [number(x) for x in (0.61234, 1234.5, 1e-06, 120000)]
        ['0.612', '1234', '10⁻⁶', '120,000']
    """
    if value is None:
        return NO_VALUE
    size = abs(value)
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if size < _DUST:
        return "0" if size == 0 else "≈ 0"
    if size < 1e-4 or size >= (1e15 if isinstance(value, int) else 1e7):
        return sign + _power_of_ten(size)
    if size == int(size):
        return sign + _grouped(f"{int(size)}")
    decimals = max(0, 2 - math.floor(math.log10(size)))
    text = f"{size:.{decimals}f}"
    return sign + _grouped(text.rstrip("0").rstrip(".") if decimals else text)


def interval(low: float, high: float) -> str:
    """Write an interval in words, since a hyphen between numbers reads as a minus.

    Example:
        >>> interval(0.02, 0.0543)
        '0.02 to 0.0543'
    """
    return f"{number(low)} to {number(high)}"


def percent(share: float) -> str:
    """Write a share as a percentage of up to four digits.

    Example:
        >>> percent(0.95), percent(0.999)
        ('95%', '99.9%')
    """
    return f"{share * 100:.4g}%"


def duration(seconds: float) -> str:
    """Write a time span in the two units that matter.

    Example:
        >>> duration(0.42), duration(200), duration(7260)
        ('0.42 s', '3 min 20 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{number(seconds if seconds < 10 else round(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(text: str) -> str:
    """Write a point in time, given by ISO 8601, as people read it; anything else is left as it is.

    Example:
        >>> moment("2026-03-02T09:30:12+00:00"), moment("yesterday")
        ('2 March 2026, 09:30 UTC', 'yesterday')
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = when.strftime("%Z").replace("UTC+", "UTC +").replace("UTC-", "UTC \N{MINUS SIGN}")
    # Not strftime for the month: that one follows the locale of whoever renders the page.
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M} {zone}".rstrip()


def plain(value: Any, depth: int = 4) -> str:
    """Write whatever a JSON document may hold in a free-form field, such as a model's parameter.

    Whole numbers are left as they are (they may be seeds or identifiers), nested values become lists in words,
    down to `depth` levels.

    Example:
        >>> plain(True), plain(0.00001), plain({"batch_size": 64, "hidden": [1, 2]})
        ('yes', '10⁻⁵', 'batch size 64; hidden 1, 2')
    """
    match value:
        case None:
            return NO_VALUE
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return number(value)
        case dict() | list() if depth == 0:
            return "…"
        case dict():
            return (
                "; ".join(f"{str(key).replace('_', ' ')} {plain(one, depth - 1)}" for key, one in value.items())
                or NO_VALUE
            )
        case list():
            return ", ".join(plain(one, depth - 1) for one in value) or NO_VALUE
        case _:
            return str(value)


def _power_of_ten(size: float) -> str:
    # Decimal, because a whole number from JSON may be larger than any float.
    mantissa, _, exponent = f"{Decimal(size):.2e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    return power if mantissa == "1" else f"{mantissa} \N{MULTIPLICATION SIGN} {power}"


def _grouped(digits: str) -> str:
    return f"{int(digits):,}" if digits.isdigit() and len(digits) > 4 else digits
