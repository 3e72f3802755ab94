"""Batches in which rare categories are not rare: training-by-sampling (CTGAN, Xu et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def by_category(
    rows: Tensor, frequencies: Sequence[npt.NDArray[np.int64]], size: int
) -> Callable[[torch.Generator], Tensor]:
    """Return how to draw a batch by categories: training-by-sampling.

    Each record is drawn through a column, chosen evenly, and one of its categories, chosen by the logarithm of how
    often it occurs; it is one of those with this category.

    Args:
        rows: Codes, shape (records, columns).
        frequencies: How often each category occurs, by column.
        size: Records in a batch.

    Returns:
        A function that draws a batch, shape (size, columns + 2): codes, the column, and the category.
    """
    columns = rows.shape[1]
    counts = torch.zeros(columns, max(len(one) for one in frequencies), dtype=torch.int64)
    for place, column in enumerate(frequencies):
        counts[place, : len(column)] = torch.from_numpy(column)
    weights = (1 + counts.double()).log()
    sorted_rows = rows.cpu().argsort(dim=0, stable=True).T
    starts = counts.cumsum(1) - counts

    def draw(generator: torch.Generator) -> Tensor:
        column = torch.randint(columns, (size,), generator=generator)
        code = torch.multinomial(weights[column], 1, generator=generator).squeeze(1)
        within = (torch.rand(size, generator=generator, dtype=torch.float64) * counts[column, code]).long()
        record = sorted_rows[column, starts[column, code] + within].to(rows.device)
        return torch.cat([rows[record], torch.stack([column, code], dim=1).to(rows.device)], dim=1)

    return draw
