"""A variational autoencoder for tables (Kingma and Welling 2014; for mixed tables compare TVAE, Xu et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from pydantic import Field
from torch import Tensor, nn

from generators.datasets import Schema
from generators.encoding import TabularEncoder
from generators.models.neural import NeuralGenerator
from generators.models.parameters import NonNegativeFloat, PositiveInt
from generators.privacy import Ledger


class TabularVAE(NeuralGenerator):
    """Makes tables with a VAE over one-hot columns: a softmax per column in, a softmax per column out.

    Under a budget it trains by DP-SGD on public levels and equal-width bins.

    Attributes:
        hidden: Width of the two hidden layers on each side.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior in training. With 1 the loss is a bound on the
            log-likelihood; with a half, as in TVAE (which counts the reconstruction twice), columns agree better.
        bins: Categories of a numeric column.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularVAE(epochs=1).fit(data, progress=False)
        >>> len(model.sample(5))
        5
    """

    kind: ClassVar[str] = "tabular-vae"

    hidden: PositiveInt = 256
    latent: PositiveInt = 24
    kl_weight: NonNegativeFloat = 0.5
    bins: Annotated[int, Field(ge=2)] = 32
    encoder_: TabularEncoder = field(init=False)

    def record_loss(self, frame: pd.DataFrame, draws: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's negative ELBO in nats, an upper bound on its negative log-likelihood.

        Args:
            frame: Canonical frame. A level that the model does not know costs log(levels), as if guessed evenly.
            draws: Latent draws to average, at least 1.
            seed: Decides the draws; they are the same for every record, so that losses can be compared.

        Returns:
            Shape (records,).
        """
        codes = self._codes(frame)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(draws, self.latent, generator=generator).to(self.torch_device)
        with torch.no_grad():
            parts = [
                torch.stack([self.network_.negative_elbo(batch, draw.expand(len(batch), -1)) for draw in noise]).mean(0)
                for batch in torch.split(codes, 4096)
            ]
        return torch.cat(parts).double().cpu().numpy()

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the mean of each record's latent posterior, shape (records, latent)."""
        with torch.no_grad():
            means = [self.network_.posterior(batch)[0] for batch in torch.split(self._codes(frame), 4096)]
        return torch.cat(means).double().cpu().numpy()

    def decode(self, latents: npt.NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
        """Draw one record from each latent point, shape (records, latent); a canonical frame."""
        self._require_fitted()
        points = torch.as_tensor(latents, dtype=torch.float32)
        return self._decoded(points, torch.Generator().manual_seed(seed))

    def _prepare(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> Tensor:
        self.encoder_ = TabularEncoder(self.bins, public_only=public_only).fit(frame, schema)
        return torch.from_numpy(self.encoder_.encode(frame))

    def _build(self) -> VAE:
        return VAE(self.encoder_.sizes, self.hidden, self.latent, self.kl_weight)

    def _record(self, ledger: Ledger) -> None:
        self.encoder_.record(ledger)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        del conditions  # met by drawing again
        return self._decoded(torch.randn(n, self.latent, generator=generator), generator)

    def _decoded(self, latents: Tensor, generator: torch.Generator) -> pd.DataFrame:
        with torch.no_grad():
            logits = self.network_.decoder(latents.to(self.torch_device)).cpu()
        # The largest of logits plus Gumbel noise is a draw from their softmax.
        uniform = torch.rand(logits.shape, generator=generator).clamp_min(1e-20)
        blocks = torch.split(logits - (-uniform.log()).log(), list(self.encoder_.sizes), dim=1)
        codes = torch.stack([block.argmax(dim=1) for block in blocks], dim=1).numpy()
        within = torch.rand(codes.shape, generator=generator, dtype=torch.float64).numpy()
        return self.encoder_.decode(codes, within)

    def _encoders(self) -> dict[str, Any]:
        return {"encoder": self.encoder_.to_dict()}

    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self.encoder_ = TabularEncoder.from_dict(state["encoder"], self.schema_)

    def _codes(self, frame: pd.DataFrame) -> Tensor:
        self._require_fitted()
        return torch.from_numpy(self.encoder_.encode(frame)).to(self.torch_device)


class VAE(nn.Module):
    """Encoder and decoder, and as forward pass the per-record loss.

    Linear layers only, each used once per pass: what ghost clipping needs.

    Args:
        sizes: Categories of each column.
        hidden: Width of the hidden layers.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior in training.
    """

    def __init__(self, sizes: tuple[int, ...], hidden: int, latent: int, kl_weight: float) -> None:
        super().__init__()
        self.sizes = sizes
        self.width = sum(sizes)
        # Not buffers: Opacus refuses modules that have any.
        self.offsets = [sum(sizes[:position]) for position in range(len(sizes))]
        self.kl_weight = kl_weight
        self.encoder = _mlp(self.width, hidden, 2 * latent)
        self.decoder = _mlp(latent, hidden, self.width)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the training loss of each row of codes, shape (batch,), with one latent draw each."""
        reconstruction, divergence = self._parts(codes, None)
        return reconstruction + self.kl_weight * divergence

    def negative_elbo(self, codes: Tensor, noise: Tensor) -> Tensor:
        """Return the negative ELBO of each row for the given standard normal noise, shape (batch, latent)."""
        reconstruction, divergence = self._parts(codes, noise)
        return reconstruction + divergence

    def _parts(self, codes: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.posterior(codes)
        noise = torch.randn_like(mean) if noise is None else noise
        logits = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        return self._reconstruction(logits, codes), divergence

    def posterior(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of each row's latent posterior, each of shape (batch, latent)."""
        mean, log_variance = self.encoder(self._one_hot(codes)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 12)

    def _one_hot(self, codes: Tensor) -> Tensor:
        places = codes.clamp_min(0) + torch.tensor(self.offsets, device=codes.device)
        return torch.zeros(len(codes), self.width, device=codes.device).scatter(1, places, (codes >= 0).float())

    def _reconstruction(self, logits: Tensor, codes: Tensor) -> Tensor:
        total = torch.zeros(len(codes), device=logits.device)
        for position, block in enumerate(torch.split(logits, list(self.sizes), dim=1)):
            code = codes[:, position]
            known = functional.cross_entropy(block, code.clamp_min(0), reduction="none")
            total = total + torch.where(code < 0, math.log(block.shape[1]), known)
        return total


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )
