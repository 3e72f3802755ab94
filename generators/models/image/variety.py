"""Does a generator of images still show the whole of its data? What a mode collapse looks like from outside."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from generators.encoding.images import Shape, split_rows

IMAGES = 256
"""Images compared, drawn and real."""

_NEIGHBOURS = 5
_FEWEST = 5
"""Images with equal labels from which on their differences are looked at."""


class Variety:
    """Holds drawn images against real ones with the same labels, by Euclidean distance between pixels.

    Args:
        rows: Training rows of an `ImageEncoder`; up to 256 of them are kept.
        shape: Height, width and channels of an image.
    """

    def __init__(self, rows: Tensor, shape: Shape) -> None:
        chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:IMAGES].to(rows.device)
        self.real, self.labels = split_rows(rows[chosen], shape)

    def measure(self, draw: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Measure what a generator draws for the labels of the real images.

        Args:
            draw: One-hot labels to images, shape (images, channels, height, width).

        Returns:
            `variety`: mean distance between drawn images with equal labels, relative to real ones; about 1 is right.
            `least variety`: the same for the labels where it is smallest.
            `coverage`: share of real images with a drawn one nearer than their fifth real neighbour (Naeem et al.
            2020); real images would cover about .97, and a generator that leaves out kinds of images less.
        """
        drawn = draw(self.labels)
        ratios = torch.stack([_spread(drawn[group]) / _spread(self.real[group]) for group in _groups(self.labels)])
        among = torch.cdist(self.real.flatten(1), self.real.flatten(1))
        neighbours = min(_NEIGHBOURS, len(self.real) - 1)
        radius = among.kthvalue(neighbours + 1, dim=1).values  # the nearest is the image itself
        nearest = torch.cdist(self.real.flatten(1), drawn.flatten(1)).min(dim=1).values
        return {
            "variety": ratios.mean().item(),
            "least variety": ratios.min().item(),
            "coverage": (nearest <= radius).double().mean().item(),
        }


def _spread(images: Tensor) -> Tensor:
    """Return the mean distance between two images; never 0, so that ratios stay finite."""
    return torch.pdist(images.flatten(1)).mean().clamp_min(1e-6)


def _groups(labels: Tensor) -> list[Tensor]:
    """Return the places of images with equal labels, group by group; all places where no group is large enough."""
    which = torch.zeros(len(labels), dtype=torch.int64, device=labels.device)
    if labels.shape[1]:
        which = torch.unique(labels, dim=0, return_inverse=True)[1]
    groups = [torch.nonzero(which == group).flatten() for group in range(int(which.max()) + 1)]
    return [group for group in groups if len(group) >= _FEWEST] or [torch.arange(len(labels), device=labels.device)]
