"""Denoising diffusion for images (Ho, Jain and Abbeel 2020), sampled by DDIM (Song, Meng and Ermon 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn

from generators.encoding.images import Shape, split_rows
from generators.models.image.base import ImageGenerator
from generators.models.image.unet import UNet
from generators.models.parameters import PositiveFloat, PositiveInt, Share

STEP = 0.05
"""Length of a deterministic step towards noise, where an image is followed there."""


class ImageDiffusion(ImageGenerator):
    """Makes images with a small U-Net that takes noise away step by step, told the labels.

    Noise follows a cosine schedule in continuous time, and the network predicts the velocity (Salimans and Ho 2022).
    Under a budget it trains by DP-SGD; labels need public levels.

    Attributes:
        channels: Feature maps at half the image's resolution, and how many more at each level below.
        blocks: Residual blocks of a level, on the way down and again on the way up.
        sampling_steps: Steps from noise to image; more are slower and, to a point, better.

    Example:
        >>> from generators import Column, Dataset
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> column = Column("image", "image", shape=(8, 8, 1))
        >>> cells = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1)).astype(np.uint8)
        >>> data = Dataset("noise", payload_schema(column), {"train": payload_frame(column, cells)}, modality="image")
        >>> model = ImageDiffusion(epochs=1, channels=8, sampling_steps=4).fit(data, progress=False)
        >>> model.sample(2)["image"][0].shape
        (8, 8, 1)
    """

    kind: ClassVar[str] = "image-diffusion"
    default_epochs: ClassVar[int] = 20
    least_steps: ClassVar[int] = 2000

    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 2e-3
    warmup: Share = 0.05
    gradient_norm: PositiveFloat | None = 1.0
    ema: Share = 0.999
    private_batch_size: PositiveInt = 512
    channels: Annotated[int, Field(ge=4)] = 32
    blocks: PositiveInt = 1
    sampling_steps: PositiveInt = 20

    def record_loss(self, frame: pd.DataFrame, times: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's denoising loss: the mean squared error per number, over fixed times.

        Args:
            frame: Canonical frame. A label that the model does not know counts as none.
            times: How many times, evenly spread between image and noise, at least 1.
            seed: Decides the noise, one draw a time; it is the same for every record, so that losses can be compared.

        Returns:
            Shape (records,).
        """
        self._require_fitted()
        height, width, colours = self.encoder_.shape_
        noise = torch.randn(times, colours, height, width, generator=torch.Generator().manual_seed(seed))
        noise = noise.to(self.torch_device)
        moments = (torch.arange(times, device=self.torch_device) + 0.5) / times

        def loss(rows: Tensor) -> Tensor:
            images, labels = split_rows(rows, self.encoder_.shape_)
            errors = [
                self.network_.loss(images, labels, moment.expand(len(rows)), draw.expand(len(rows), -1, -1, -1))
                for moment, draw in zip(moments, noise, strict=True)
            ]
            return torch.stack(errors).mean(0)

        return self._measured(frame, loss)

    def denoising_losses(
        self, frame: pd.DataFrame, times: Sequence[float], draws: int = 1, seed: int = 0
    ) -> npt.NDArray[np.float64]:
        """Return each record's denoising loss at each of some times, from 0 (clean) to 1, shape (records, times).

        Args:
            frame: Canonical frame; see `record_loss`.
            times: When to look.
            draws: Noise draws to average at each time, at least 1.
            seed: Decides the noise; it is the same for every record, so that losses can be compared.
        """
        self._require_fitted()
        height, width, colours = self.encoder_.shape_
        shape = (len(times), draws, colours, height, width)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(self.torch_device)

        def losses(rows: Tensor) -> Tensor:
            images, labels = split_rows(rows, self.encoder_.shape_)

            def loss(time: float, draw: Tensor) -> Tensor:
                moment = torch.full((len(rows),), time, device=rows.device)
                error: Tensor = self.network_.loss(images, labels, moment, draw.expand(len(rows), -1, -1, -1))
                return error

            return torch.stack(
                [
                    torch.stack([loss(time, draw) for draw in of_time]).mean(0)
                    for time, of_time in zip(times, noise, strict=True)
                ],
                dim=1,
            )

        return self._measured(frame, losses)

    def proximal_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> npt.NDArray[np.float64]:
        """Return how badly noise is undone that the model itself has found in each record, shape (records, times).

        Without any draw: the noise added at a time is the one that the model sees in the clean image (Kong et al.
        2024).
        """
        self._require_fitted()

        def errors(rows: Tensor) -> Tensor:
            images, labels = split_rows(rows, self.encoder_.shape_)
            return torch.stack([self.network_.proximal_error(images, labels, time) for time in times], dim=1)

        return self._measured(frame, errors)

    def retracing_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> npt.NDArray[np.float64]:
        """Return how far from its start a deterministic step towards noise and back ends, shape (records, times).

        Without any draw: images are walked to a time by the model's own steps, then one further and back (SecMI: Duan
        et al. 2023).
        """
        self._require_fitted()

        def errors(rows: Tensor) -> Tensor:
            images, labels = split_rows(rows, self.encoder_.shape_)
            return torch.stack([self.network_.retracing_error(images, labels, time) for time in times], dim=1)

        return self._measured(frame, errors)

    def _build(self) -> Denoiser:
        return Denoiser(self.encoder_.shape_, self.encoder_.labels_.width, self.channels, self.blocks)

    def _images(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        height, width, colours = self.encoder_.shape_
        noise = torch.randn(len(labels), colours, height, width, generator=generator).to(labels.device)
        images: Tensor = self.network_.sample(noise, labels, self.sampling_steps)
        return images


class Denoiser(nn.Module):
    """The U-Net, what it learns to predict, and how images come of it.

    At time t from 0 to 1 an image x with noise e is seen as cos(a) x + sin(a) e with a = t pi / 2; the network predicts
    the velocity, cos(a) e - sin(a) x, which is as hard at every time.

    Args:
        shape: Height, width and channels of an image.
        labels: Width of the labels.
        channels: Feature maps at half the resolution.
        blocks: Residual blocks of a level.
    """

    def __init__(self, shape: Shape, labels: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.shape = shape
        self.unet = UNet(shape, labels, channels, blocks)

    def forward(self, rows: Tensor) -> Tensor:
        """Return one loss per row, at a random time and with random noise."""
        images, labels = split_rows(rows, self.shape)
        times = torch.rand(len(rows), device=rows.device)
        return self.loss(images, labels, times, torch.randn_like(images))

    def loss(self, images: Tensor, labels: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of each image's predicted velocity, shape (batch,).

        Args:
            images: Shape (batch, channels, height, width), from -1 to 1.
            labels: One-hot, shape (batch, width).
            times: Shape (batch,), from 0 to 1.
            noise: Standard normal, shaped as the images.
        """
        angle = (times * math.pi / 2)[:, None, None, None]
        noisy = angle.cos() * images + angle.sin() * noise
        velocity = angle.cos() * noise - angle.sin() * images
        losses: Tensor = (self.unet(noisy, times, labels) - velocity).square().flatten(1).mean(dim=1)
        return losses

    def proximal_error(self, images: Tensor, labels: Tensor, time: float) -> Tensor:
        """Return the mean squared error at a time where each image gets the noise that the network sees in it."""
        start, then = (torch.full((len(images),), when, device=images.device) for when in (0.0, time))
        own = self.unet(images, start, labels)  # without noise, the velocity is the noise
        angle = (then * math.pi / 2)[:, None, None, None]
        noisy = angle.cos() * images + angle.sin() * own
        found = angle.sin() * noisy + angle.cos() * self.unet(noisy, then, labels)
        error: Tensor = (found - own).square().flatten(1).mean(dim=1)
        return error

    def retracing_error(self, images: Tensor, labels: Tensor, time: float) -> Tensor:
        """Return the mean squared distance that a step from a time towards noise and back leaves, shape (batch,).

        Each image comes to that time by the network's own steps.
        """

        def walked(noisy: Tensor, now: float, then: float) -> Tensor:
            moment = torch.full((len(images),), now, device=images.device)
            velocity = self.unet(noisy, moment, labels)
            # Walking on at the present velocity turns image and noise into each other.
            turn = (then - now) * math.pi / 2
            walked_to: Tensor = math.cos(turn) * noisy + math.sin(turn) * velocity
            return walked_to

        steps = max(1, round(time / STEP))
        for step in range(steps):
            images = walked(images, step * time / steps, (step + 1) * time / steps)
        back = walked(walked(images, time, time + STEP), time + STEP, time)
        error: Tensor = (back - images).square().flatten(1).mean(dim=1)
        return error

    def denoise(self, noisy: Tensor, times: Tensor, labels: Tensor) -> Tensor:
        """Return the expected image behind noisy ones, shape (batch, channels, height, width)."""
        angle = (times * math.pi / 2)[:, None, None, None]
        image: Tensor = angle.cos() * noisy - angle.sin() * self.unet(noisy, times, labels)
        return image

    def sample(self, noise: Tensor, labels: Tensor, steps: int) -> Tensor:
        """Walk from noise to images by DDIM, without further noise; differentiable in the noise."""
        x = noise
        for step in range(steps, 0, -1):
            now, then = (math.pi / 2 * at / steps for at in (step, step - 1))
            image = self.denoise(x, torch.full((len(x),), step / steps, device=x.device), labels).clamp(-1, 1)
            # What the image leaves unexplained is the noise, of which the earlier time has less.
            rest = (x - math.cos(now) * image) / math.sin(now)
            x = math.cos(then) * image + math.sin(then) * rest
        return x
