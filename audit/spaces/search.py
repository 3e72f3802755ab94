"""The smallest of many distances, a part of the pairs at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PAIRS_AT_A_TIME = 40_000_000

Measure = Callable[[int, int], Tensor]
"""Distances of the queries from one row number up to another to all targets, shape (rows, targets)."""


def smallest(
    measure: Measure, queries: int, targets: int, k: int, *, exclude_self: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The `k` smallest distances of each query, and to which targets.

    Args:
        measure: gives the distances of some queries to all targets.
        queries: how many there are.
        targets: how many there are.
        k: how many to find; fewer than `k` targets repeat the farthest.
        exclude_self: queries and targets are the same list, and a point is not its own neighbour.

    Returns:
        Distances (queries, k), ascending, and row numbers of the targets (queries, k).
    """
    available = targets - int(exclude_self)
    if available < 1:
        raise ValueError("nearest neighbours need at least one target")
    wanted = min(k, available)
    at_a_time = max(1, PAIRS_AT_A_TIME // targets)
    distances, rows = [], []
    for start in range(0, queries, at_a_time):
        stop = min(start + at_a_time, queries)
        block = measure(start, stop)
        if exclude_self:
            own = torch.arange(start, stop, device=block.device)
            block[own - start, own] = torch.inf
        found = block.min(dim=1, keepdim=True) if wanted == 1 else block.topk(wanted, dim=1, largest=False)
        distances.append(found.values.cpu())
        rows.append(found.indices.cpu())
    ahead = ((0, 0), (0, k - wanted))
    values, places = (torch.cat(parts).numpy() for parts in (distances, rows))
    return np.pad(values.astype(np.float64), ahead, mode="edge"), np.pad(places, ahead, mode="edge")
