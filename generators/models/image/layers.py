"""How the image networks walk between resolutions, for images of any size."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

Size = tuple[int, int]
"""Height and width."""


def halvings(height: int, width: int, *, below: int = 8) -> list[Size]:
    """Return the sizes that an image goes through when it is halved until its shorter side is below a number.

    Sides round up, as in a convolution with stride 2 and a border of 1. At least once, so that there is a coarse level.

    Example:
        >>> halvings(28, 30)
        [(28, 30), (14, 15), (7, 8)]
    """
    sizes = [(height, width)]
    while len(sizes) < 2 or min(sizes[-1]) >= max(below, 2):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def beside(values: Tensor, labels: Tensor) -> Tensor:
    """Append labels to values, shape (batch, width) each, one label as loud as all values together.

    One number among hundreds would be overheard for so long that the network finds another way to tell the labels.
    """
    return torch.cat([values, labels * math.sqrt(values.shape[1])], dim=1)


def doubled(images: Tensor, size: Size) -> Tensor:
    """Repeat every pixel in both directions, and cut to the size that was halved before."""
    return functional.interpolate(images, scale_factor=2.0, mode="nearest")[..., : size[0], : size[1]]


def groups(channels: int) -> int:
    """Return into how many groups GroupNorm should part so many channels: at most 8, and without a rest."""
    return next(number for number in range(min(8, channels), 0, -1) if channels % number == 0)


def moved(images: Tensor, share: float) -> Tensor:
    """Move each image by up to a share of its sides, in whole pixels; borders repeat. Differentiable in the images."""
    if share == 0:
        return images
    places = []
    for side in images.shape[-2:]:
        most = round(share * side)
        offsets = torch.randint(-most, most + 1, (len(images), 1), device=images.device)
        places.append((torch.arange(side, device=images.device) + offsets).clamp(0, side - 1))
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return images.movedim(1, -1)[which, places[0][:, :, None], places[1][:, None, :]].movedim(-1, 1)
