"""MAUVE: how two distributions over clusters of texts differ, in what each lacks of the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SCALE = 5.0
STEPS = 25


def mauve(first: ArrayLike, second: ArrayLike) -> float:
    """The area under the divergence curve of two distributions.

    For mixtures r of both in 25 proportions, the curve runs through exp(-5 KL(q || r)) and exp(-5 KL(p || r)).

    Args:
        first: Counts or weights by cluster, shape (clusters,).
        second: The same of the other texts.

    Returns:
        From near 0 (disjoint) to 1 (equal); higher is more alike; no unit.

    Example:
        >>> round(mauve([3, 5, 2], [3, 5, 2]), 6)
        1.0

    Source: Pillutla, Swayamdipta, Zellers, Thickstun, Welleck, Choi and Harchaoui, "MAUVE" (NeurIPS 2021).
    """
    p, q = (np.asarray(one, dtype=np.float64) / np.sum(one) for one in (first, second))
    mixed = np.linspace(1e-6, 1 - 1e-6, STEPS)
    curve = [(1.0, 0.0), (0.0, 1.0)]
    for share in mixed:
        r = share * p + (1 - share) * q
        curve.append((float(np.exp(-SCALE * _kl(q, r))), float(np.exp(-SCALE * _kl(p, r)))))
    # The area seen from either axis differs by the grid alone; their mean does not depend on who comes first.
    return (_area(np.array(curve)) + _area(np.array([(y, x) for x, y in curve]))) / 2


def _kl(p: Floats, r: Floats) -> float:
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / r[seen])).sum())


def _area(curve: Floats) -> float:
    ordered = curve[np.lexsort((-curve[:, 1], curve[:, 0]))]
    return float(np.trapezoid(ordered[:, 1], ordered[:, 0]))
