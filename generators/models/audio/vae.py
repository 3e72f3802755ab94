"""A conditional variational autoencoder for recordings (Kingma and Welling 2014; Sohn, Lee and Yan 2015)."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.models.audio.base import RARE, AudioGenerator, RowShape
from generators.models.layers import divergence_from_prior
from generators.models.parameters import NonNegativeFloat, PositiveInt

_PATCH = 4
"""Frames that the network reads and writes at once."""


class AudioVAE(AudioGenerator):
    """Makes recordings with a convolutional VAE over log-mel frames that is told the labels.

    A latent point stands for a whole recording. Each coefficient of each frame is normal around a mean and with a
    spread that the decoder gives; beside them it gives the chance that the recording ends with this frame.

    Attributes:
        channels: Feature maps of the convolutions, which run over patches of four frames.
        hidden: Width of the fully connected layers.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior; 1 makes the loss a bound on the log-likelihood.

    Example:
        >>> from generators import Column, Dataset
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> column = Column("audio", "audio", rate=8000)
        >>> cells = [np.sin(np.arange(length) * 0.3).astype(np.float32) for length in range(2000, 2600, 20)]
        >>> data = Dataset("tones", payload_schema(column), {"train": payload_frame(column, cells)}, modality="audio")
        >>> model = AudioVAE(epochs=1, seconds=0.5).fit(data, progress=False)
        >>> model.sample(1)["audio"][0].dtype
        dtype('float32')
    """

    kind: ClassVar[str] = "audio-vae"
    least_steps: ClassVar[int] = 1200

    channels: PositiveInt = 128
    hidden: PositiveInt = 256
    latent: PositiveInt = 32
    kl_weight: NonNegativeFloat = 1.0

    def record_loss(self, frame: pd.DataFrame, draws: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's negative ELBO in nats.

        It bounds the negative log-density of the frames (in the units of `MelCepstrum`) and of their number, given the
        labels; beyond `seconds` a recording is not looked at.

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
            return torch.cat([self.network_.posterior(rows)[0], self.row_shape.split(rows)[0]], dim=1)

        return self._measured(frame, point)

    def decode(self, latents: npt.NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
        """Draw a recording from each latent point.

        Args:
            latents: As `encode` returns them; of a label's numbers the largest counts.
            seed: Decides what is drawn.

        Returns:
            A canonical frame.

        Raises:
            InputError: The points have another length.
        """
        self._require_fitted()
        points, codes = self.labels_.parted(latents, self.latent)
        generator = torch.Generator().manual_seed(seed)
        where = torch.as_tensor(points, dtype=torch.float32, device=self.torch_device)
        return self._drawn(codes, lambda labels, place: self._from(where[place], labels, generator), generator)

    def _build(self) -> FrameVAE:
        return FrameVAE(self.row_shape, self.channels, self.hidden, self.latent, self.kl_weight)

    def _frames(self, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        points = torch.randn(len(labels), self.latent, generator=generator)
        return self._from(points.to(labels.device), labels, generator)

    def _from(self, points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        mean, log_scale, end = (part.cpu() for part in self.network_.decode(points, labels))
        frames = mean + self.temperature * log_scale.exp() * torch.randn(mean.shape, generator=generator)
        ends = torch.rand(end.shape, generator=generator) < end.sigmoid()
        ends[:, 0], ends[:, -1] = False, True
        return frames, ends.int().argmax(dim=1) + 1


class FrameVAE(nn.Module):
    """Encoder and decoder, and as forward pass the per-record loss.

    Args:
        shape: Of the rows.
        channels: Feature maps.
        hidden: Width of the fully connected layers.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior.
    """

    def __init__(self, shape: RowShape, channels: int, hidden: int, latent: int, kl_weight: float) -> None:
        super().__init__()
        self.shape = shape
        self.kl_weight = kl_weight
        patches = math.ceil(shape.frames / _PATCH)
        self.padding = patches * _PATCH - shape.frames
        self.read = nn.Sequential(
            nn.Conv1d(shape.width + 1, channels, 2 * _PATCH, stride=_PATCH, padding=_PATCH // 2),
            nn.SiLU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Flatten(),
        )
        self.encoder = nn.Sequential(
            nn.Linear(channels * patches + shape.labels, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent + shape.labels, hidden),
            nn.SiLU(),
            nn.Linear(hidden, channels * patches),
            nn.SiLU(),
            nn.Unflatten(1, (channels, patches)),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(channels, _PATCH * (2 * shape.width + 1), 3, padding=1),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,), with one latent draw each."""
        return self.loss(rows, None)

    def loss(self, rows: Tensor, noise: Tensor | None) -> Tensor:
        """Return the loss of each row for the given standard normal noise, shape (batch, latent), drawn if None."""
        labels, lengths, frames = self.shape.split(rows)
        mean, log_variance = self.posterior(rows)
        noise = torch.randn_like(mean) if noise is None else noise
        centre, log_scale, end = self.decode(mean + (0.5 * log_variance).exp() * noise, labels)
        time = torch.arange(self.shape.frames, device=rows.device)
        surprise = 0.5 * ((frames - centre) / log_scale.exp()).square() + log_scale + 0.5 * math.log(2 * math.pi)
        surprise = (surprise.sum(dim=2) * (time < lengths)).sum(dim=1)
        # Whether a frame is the last is a question for every frame up to the end, but the first and the last possible.
        asked = (time > 0) & (time < lengths) & (time < self.shape.frames - 1)
        last = functional.binary_cross_entropy_with_logits(end, (time == lengths - 1).float(), reduction="none")
        divergence = divergence_from_prior(mean, log_variance)
        return surprise + (last * asked).sum(dim=1) + self.kl_weight * divergence

    def posterior(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of each row's latent posterior, each of shape (batch, latent)."""
        labels, lengths, frames = self.shape.split(rows)
        present = torch.arange(self.shape.frames, device=rows.device) < lengths
        maps = torch.cat([frames, present.float().unsqueeze(2)], dim=2).transpose(1, 2)
        read = self.read(functional.pad(maps, (0, self.padding)))
        mean, log_variance = self.encoder(_beside(read, labels)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 12)

    def decode(self, latents: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what recordings latent points stand for.

        Returns:
            Mean and log-scale of the frames, each of shape (batch, frames, width), and the logit that a frame is the
            last, shape (batch, frames).
        """
        patches: Tensor = self.decoder(_beside(latents, labels)).transpose(1, 2)
        width = 2 * self.shape.width + 1
        frames = patches.reshape(len(patches), patches.shape[1] * _PATCH, width)[:, : self.shape.frames]
        mean, log_scale, end = torch.split(frames, [self.shape.width, self.shape.width, 1], dim=2)
        return mean, log_scale.clamp(-3, 3), end.squeeze(2) - RARE


def _beside(values: Tensor, labels: Tensor) -> Tensor:
    """Append labels to values, a label as loud as all values together: otherwise the latent point would tell it."""
    return torch.cat([values, labels * math.sqrt(values.shape[1])], dim=1)
