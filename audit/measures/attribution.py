"""Which numbers of a record a score owes itself to: integrated gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Floats = NDArray[np.float64]


def integrated_gradients(
    score: Callable[[Tensor], Tensor], rows: ArrayLike, baseline: ArrayLike, steps: int = 32
) -> Floats:
    """How much each number adds to a score on the way from a baseline to the record.

    Gradients of the score are averaged along the straight line from the baseline to the record (midpoints of equal
    steps) and multiplied by the way: attributions sum to the difference of the scores.

    Args:
        score: From rows, shape (records, numbers), to one differentiable score a record, shape (records,).
        rows: The records, shape (records, numbers).
        baseline: What stands for no information, shape (numbers,).
        steps: Points on the line.

    Returns:
        Attributions, shape (records, numbers), in units of the score; positive ones raise it.

    Example:
        >>> slope = torch.tensor([2.0, -1.0])
        >>> integrated_gradients(lambda rows: rows @ slope, [[3.0, 1.0]], [0.0, 0.0]).round(4).tolist()
        [[6.0, -1.0]]

    Source: Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks" (ICML 2017).
    """
    ends = torch.as_tensor(np.asarray(rows, dtype=np.float32))
    start = torch.as_tensor(np.asarray(baseline, dtype=np.float32))
    total = torch.zeros_like(ends)
    for step in range(steps):
        point = (start + (step + 0.5) / steps * (ends - start)).requires_grad_(True)
        total += torch.autograd.grad(score(point).sum(), point)[0]
    return np.asarray(((ends - start) * total / steps).numpy(), dtype=np.float64)
