"""A conditional variational autoencoder for images (Kingma and Welling 2014; with labels: Sohn, Lee and Yan 2015)."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.encoding.images import Shape, split_rows
from generators.models.image.base import ImageGenerator
from generators.models.image.layers import beside
from generators.models.layers import divergence_from_prior, mlp
from generators.models.parameters import NonNegativeFloat, PositiveInt, Share


class ImageVAE(ImageGenerator):
    """Makes images with a fully connected VAE that is told the labels, a grey level being a probability of white.

    Under a budget it trains by DP-SGD; labels need public levels.

    Attributes:
        hidden: Width of the two hidden layers on each side.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior; 1 makes the loss a bound on the log-likelihood.

    Example:
        >>> from generators import Column, Dataset
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> column = Column("image", "image", shape=(8, 8, 1))
        >>> cells = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype(np.uint8)
        >>> data = Dataset("noise", payload_schema(column), {"train": payload_frame(column, cells)}, modality="image")
        >>> model = ImageVAE(epochs=1).fit(data, progress=False)
        >>> model.sample(2)["image"][0].shape
        (8, 8, 1)
    """

    kind: ClassVar[str] = "image-vae"
    default_epochs: ClassVar[int] = 40

    batch_size: PositiveInt = 128
    ema: Share = 0.999
    hidden: PositiveInt = 512
    latent: PositiveInt = 24
    kl_weight: NonNegativeFloat = 1.0

    def record_loss(self, frame: pd.DataFrame, draws: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's negative ELBO in nats.

        It bounds the negative log-likelihood, given the labels, of the image with each number drawn black or white with
        its grey level as probability, averaged over such drawings.

        Args:
            frame: Canonical frame. A label that the model does not know counts as none.
            draws: Latent draws to average, at least 1.
            seed: Decides the draws; they are the same for every record, so that losses can be compared.

        Returns:
            Shape (records,).
        """
        noise = torch.randn(draws, self.latent, generator=torch.Generator().manual_seed(seed)).to(self.torch_device)

        def loss(rows: Tensor) -> Tensor:
            return torch.stack([self.network_.loss(rows, draw.expand(len(rows), -1)) for draw in noise]).mean(0)

        return self._measured(frame, loss)

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's latent point: the mean of its latent posterior, then its labels one-hot.

        Returns:
            Shape (records, latent + width of the labels).
        """

        def point(rows: Tensor) -> Tensor:
            images, labels = split_rows(rows, self.encoder_.shape_)
            return torch.cat([self.network_.posterior(images, labels)[0], labels], dim=1)

        return self._measured(frame, point)

    def decode(self, latents: npt.NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
        """Return the mean image of each latent point; nothing is drawn.

        Args:
            latents: As `encode` returns them; of a label's numbers the largest counts.
            seed: Not needed.

        Raises:
            InputError: The points have another length.
        """
        del seed
        self._require_fitted()
        points, codes = self.encoder_.labels_.parted(latents, self.latent)
        where = torch.as_tensor(points, dtype=torch.float32, device=self.torch_device)
        return self._drawn(codes, lambda labels, place: self.network_.image(where[place], labels))

    def _build(self) -> ConditionalVAE:
        return ConditionalVAE(
            self.encoder_.shape_, self.encoder_.labels_.width, self.hidden, self.latent, self.kl_weight
        )

    def _images(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        points = torch.randn(len(labels), self.latent, generator=generator)
        images: Tensor = self.network_.image(points.to(labels.device), labels)
        return images


class ConditionalVAE(nn.Module):
    """Encoder and decoder, and as forward pass the per-record loss.

    Linear layers only, each used once per pass: fast on small images, and what ghost clipping needs.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        hidden: Width of the hidden layers.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior.
    """

    def __init__(self, shape: Shape, labels: int, hidden: int, latent: int, kl_weight: float) -> None:
        super().__init__()
        self.shape = shape
        self.kl_weight = kl_weight
        self.encoder = mlp(math.prod(shape) + labels, hidden, hidden, 2 * latent, activation=nn.SiLU)
        self.decoder = mlp(latent + labels, hidden, hidden, math.prod(shape), activation=nn.SiLU)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,), with one latent draw each."""
        return self.loss(rows, None)

    def loss(self, rows: Tensor, noise: Tensor | None) -> Tensor:
        """Return the loss of each row for the given standard normal noise, shape (batch, latent), drawn if None."""
        images, labels = split_rows(rows, self.shape)
        mean, log_variance = self.posterior(images, labels)
        noise = torch.randn_like(mean) if noise is None else noise
        logits = self.decode(mean + (0.5 * log_variance).exp() * noise, labels)
        white = (images + 1) / 2
        surprise = functional.binary_cross_entropy_with_logits(logits, white, reduction="none").flatten(1).sum(dim=1)
        divergence = divergence_from_prior(mean, log_variance)
        return surprise + self.kl_weight * divergence

    def posterior(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of each image's latent posterior, each of shape (batch, latent)."""
        mean, log_variance = self.encoder(beside(images.flatten(1), labels)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 12)

    def decode(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return each number's logit of being white, shape (batch, channels, height, width)."""
        height, width, channels = self.shape
        logits: Tensor = self.decoder(beside(latents, labels))
        return logits.reshape(-1, channels, height, width)

    def image(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Return the mean image at latent points, from -1 to 1, shape (batch, channels, height, width)."""
        return self.decode(latents, labels).sigmoid() * 2 - 1
