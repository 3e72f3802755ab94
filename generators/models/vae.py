"""A variational autoencoder for tables (Kingma and Welling 2014; for mixed tables compare TVAE, Xu et al. 2019)."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from pydantic import Field
from torch import Tensor, nn

from generators.datasets import Schema
from generators.encoding import TabularEncoder
from generators.models.base import Generator
from generators.models.parameters import Device, NonNegativeFloat, PositiveFloat, PositiveInt, Seed
from generators.privacy import Ledger, PrivacyBudget, PrivatePlan, plan_training
from generators.training import train, train_privately
from generators.training.private import RNG

_EPOCHS, _MIN_STEPS = 30, 2000


class TabularVAE(Generator):
    """Makes tables with a VAE over one-hot columns: a softmax per column in, a softmax per column out.

    Under a budget it trains by DP-SGD on public levels and equal-width bins.

    Args:
        epochs: Passes over train; None takes 30, or, without a budget, as many as make 2,000 steps of a small table.
        batch_size: Records a step.
        learning_rate: Adam's, at the start.
        private_batch_size: Expected records a step under a budget, where larger batches pay; at most a fourth of it.
        private_learning_rate: The same under a budget, where clipping and noise want longer steps: with 1e-3 the latent
            space stays unused.
        hidden: Width of the two hidden layers on each side.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior; 1 makes the loss a bound on the log-likelihood.
        bins: Categories of a numeric column.
        clip: Norm to which a record's gradient is clipped under a budget.
        seed: Decides initial weights, and without a budget also batches and latent noise.
        device: Where to train, such as `cpu` or `cuda`.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularVAE(epochs=1).fit(data, progress=False)
        >>> len(model.sample(5))
        5
    """

    kind = "tabular-vae"

    def __init__(
        self,
        epochs: PositiveInt | None = None,
        batch_size: PositiveInt = 256,
        learning_rate: PositiveFloat = 1e-3,
        private_batch_size: PositiveInt = 1024,
        private_learning_rate: PositiveFloat = 6e-3,
        hidden: PositiveInt = 256,
        latent: PositiveInt = 24,
        kl_weight: NonNegativeFloat = 1.0,
        bins: Annotated[int, Field(ge=2)] = 32,
        clip: PositiveFloat = 1.0,
        seed: Seed = 0,
        device: Device = "cpu",
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.private_batch_size = private_batch_size
        self.private_learning_rate = private_learning_rate
        self.hidden = hidden
        self.latent = latent
        self.kl_weight = kl_weight
        self.bins = bins
        self.clip = clip
        self.seed = seed
        self.device = device

    def training_problem(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> tuple[nn.Module, Tensor]:
        """Return what `fit` minimises and over which rows: for auditors, who run the shipped trainer on more records.

        Args:
            frame: Canonical training frame.
            schema: What its columns are.
            public_only: Whether to encode by public domains alone, as under a budget.

        Returns:
            A module that maps a batch of rows to one loss per row, with fresh parameters from torch's global generator,
            and the rows, shape (records, columns).
        """
        self.encoder_ = TabularEncoder(self.bins, public_only=public_only).fit(frame, schema)
        self.network_ = self._network()
        return self.network_, torch.from_numpy(self.encoder_.encode(frame)).to(self.device)

    def plan(self, budget: PrivacyBudget, records: int) -> PrivatePlan:
        """Return the private run that `fit` would do on so many records."""
        batch = max(1, min(self.private_batch_size, records // 4))
        return plan_training(budget, records=records, batch_size=batch, epochs=self.epochs or _EPOCHS, clip=self.clip)

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
        noise = torch.randn(draws, self.latent, generator=generator).to(self.device)
        with torch.no_grad():
            parts = [
                torch.stack([self.network_.loss(batch, draw.expand(len(batch), -1)) for draw in noise]).mean(0)
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

    def _fit(
        self, frame: pd.DataFrame, schema: Schema, budget: PrivacyBudget | None, ledger: Ledger, *, progress: bool
    ) -> None:
        objective, rows = self.training_problem(frame, schema, public_only=budget is not None)
        self.encoder_.record(ledger)
        if budget is None:
            ledger.add("the weights", "none", note="trained without clipping or noise")
            steps_a_pass = len(rows) / min(self.batch_size, len(rows))
            wanted = max(_EPOCHS * steps_a_pass, _MIN_STEPS) if self.epochs is None else self.epochs * steps_a_pass
            order = torch.Generator().manual_seed(self.seed)
            self.losses_ = train(
                objective,
                rows,
                steps=math.ceil(wanted),
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                generator=order,
                title=self.kind,
                progress=progress,
            )
            return
        plan = self.plan(budget, len(rows))
        test_seed = budget.deterministic_noise_for_tests
        ledger.add(
            "the weights",
            "dp-sgd" if test_seed is None else "test-mode",
            parameters={**plan.parameters(), "rng": RNG},
            epsilon=plan.epsilon if test_seed is None else None,
            delta=plan.delta if test_seed is None else None,
            note="" if test_seed is None else "deterministic_noise_for_tests: no privacy",
        )
        train_privately(
            objective,
            rows,
            plan,
            learning_rate=self.private_learning_rate,
            test_seed=test_seed,
            title=f"{self.kind}, epsilon {budget.epsilon:g}",
            progress=progress,
        )

    def _sample(self, n: int, generator: torch.Generator) -> pd.DataFrame:
        return self._decoded(torch.randn(n, self.latent, generator=generator), generator)

    def _decoded(self, latents: Tensor, generator: torch.Generator) -> pd.DataFrame:
        with torch.no_grad():
            logits = self.network_.decoder(latents.to(self.device)).cpu()
        # The largest of logits plus Gumbel noise is a draw from their softmax.
        uniform = torch.rand(logits.shape, generator=generator).clamp_min(1e-20)
        blocks = torch.split(logits - (-uniform.log()).log(), list(self.encoder_.sizes), dim=1)
        codes = torch.stack([block.argmax(dim=1) for block in blocks], dim=1).numpy()
        within = torch.rand(codes.shape, generator=generator, dtype=torch.float64).numpy()
        return self.encoder_.decode(codes, within)

    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"encoder": self.encoder_.to_dict()}, dict(self.network_.state_dict())

    def _restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self.encoder_ = TabularEncoder.from_dict(state["encoder"], self.schema_)
        self.network_ = self._network()
        self.network_.load_state_dict(weights)
        self.network_.eval()

    def _network(self) -> VAE:
        return VAE(self.encoder_.sizes, self.hidden, self.latent, self.kl_weight).to(self.device)

    def _codes(self, frame: pd.DataFrame) -> Tensor:
        self._require_fitted()
        return torch.from_numpy(self.encoder_.encode(frame)).to(self.device)


class VAE(nn.Module):
    """Encoder and decoder, and as forward pass the per-record loss.

    Linear layers only, each used once per pass: what ghost clipping needs.

    Args:
        sizes: Categories of each column.
        hidden: Width of the hidden layers.
        latent: Dimensions of the latent space.
        kl_weight: Weight of the divergence from the prior.
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
        """Return the loss of each row of codes, shape (batch,), with one latent draw each."""
        return self.loss(codes, None)

    def loss(self, codes: Tensor, noise: Tensor | None) -> Tensor:
        """Return the loss of each row for the given standard normal noise, shape (batch, latent), drawn if None."""
        mean, log_variance = self.posterior(codes)
        noise = torch.randn_like(mean) if noise is None else noise
        logits = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        return self._reconstruction(logits, codes) + self.kl_weight * divergence

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
