"""Images as pixels, and as histograms of the directions in which their brightness changes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audit.features.embedding import Cells, Embedding, Fitted, Rows, known
from generators import Column

MOST_SIDE = 32
"""Larger images are averaged down to so many pixels a side before their pixels are compared."""

DIRECTIONS = 8
GRID = 7
"""Cells a side of the grid in which directions are counted."""

_FAINT = 0.1  # changes below this share of the brightness range count for little
_BATCH = 2048


def pixels(cells: Cells) -> Rows:
    """Brightness of every pixel (and colour) in [0, 1], shape (n, height * width * channels)."""
    return _by_batch(cells, lambda images: _within(images, MOST_SIDE).flatten(1))


def gradients(cells: Cells) -> Rows:
    """Histograms of oriented gradients in a grid of cells, shape (n, 8 * 7 * 7) from 7 pixels a side on.

    Each pixel votes for the direction in which brightness grows there, with the strength of the change, in the two
    nearest of eight directions; votes are averaged over the cells of a grid, and each cell is divided by the strength
    of its neighbourhood, so that lighting and contrast hardly count. Colour images add the mean colour of every cell.

    Source: Dalal and Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005), with signed
    directions, which strokes need.
    """
    return _by_batch(cells, _histograms)


def _histograms(images: Tensor) -> Tensor:
    images = _within(images, 4 * MOST_SIDE)
    votes = _votes(images.mean(dim=1, keepdim=True))
    grid = (min(GRID, images.shape[2]), min(GRID, images.shape[3]))
    cells = functional.adaptive_avg_pool2d(votes, grid)
    energy = (cells**2).sum(dim=1, keepdim=True)
    around = functional.avg_pool2d(energy, 3, stride=1, padding=1, count_include_pad=False)
    directions = (cells / torch.sqrt(around + _FAINT**2)).flatten(1)
    if images.shape[1] == 1:
        return directions
    return torch.cat([directions, functional.adaptive_avg_pool2d(images, grid).flatten(1)], dim=1)


def _votes(grey: Tensor) -> Tensor:
    """Strength of change by direction, shape (n, directions, height, width)."""
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    strength = torch.hypot(across, down)
    place = torch.remainder(torch.atan2(down, across) / (2 * math.pi), 1.0) * DIRECTIONS
    lower = place.floor()
    share = place - lower
    first = lower.long() % DIRECTIONS
    votes = torch.zeros(len(grey), DIRECTIONS, *grey.shape[2:])
    votes.scatter_add_(1, first, strength * (1 - share))
    return votes.scatter_add_(1, (first + 1) % DIRECTIONS, strength * share)


def _within(images: Tensor, most: int) -> Tensor:
    """The images averaged down to at most so many pixels a side."""
    height, width = images.shape[2:]
    if max(height, width) <= most:
        return images
    shrink = most / max(height, width)
    return functional.adaptive_avg_pool2d(images, (max(1, round(height * shrink)), max(1, round(width * shrink))))


def _by_batch(cells: Cells, embed: Callable[[Tensor], Tensor]) -> Rows:
    """Embed some images at a time: the steps between take more room than what comes out."""
    parts = []
    for start in range(0, len(cells), _BATCH):
        stacked = torch.from_numpy(np.stack(cells[start : start + _BATCH])).permute(0, 3, 1, 2)
        parts.append(embed(stacked.float() / 255).numpy())
    return np.concatenate(parts).astype(np.float32)


def fit_pixels(reference: Cells, column: Column) -> Fitted:  # noqa: ARG001
    """`pixels`, which learn nothing."""
    return pixels


def fit_gradients(reference: Cells, column: Column) -> Fitted:  # noqa: ARG001
    """`gradients`, which learn nothing."""
    return gradients


known(
    Embedding(
        "pixels",
        "image",
        "brightness of every pixel",
        "GAN-Leaks: Chen et al. (CCS 2020) compare images so",
        fit_pixels,
    )
)
known(
    Embedding(
        "gradients",
        "image",
        "directions of edges in the cells of a grid",
        "Dalal and Triggs (CVPR 2005), with signed directions",
        fit_gradients,
    )
)
