"""A small U-Net that looks at an image, a time and labels (Ronneberger et al. 2015; as a denoiser: Ho et al. 2020)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.models.image.layers import doubled, groups, halvings
from generators.models.layers import waves

_SPEEDS = math.pi * torch.logspace(0, 2.7, 16)
"""Of what tells times from 0 to 1: from half a turn to about 250 turns."""

_COARSEST = 6
"""Sides below this are not halved again: coarse enough for one convolution to see nearly all of the image."""


class UNet(nn.Module):
    """Maps images, times and labels to images.

    All blocks work at half the resolution or below, where a convolution costs a fourth: the first layer folds 2 x 2
    pixels into channels, the last unfolds them.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps at half the resolution, and how many more at each level below.
        blocks: Residual blocks of a level, on the way down and again on the way up.
    """

    def __init__(self, shape: tuple[int, int, int], labels: int, channels: int, blocks: int) -> None:
        super().__init__()
        height, width, colours = shape
        self.size = (height, width)
        levels = len(halvings(height, width, below=_COARSEST)) - 1
        widths = [(level + 1) * channels for level in range(levels)]
        context = 4 * channels
        self.time = nn.Sequential(nn.Linear(2 * len(_SPEEDS), context), nn.SiLU(), nn.Linear(context, context))
        self.label = nn.Linear(labels, context, bias=False) if labels else None
        if self.label is not None:
            # As strong from the start as the time is: a usual initialisation would let labels be overheard for long.
            nn.init.normal_(self.label.weight)
        self.first = nn.Conv2d(colours, channels, 3, stride=2, padding=1)
        self.falls = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.down = nn.ModuleList(Level(width, context, blocks) for width in widths)
        self.rises = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(Level(width, context, blocks) for width in widths[:-1])
        self.last = nn.Sequential(
            nn.GroupNorm(groups(channels), channels),
            nn.SiLU(),
            nn.Conv2d(channels, 4 * colours, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, images: Tensor, times: Tensor, labels: Tensor) -> Tensor:
        """Return images of the same shape.

        Args:
            images: Shape (batch, channels, height, width).
            times: Shape (batch,), from 0 to 1.
            labels: One-hot, shape (batch, width of the labels).
        """
        context = self.time(waves(times, _SPEEDS.to(times.device)))
        context = functional.silu(context if self.label is None else context + self.label(labels))
        x = self.down[0](self.first(images), context)
        kept = []
        for fall, level in zip(self.falls, list(self.down)[1:], strict=True):
            kept.append(x)
            x = level(fall(x), context)
        # Ways across are added, not appended: appended, they would double the cost of the largest convolutions.
        for rise, level, across in zip(reversed(self.rises), reversed(self.up), reversed(kept), strict=True):
            x = level(across + doubled(rise(x), across.shape[-2:]), context)
        height, width = self.size
        result: Tensor = self.last(x)[..., :height, :width]
        return result


class Level(nn.Module):
    """Blocks at one resolution, one after another.

    Args:
        channels: Feature maps.
        context: Length of the context.
        blocks: How many.
    """

    def __init__(self, channels: int, context: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels, context) for _ in range(blocks))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return feature maps of the same shape."""
        for block in self.blocks:
            x = block(x, context)
        return x


class Block(nn.Module):
    """Two convolutions around a shortcut; the context scales and shifts the feature maps between them.

    Args:
        channels: Feature maps.
        context: Length of the context.
    """

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(
            nn.GroupNorm(groups(channels), channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.steer = nn.Linear(context, 2 * channels)
        self.norm = nn.GroupNorm(groups(channels), channels)
        self.leave = nn.Conv2d(channels, channels, 3, padding=1)
        # A block starts as its shortcut, so that depth does not hurt early training.
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return feature maps of the same shape."""
        scale, shift = self.steer(context)[:, :, None, None].chunk(2, dim=1)
        inner = functional.silu(self.norm(self.enter(x)) * (1 + scale) + shift)
        result: Tensor = x + self.leave(inner)
        return result
