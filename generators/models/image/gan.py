"""A class-conditional GAN for images (Goodfellow et al. 2014; layers after DCGAN: Radford, Metz and Chintala 2016)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from generators.encoding.images import Shape, split_rows
from generators.models.image.base import ImageGenerator
from generators.models.image.layers import beside, groups, halvings, moved
from generators.models.image.patches import PatchDiscriminator, PrivateDiscriminator
from generators.models.image.variety import Variety
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt, Share
from generators.training import History, Phase
from generators.training.following import Follower

_COLLAPSED = 0.5
_UNCOVERED = 0.25


class ImageGAN(ImageGenerator):
    """Makes images with a convolutional generator that learns to deceive a discriminator; both are told the labels.

    The discriminator is held smooth by a penalty on its gradient at real images (R1: Mescheder, Geiger and Nowozin
    2018). Where there are labels it must also tell real images with others' labels (Reed et al. 2016), so that it soon
    listens to them. Now and then training looks at the variety of what is generated; a mode collapse is told in
    `history_.notes`.

    Under a budget only the discriminator sees records, and is trained by DP-SGD; the generator learns from the released
    discriminator, a step after every `private_steps`, which costs nothing (Bie, Kamath and Zhang 2023). Clipping and
    noise take the place of the penalty, wrong labels are drawn instead of borrowed from other records, nobody looks at
    variety, and the discriminator is one of linear layers over patches, which clip fast. Measured on 20,000 images of
    MNIST at epsilon 10: digits that one can read, with little variety, and an accuracy of .66 of a classifier trained
    on them, where `image-gaussian` reaches .94: take that one under a budget.

    Attributes:
        channels: Feature maps at half the image's resolution; twice as many below.
        latent: Dimensions of the noise that an image is made of.
        penalty: Weight of the gradient penalty.
        shift: Largest move of an image that the discriminator sees, as a share of its sides. With few hundred images
            .1 keeps it from learning them by heart (Zhao et al. 2020), and generated images move about a little.
        private_steps: Discriminator's steps for one of the generator's, under a budget; both then learn at
            `private_learning_rate`.
        validation: Not available: a discriminator's loss does not tell when to stop.

    Example:
        >>> from generators import Column, Dataset
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> column = Column("image", "image", shape=(8, 8, 1))
        >>> cells = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype(np.uint8)
        >>> data = Dataset("noise", payload_schema(column), {"train": payload_frame(column, cells)}, modality="image")
        >>> model = ImageGAN(epochs=1, channels=8).fit(data, progress=False)
        >>> model.sample(2)["image"][0].shape
        (8, 8, 1)
    """

    kind: ClassVar[str] = "image-gan"
    private_betas: ClassVar[tuple[float, float]] = (0.5, 0.99)
    default_epochs: ClassVar[int] = 20

    batch_size: PositiveInt = 128
    ema: Share = 0.999
    channels: Annotated[int, Field(ge=4)] = 32
    latent: PositiveInt = 64
    penalty: NonNegativeFloat = 1.0
    shift: Share = 0.0
    private_batch_size: PositiveInt = 256
    private_learning_rate: PositiveFloat = 2e-3
    private_steps: PositiveInt = 3

    def discriminate(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the discriminator's logit that each record, with its labels, is real; shape (records,)."""
        return self._measured(frame, lambda rows: self.network_.discriminator(*split_rows(rows, self.encoder_.shape_)))

    def _build(self) -> Adversaries:
        shape, labels = self.encoder_.shape_, self.encoder_.labels_.width
        private = self.encoder_.public_only
        return Adversaries(shape, labels, self.channels, self.latent, self.penalty, self.shift, private=private)

    def _private_objective(self) -> PrivateDiscriminator:
        network: Adversaries = self.network_
        discriminator = cast("PatchDiscriminator", network.discriminator)
        return PrivateDiscriminator(discriminator, network.shape, self.shift, network.draw, self._fresh_labels)

    def following(self) -> Follower:
        """Return the generator, which learns from the released discriminator alone."""
        network: Adversaries = self.network_
        return Follower(
            "the generator, learnt from the private discriminator",
            network.generator,
            lambda: network.deceiving_loss(self._fresh_labels(self.batch_size)),
            every=self.private_steps,
            learning_rate=self.private_learning_rate,
            betas=(0.5, 0.99),
            shape=self.schedule,
            ema=self.ema,
        )

    def _fresh_labels(self, count: int) -> Tensor:
        """Draw labels from torch's global generator as for sampling: by domains and shares that are public or paid."""
        labels = self.encoder_.labels_
        known = torch.from_numpy(labels.one_hot(labels.combinations_)).to(self.torch_device)
        below = torch.from_numpy(labels.weights_ / labels.weights_.sum()).cumsum(0)[:-1].to(self.torch_device)
        chosen: Tensor = known[(torch.rand(count, device=self.torch_device)[:, None] > below).sum(dim=1)]
        return chosen

    def _phases(self) -> list[Phase]:
        both: Adversaries = self.network_
        return [
            Phase(both.discriminator_loss, list(both.discriminator.parameters()), "discriminator", betas=(0.5, 0.99)),
            Phase(both.generator_loss, list(both.generator.parameters()), "generator", betas=(0.5, 0.99)),
        ]

    def _look(self, rows: Tensor) -> Callable[[], Mapping[str, float]]:
        variety = Variety(rows, self.encoder_.shape_)
        return lambda: variety.measure(self.network_.draw)

    def _notes(self, history: History) -> list[str]:
        return collapse_notes(history.watched[-1][1])

    def _images(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(len(labels), self.latent, generator=generator).to(labels.device)
        images: Tensor = self.network_.generator(noise, labels)
        return images


def collapse_notes(seen: Mapping[str, float]) -> list[str]:
    """Say in plain words what `Variety.measure` found wrong; nothing if all is well."""
    advice = "train longer, lower learning_rate or raise penalty"
    notes = []
    if seen["variety"] < _COLLAPSED:
        notes.append(
            f"mode collapse: generated images with the same labels differ {seen['variety']:.0%} as much from each "
            f"other as real ones do; {advice}"
        )
    elif seen["least variety"] < _COLLAPSED:
        notes.append(
            "mode collapse for some labels: there generated images differ "
            f"{seen['least variety']:.0%} as much from each other as real ones do; {advice}"
        )
    if seen["coverage"] < _UNCOVERED:
        notes.append(
            f"low coverage: only {seen['coverage']:.0%} of real images have a generated one nearby, where real images "
            f"would reach about 97%: kinds of images are missing or badly drawn; {advice}"
        )
    return notes


class Adversaries(nn.Module):
    """Generator and discriminator, and what each of them lowers.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps at half the image's resolution.
        latent: Dimensions of the noise.
        penalty: Weight of the gradient penalty.
        shift: Largest move of an image that the discriminator sees, as a share of its sides.
        private: Whether the discriminator is one that suits ghost clipping.
    """

    def __init__(
        self,
        shape: Shape,
        labels: int,
        channels: int,
        latent: int,
        penalty: float,
        shift: float,
        *,
        private: bool = False,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.latent = latent
        self.penalty = penalty
        self.shift = shift
        self.generator = ImageMaker(shape, labels, channels, latent)
        judge = PatchDiscriminator if private else Discriminator
        self.discriminator: Discriminator | PatchDiscriminator = judge(shape, labels, channels)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the discriminator's loss of each row, shape (batch,)."""
        return self.discriminator_loss(rows)

    def draw(self, labels: Tensor) -> Tensor:
        """Make an image for each row of labels, from noise of the global generator."""
        images: Tensor = self.generator(torch.randn(len(labels), self.latent, device=labels.device), labels)
        return images

    def discriminator_loss(self, rows: Tensor) -> Tensor:
        """Return how badly each real image is told from what is wrong, shape (batch,).

        Wrong is an image drawn for its labels; and, counting as much, the image itself with the labels of the row
        before, unless they are its own.
        """
        images, labels = split_rows(rows, self.shape)
        with torch.no_grad():
            drawn = self.draw(labels)
        seen = [moved(images, self.shift), moved(drawn, self.shift)]
        told = [labels, labels]
        if labels.shape[1]:
            seen.append(seen[0])
            told.append(labels.roll(1, dims=0))
        real, fake, *misnamed = self.discriminator(torch.cat(seen), torch.cat(told)).chunk(len(seen))
        wrong = functional.softplus(fake)
        for scores in misnamed:
            differs = (told[-1] != labels).any(dim=1)
            wrong = (wrong + differs * functional.softplus(scores)) / 2
        # The penalty on an eighth of the batch is right on average and costs an eighth.
        few = max(1, len(rows) // 8)
        return functional.softplus(-real) + wrong + self._penalty(images[:few], labels[:few])

    def generator_loss(self, rows: Tensor) -> Tensor:
        """Return how well the discriminator sees through an image generated for each row's labels, shape (batch,)."""
        return self.deceiving_loss(split_rows(rows, self.shape)[1])

    def deceiving_loss(self, labels: Tensor) -> Tensor:
        """Return how well the discriminator sees through an image generated for each row of labels, shape (batch,)."""
        judge = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        scores: Tensor = functional_call(self.discriminator, judge, (moved(self.draw(labels), self.shift), labels))
        return functional.softplus(-scores)

    def _penalty(self, images: Tensor, labels: Tensor) -> Tensor:
        images = images.detach().requires_grad_()
        scores = self.discriminator(images, labels)
        (slope,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        return 0.5 * self.penalty * slope.square().flatten(1).sum(dim=1).mean()


class ImageMaker(nn.Module):
    """Noise and labels to images: a linear layer, then convolutions whose channels unfold into twice the resolution.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps at half the image's resolution.
        latent: Dimensions of the noise.
    """

    def __init__(self, shape: Shape, labels: int, channels: int, latent: int) -> None:
        super().__init__()
        height, width, colours = shape
        self.sizes = halvings(height, width)
        widths = [min(2**level, 4) * channels for level in range(len(self.sizes) - 1)]
        coarse = (widths[-1], *self.sizes[-1])
        self.first = nn.Sequential(nn.Linear(latent + labels, math.prod(coarse)), nn.Unflatten(1, coarse))
        self.norms = nn.ModuleList(nn.GroupNorm(groups(one), one) for one in widths)
        self.rises = nn.ModuleList(
            nn.Sequential(nn.Conv2d(deep, 4 * fine, 3, padding=1), nn.PixelShuffle(2))
            for fine, deep in pairwise([colours, *widths])
        )

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images from -1 to 1, shape (batch, channels, height, width)."""
        x: Tensor = self.first(beside(noise, labels))
        for level in reversed(range(len(self.rises))):
            height, width = self.sizes[level]
            x = self.rises[level](functional.relu(self.norms[level](x)))[..., :height, :width]
        return x.tanh()


class Discriminator(nn.Module):
    """Images and labels to a logit of being real; labels by projection (Miyato and Koyama 2018).

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps at half the image's resolution.
    """

    def __init__(self, shape: Shape, labels: int, channels: int) -> None:
        super().__init__()
        height, width, colours = shape
        sizes = halvings(height, width)
        layers: list[nn.Module] = []
        before = colours
        for level in range(len(sizes) - 1):
            after = min(2**level, 4) * channels
            layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            layers += [nn.GroupNorm(groups(after), after)] if level else []
            layers.append(nn.LeakyReLU(0.2))
            before = after
        flat = before * math.prod(sizes[-1])
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 2 * channels), nn.LeakyReLU(0.2))
        self.score = nn.Linear(2 * channels, 1)
        self.direction = nn.Linear(labels, 2 * channels, bias=False) if labels else None

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return a logit for each image, shape (batch,)."""
        features = self.features(images)
        logits: Tensor = self.score(features).squeeze(1)
        if self.direction is not None:
            logits = logits + (self.direction(labels) * features).sum(dim=1)
        return logits
