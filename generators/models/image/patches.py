"""A discriminator of images for training under a budget: convolutions as patches, real and drawn image in one row."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.encoding.images import Shape, split_rows
from generators.models.image.layers import moved


class PatchDiscriminator(nn.Module):
    """Images and labels to a logit of being real, by linear layers alone: convolutions are written as patches.

    So ghost clipping gets the norms of gradients without forming them, and an image, what is made beside it and all of
    their patches lie along one axis that it sums over.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps of the first layer; twice as many in the second.
    """

    def __init__(self, shape: Shape, labels: int, channels: int) -> None:
        super().__init__()
        height, width, colours = shape
        self.first = Patches(colours, channels, kernel=6, stride=4)
        self.second = Patches(channels, 2 * channels, kernel=3, stride=2)
        rows, columns = self.second.size(*self.first.size(height, width))
        self.third = nn.Linear(2 * channels * rows * columns, 2 * channels)
        self.score = nn.Linear(2 * channels, 1)
        self.direction = nn.Linear(labels, 2 * channels, bias=False) if labels else None

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return a logit for each image, shape (batch,)."""
        return self.logits(self.features(images[:, None]), labels[:, None]).squeeze(1)

    def features(self, images: Tensor) -> Tensor:
        """Return features of shape (batch, several, features) of several images a row."""
        maps = functional.leaky_relu(self.second(functional.leaky_relu(self.first(images), 0.2)), 0.2)
        return functional.leaky_relu(self.third(maps.flatten(2)), 0.2)

    def logits(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits, shape (batch, several)."""
        logits: Tensor = self.score(features).squeeze(2)
        return logits if self.direction is None else logits + (self.direction(labels) * features).sum(dim=2)


class Patches(nn.Module):
    """A convolution as a linear layer over patches of several images a row.

    Args:
        inputs: Channels seen.
        outputs: Channels returned.
        kernel: Side of a patch.
        stride: Pixels between patches.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, (kernel - stride + 1) // 2
        self.linear = nn.Linear(inputs * kernel**2, outputs)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of what comes of such an image."""
        rows, columns = ((side + 2 * self.padding - self.kernel) // self.stride + 1 for side in (height, width))
        return rows, columns

    def forward(self, images: Tensor) -> Tensor:
        """Map shape (batch, several, inputs, height, width) to (batch, several, outputs, rows, columns)."""
        batch, several = images.shape[:2]
        cut = functional.unfold(images.flatten(0, 1), self.kernel, padding=self.padding, stride=self.stride)
        found: Tensor = self.linear(cut.transpose(1, 2).reshape(batch, -1, cut.shape[1]))
        size = self.size(images.shape[3], images.shape[4])
        return found.view(batch, several, *size, -1).movedim(-1, 2)


class PrivateDiscriminator(nn.Module):
    """What DP-SGD lowers: how badly each image is told from one drawn for its labels, and from itself misnamed.

    It owns the discriminator's parameters alone. An image and what is held against it share a row, so that clipping
    takes them together: what a record adds to a step's sum has norm `clip` at most. Wrong labels are drawn, not taken
    from other records. No slope is penalised, which would need gradients of gradients: clipped steps and noise keep the
    discriminator smooth.

    Args:
        discriminator: The network that learns.
        shape: Height, width and channels of an image.
        shift: Largest move of an image that the discriminator sees, as a share of its sides.
        draw: Makes an image for each row of labels, by weights that are none of this module's.
        labels: Draws so many labels, one-hot, without looking at records.
    """

    def __init__(
        self,
        discriminator: PatchDiscriminator,
        shape: Shape,
        shift: float,
        draw: Callable[[Tensor], Tensor],
        labels: Callable[[int], Tensor],
    ) -> None:
        super().__init__()
        self.discriminator = discriminator
        self._shape, self._shift, self._draw, self._labels = shape, shift, draw, labels

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,)."""
        images, labels = split_rows(rows, self._shape)
        with torch.no_grad():
            drawn = self._draw(labels)
        features = self.discriminator.features(torch.stack([moved(images, self._shift), moved(drawn, self._shift)], 1))
        if not labels.shape[1]:
            real, fake = self.discriminator.logits(features, labels[:, None].expand(-1, 2, -1)).unbind(1)
            return functional.softplus(-real) + functional.softplus(fake)
        other = self._labels(len(rows))
        told = torch.stack([labels, labels, other], dim=1)
        real, fake, misnamed = self.discriminator.logits(features[:, [0, 1, 0]], told).unbind(1)
        wrong = functional.softplus(fake)
        differs = (other != labels).any(dim=1)
        wrong = torch.where(differs, (wrong + functional.softplus(misnamed)) / 2, wrong)
        return functional.softplus(-real) + wrong
