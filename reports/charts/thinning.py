"""Fewer points than were measured, where an eye could not tell them apart; tables and documents keep all of them."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 240
"""Points of a curve that are drawn: about one to every pixel and a half of its width."""


def along(places: Sequence[float], most: int = MOST) -> list[int]:
    """Which points of a curve to draw, so that they are spread evenly over its width and both ends are among them.

    Args:
        places: where the points lie across the drawing, ascending, in any unit.
        most: how many are kept at most, at least 2.

    Returns:
        Indices, ascending; all of them where there are few enough.

    Example:
        >>> along([0, 1, 1.1, 1.2, 9, 10], most=3)
        [0, 4, 5]
    """
    if len(places) <= most:
        return list(range(len(places)))
    first, width = places[0], (places[-1] - places[0]) or 1.0
    # The last point of each strip: a curve that only rises is then never drawn above where it was measured.
    last = {min(int((place - first) / width * (most - 2)), most - 3): at for at, place in enumerate(places[:-1])}
    return sorted({0, *last.values(), len(places) - 1})


def merged(counts: Sequence[int | None], group: int) -> list[int | None]:
    """Sums of neighbouring counts, `group` at a time; None where one of them is not to be shown and the rest is nought.

    Example:
        >>> merged([5, 6, None, 0, None, 7], 2)
        [11, None, 7]
    """
    sums: list[int | None] = []
    for start in range(0, len(counts), group):
        part = counts[start : start + group]
        total = sum(count or 0 for count in part)
        sums.append(total if total or None not in part else None)
    return sums
