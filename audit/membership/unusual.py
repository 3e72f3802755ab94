"""How exposed is a record, before anybody attacks it? Rules that look at the reference and at nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from audit.checks import Case
from audit.neighbours import Points
from audit.statistics import Floats

NEIGHBOURS = 5
RULES = {
    "outliers": "far from the five nearest reference records",
    "combinations": "a combination of two categories that is rare in the reference",
    "subgroups": "one category that few of the reference have",
}


def exposure(rule: str, case: Case, asked: Points) -> Floats:
    """How much each record stands out by one of `RULES`; larger is more exposed, shape (n,).

    - `outliers`: mean distance to the five nearest reference records.
    - `combinations`: minus the number of reference records that share the record's rarest pair of categories.
    - `subgroups`: minus the number of reference records that share its rarest category.

    Source: Meeus et al. (ESORICS 2023) for outliers; rare combinations as in Stadler et al. (USENIX Security 2022).
    """
    return _EXPOSURE[rule](case, asked)


def _outliers(case: Case, asked: Points) -> Floats:
    return np.asarray(case.neighbours.nearest(asked, case.reference, NEIGHBOURS).mean(axis=1))


def _subgroups(case: Case, asked: Points) -> Floats:
    return _rarest(case, asked, [(j,) for j in range(asked.codes.shape[1])])


def _combinations(case: Case, asked: Points) -> Floats:
    return _rarest(case, asked, list(combinations(range(asked.codes.shape[1]), 2)))


def _rarest(case: Case, asked: Points, sets: list[tuple[int, ...]]) -> Floats:
    """Minus the smallest count in the reference, over some sets of columns; 0 where there are no categories."""
    least = np.full(len(asked), np.inf)
    for columns in sets:
        chosen, known = (_code(points.codes[:, columns]) for points in (asked, case.reference))
        values, counts = np.unique(known, return_counts=True)
        at = np.minimum(np.searchsorted(values, chosen), len(values) - 1)
        least = np.minimum(least, np.where(values[at] == chosen, counts[at], 0))
    return np.where(np.isinf(least), 0.0, -least)


def _code(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each row of at most two category codes (which are -1 or more)."""
    one = codes[:, 0] + 1
    return one if codes.shape[1] == 1 else one * 2**31 + codes[:, 1] + 1


_EXPOSURE: dict[str, Callable[[Case, Points], Floats]] = {
    "outliers": _outliers,
    "combinations": _combinations,
    "subgroups": _subgroups,
}
