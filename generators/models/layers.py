"""Pieces of networks that several families are built of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return linear layers between these widths, with an activation after each but the last."""
    layers = [layer for i, o in pairwise(widths) for layer in (nn.Linear(i, o), activation())]
    return nn.Sequential(*layers[:-1])


def one_hot_blocks(codes: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return codes of several columns one-hot side by side; zeros in the block of an unknown code, which is negative.

    Args:
        codes: Shape (..., columns).
        sizes: Categories of each column.

    Returns:
        Shape (..., sum of sizes).
    """
    offsets = torch.tensor([sum(sizes[:place]) for place in range(len(sizes))], device=codes.device)
    blank = torch.zeros(*codes.shape[:-1], sum(sizes), device=codes.device)
    return blank.scatter(-1, codes.clamp_min(0) + offsets, (codes >= 0).float())


def divergence_from_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return how far normal distributions are from the standard one (Kullback-Leibler), in nats, shape (batch,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def waves(values: Tensor, speeds: Tensor) -> Tensor:
    """Return sines, then cosines, of each value at each speed, shape (..., 2 * speeds): a number as a network hears it.

    Args:
        values: Times or positions, shape (...).
        speeds: Radians per unit, shape (speeds,).
    """
    angles = values.unsqueeze(-1) * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
