"""A variational autoencoder for tables (Kingma and Welling 2014; for mixed tables compare TVAE, Xu et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.models.layers import divergence_from_prior, mlp, one_hot_blocks
from generators.models.parameters import NonNegativeFloat, PositiveInt
from generators.models.tabular.base import TabularGenerator, drawn_codes


class TabularVAE(TabularGenerator):
    """Makes tables with a VAE over one-hot columns: a softmax per column in, a softmax per column out.

    Under a budget it trains by DP-SGD on public levels and equal-width bins.

    Attributes:
        hidden: Width of the two hidden layers on each side.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior in training. With 1 the loss is a bound on the
            log-likelihood; with a half, as in TVAE (which counts the reconstruction twice), columns agree better.

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

    def record_loss(self, frame: pd.DataFrame, draws: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's negative ELBO in nats, an upper bound on its negative log-likelihood.

        Args:
            frame: Canonical frame. A level that the model does not know costs log(levels), as if guessed evenly.
            draws: Latent draws to average, at least 1.
            seed: Decides the draws; they are the same for every record, so that losses can be compared.

        Returns:
            Shape (records,).
        """
        noise = torch.randn(draws, self.latent, generator=torch.Generator().manual_seed(seed)).to(self.torch_device)
        return self._measured(frame, lambda rows: self.network_.negative_elbo(rows, noise))

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the mean of each record's latent posterior, shape (records, latent)."""
        return self._measured(frame, lambda rows: self.network_.posterior(rows)[0])

    def decode(self, latents: npt.NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
        """Draw one record from each latent point, shape (records, latent); a canonical frame."""
        self._require_fitted()
        points = torch.as_tensor(latents, dtype=torch.float32)
        return self._from(points, torch.Generator().manual_seed(seed))

    def _build(self) -> VAE:
        return VAE(self.encoder_.sizes, self.hidden, self.latent, self.kl_weight)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        del conditions  # met by drawing again
        return self._from(torch.randn(n, self.latent, generator=generator), generator)

    def _from(self, latents: Tensor, generator: torch.Generator) -> pd.DataFrame:
        with torch.no_grad():
            logits = self.network_.decoder(latents.to(self.torch_device)).cpu()
        return self._decoded(drawn_codes(logits, self.encoder_.sizes, generator), generator)


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
        self.kl_weight = kl_weight
        self.encoder = mlp(self.width, hidden, hidden, 2 * latent)
        self.decoder = mlp(latent, hidden, hidden, self.width)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the training loss of each row of codes, shape (batch,), with one latent draw each."""
        mean, log_variance = self.posterior(codes)
        logits = self.decoder(mean + (0.5 * log_variance).exp() * torch.randn_like(mean))
        return self._reconstruction(logits, codes) + self.kl_weight * divergence_from_prior(mean, log_variance)

    def negative_elbo(self, codes: Tensor, noise: Tensor) -> Tensor:
        """Return the negative ELBO of each row, shape (batch,), averaged over standard normal draws (draws, latent)."""
        mean, log_variance = self.posterior(codes)
        spread = (0.5 * log_variance).exp()
        losses = torch.stack([self._reconstruction(self.decoder(mean + spread * draw), codes) for draw in noise])
        return losses.mean(0) + divergence_from_prior(mean, log_variance)

    def posterior(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of each row's latent posterior, each of shape (batch, latent)."""
        mean, log_variance = self.encoder(one_hot_blocks(codes, self.sizes)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 12)

    def _reconstruction(self, logits: Tensor, codes: Tensor) -> Tensor:
        total = torch.zeros(len(codes), device=logits.device)
        for position, block in enumerate(torch.split(logits, list(self.sizes), dim=1)):
            code = codes[:, position]
            known = functional.cross_entropy(block, code.clamp_min(0), reduction="none")
            total = total + torch.where(code < 0, math.log(block.shape[1]), known)
        return total
