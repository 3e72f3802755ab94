"""Diffusion for tables (TabDDPM, Kotelnikov et al. 2023): Gaussian for quantities, multinomial for categories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.datasets import Schema
from generators.encoding import MixedEncoder
from generators.models.layers import mlp, one_hot_blocks, waves
from generators.models.neural import NeuralGenerator
from generators.models.parameters import PositiveFloat, PositiveInt, Share
from generators.privacy import Ledger

_SPEEDS = torch.logspace(0, 2, 16)
"""Of what tells times from 0 to 1."""

STEP = 0.02
"""Length of a deterministic step towards noise, where a record is followed there."""


class TabularDiffusion(NeuralGenerator):
    """Makes tables by undoing noise: normal noise on quantities, and random replacement of categories.

    Ranges are split into a category (a frequent value, missing, or elsewhere) and a normal score, see `MixedEncoder`.
    Quantities diffuse as in Ho et al. (2020) and categories as in Hoogeboom et al. (2021), at one common time; one
    network guesses the clean record. Under a budget it trains by DP-SGD, with several noise draws a record, whose
    gradients are averaged before they are clipped (Dockhorn et al. 2023).

    Attributes:
        hidden: Width of the hidden layers.
        layers: Number of hidden layers.
        steps: Steps from pure noise to a record when sampling.
        frequent: Largest number of frequent values of a range that get a category of their own.
        private_draws: Noise draws a record and step under a budget.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularDiffusion(epochs=1).fit(data, progress=False)
        >>> len(model.sample(5))
        5
    """

    kind: ClassVar[str] = "tabular-diffusion"
    default_epochs: ClassVar[int] = 100
    default_private_epochs: ClassVar[int | None] = 30
    least_steps: ClassVar[int] = 4000

    hidden: PositiveInt = 256
    layers: PositiveInt = 3
    steps: PositiveInt = 50
    frequent: PositiveInt = 31
    private_draws: PositiveInt = 8
    batch_size: PositiveInt = 512
    learning_rate: PositiveFloat = 5e-3
    gradient_norm: PositiveFloat | None = 1.0
    ema: Share = 0.999
    encoder_: MixedEncoder = field(init=False)

    def record_loss(self, frame: pd.DataFrame, draws: int = 16, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return each record's denoising loss, averaged over fixed times.

        Args:
            frame: Canonical frame. A level that the model does not know costs log(levels), as if guessed evenly.
            draws: Times at which to look, evenly spaced, at least 1.
            seed: Decides the noise; it is the same for every record, so that losses can be compared.

        Returns:
            Shape (records,).
        """
        self._require_fitted()
        times = torch.linspace(0, 1, draws + 2)[1:-1].view(1, draws, 1)
        noise = self.network_.noise(times, torch.Generator().manual_seed(seed))
        return self._measured(frame, lambda rows: self.network_.loss(rows, noise))

    def denoising_losses(
        self, frame: pd.DataFrame, times: Sequence[float], draws: int = 4, seed: int = 0
    ) -> npt.NDArray[np.float64]:
        """Return each record's denoising loss at each of some times, from 0 (clean) to 1, shape (records, times).

        Args:
            frame: Canonical frame; see `record_loss`.
            times: When to look.
            draws: Noise draws to average at each time, at least 1.
            seed: Decides the noise; it is the same for every record, so that losses can be compared.
        """
        self._require_fitted()
        moments = torch.tensor(times, dtype=torch.float32).repeat_interleave(draws).view(1, -1, 1)
        noise = self.network_.noise(moments, torch.Generator().manual_seed(seed))
        shape = (len(times), draws)
        return self._measured(frame, lambda rows: self.network_.losses(rows, noise).unflatten(1, shape).mean(2))

    def proximal_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> npt.NDArray[np.float64]:
        """Return how badly noise is undone that the model itself has found in each record, shape (records, times).

        Without any draw: the noise added at a time is the one that the model sees in the clean record (Kong et al.
        2024). Categories stay clean, and count by the cross-entropy of their guess.
        """
        self._require_fitted()
        return self._measured(
            frame, lambda rows: torch.stack([self.network_.proximal_error(rows, time) for time in times], dim=1)
        )

    def retracing_errors(self, frame: pd.DataFrame, times: Sequence[float]) -> npt.NDArray[np.float64]:
        """Return how far from its start a deterministic step towards noise and back ends, shape (records, times).

        Without any draw: quantities are walked to a time by the model's own steps, then one further and back (SecMI:
        Duan et al. 2023). Categories stay clean, and count by the cross-entropy of their guess.
        """
        self._require_fitted()
        return self._measured(
            frame, lambda rows: torch.stack([self.network_.retracing_error(rows, time) for time in times], dim=1)
        )

    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        self.encoder_ = MixedEncoder(self.frequent, public_only=public_only).fit(frame, schema)

    def _rows(self, frame: pd.DataFrame) -> Tensor:
        """Return codes and scores side by side, shape (records, columns + ranges)."""
        return torch.from_numpy(np.concatenate(self.encoder_.encode(frame), axis=1)).float()

    def _build(self) -> Denoiser:
        draws = self.private_draws if self.encoder_.public_only else 1
        return Denoiser(self.encoder_.sizes, self.encoder_.scores, self.hidden, self.layers, draws)

    def _record(self, ledger: Ledger) -> None:
        self.encoder_.record(ledger)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        del conditions  # met by drawing again
        codes, scores = self.network_.sample(n, self.steps, generator)
        return self.encoder_.decode(codes.numpy(), scores.double().numpy())

    def _encoders(self) -> dict[str, Any]:
        return {"encoder": self.encoder_.to_dict()}

    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self.encoder_ = MixedEncoder.from_dict(state["encoder"], self.schema_)


class Noise(NamedTuple):
    """What corrupts records, and when; leading axes are records and draws, of size 1 where they share it.

    Attributes:
        time: From 0, clean, to 1, pure noise; shape (records, draws, 1).
        normal: Standard normal, shape (records, draws, ranges).
        fate: Uniform in [0, 1), decides whether a code is replaced; shape (records, draws, columns).
        other: Uniform in [0, 1), decides by what; same shape.
    """

    time: Tensor
    normal: Tensor
    fate: Tensor
    other: Tensor


class Denoiser(nn.Module):
    """Guesses clean records from noisy ones, and as forward pass the per-record loss.

    Linear layers only, each used once per pass: what ghost clipping needs.

    Args:
        sizes: Categories of each column.
        scores: Number of columns with a score.
        hidden: Width of the hidden layers.
        layers: Number of hidden layers.
        draws: Noise draws a record in the forward pass.
    """

    def __init__(self, sizes: tuple[int, ...], scores: int, hidden: int, layers: int, draws: int) -> None:
        super().__init__()
        self.sizes, self.scores, self.draws = sizes, scores, draws
        width = sum(sizes) + scores
        self.body = mlp(width + 2 * len(_SPEEDS), *[hidden] * layers, width, activation=nn.SiLU)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row of codes and scores, shape (batch,), at random times with random noise."""
        shape = (len(rows), self.draws)
        draw = partial(torch.rand, device=rows.device)
        columns = (*shape, len(self.sizes))
        normal = torch.randn(*shape, self.scores, device=rows.device)
        return self.loss(rows, Noise(draw(*shape, 1), normal, draw(columns), draw(columns)))

    def noise(self, times: Tensor, generator: torch.Generator) -> Noise:
        """Draw the noise of one record for times of shape (1, draws, 1)."""
        device = next(self.parameters()).device
        columns = (1, times.shape[1], len(self.sizes))
        normal = torch.randn(1, times.shape[1], self.scores, generator=generator)
        fate, other = torch.rand(columns, generator=generator), torch.rand(columns, generator=generator)
        return Noise(*(part.to(device) for part in (times, normal, fate, other)))

    def loss(self, rows: Tensor, noise: Noise) -> Tensor:
        """Return each row's loss, averaged over the draws of noise, shape (batch,)."""
        return self.losses(rows, noise).mean(1)

    def losses(self, rows: Tensor, noise: Noise) -> Tensor:
        """Return each row's loss for each draw of noise, shape (batch, draws).

        Quantities lose the squared error of the guessed velocity (Salimans and Ho 2022), categories the cross-entropy
        of the guessed clean one.
        """
        codes, scores = rows[:, None, : len(self.sizes)].long(), rows[:, None, len(self.sizes) :]
        kept = _kept(noise.time)
        replaced = (noise.fate >= kept) | (codes < 0)
        noisy_codes = torch.where(replaced, self._any(noise.other), codes)
        noisy_scores = kept.sqrt() * scores + (1 - kept).sqrt() * noise.normal
        velocity = kept.sqrt() * noise.normal - (1 - kept).sqrt() * scores
        logits, guess = self.guess(noisy_codes, noisy_scores, noise.time)
        return (guess - velocity).square().sum(-1) + _unsurprised(logits, codes)

    def proximal_error(self, rows: Tensor, time: float) -> Tensor:
        """Return the error at a time where each row gets the noise that the network sees in it, shape (batch,)."""
        codes, scores = rows[:, None, : len(self.sizes)].long(), rows[:, None, len(self.sizes) :]
        start, then = (torch.full((len(rows), 1, 1), when, device=rows.device) for when in (0.0, time))
        # An unknown code has no place among the network's inputs; the first one stands there.
        _, velocity = self.guess(codes.clamp_min(0), scores, start)
        own = _noise_of(scores, velocity, _kept(start))
        kept = _kept(then)
        noisy = kept.sqrt() * scores + (1 - kept).sqrt() * own
        logits, velocity = self.guess(codes.clamp_min(0), noisy, then)
        return ((_noise_of(noisy, velocity, kept) - own).square().sum(-1) + _unsurprised(logits, codes))[:, 0]

    def retracing_error(self, rows: Tensor, time: float) -> Tensor:
        """Return the squared distance that a step from a time towards noise and back leaves, shape (batch,).

        Each row's scores come to that time by the network's own steps. The cross-entropy of the guessed codes is added.
        """
        codes, scores = rows[:, None, : len(self.sizes)].long(), rows[:, None, len(self.sizes) :]
        known = codes.clamp_min(0)  # an unknown code has no place among the network's inputs
        moment = partial(rows.new_full, (len(rows), 1, 1))

        def walked(noisy: Tensor, now: float, then: float) -> Tensor:
            kept, more = _kept(moment(now)), _kept(moment(then))
            _, velocity = self.guess(known, noisy, moment(now))
            clean = kept.sqrt() * noisy - (1 - kept).sqrt() * velocity
            return more.sqrt() * clean + (1 - more).sqrt() * _noise_of(noisy, velocity, kept)

        steps = max(1, round(time / STEP))
        for step in range(steps):
            scores = walked(scores, step * time / steps, (step + 1) * time / steps)
        back = walked(walked(scores, time, time + STEP), time + STEP, time)
        logits, _ = self.guess(known, scores, moment(time))
        return ((back - scores).square().sum(-1) + _unsurprised(logits, codes))[:, 0]

    def guess(self, codes: Tensor, scores: Tensor, time: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return logits of the clean codes, one block a column, and velocities of the scores."""
        one_hot = one_hot_blocks(codes, self.sizes)
        told = waves(time.squeeze(-1), _SPEEDS.to(time.device)).expand(*codes.shape[:-1], -1)
        out = self.body(torch.cat([one_hot, scores, told], dim=-1))
        *logits, velocity = torch.split(out, [*self.sizes, self.scores], dim=-1)
        return tuple(logits), velocity

    @torch.no_grad()
    def sample(self, n: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return codes, shape (n, columns), and scores, shape (n, ranges), on the CPU."""
        device = next(self.parameters()).device

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator).to(device)

        def normal() -> Tensor:
            return torch.randn(n, self.scores, generator=generator).to(device)

        codes, scores = self._any(uniform(n, len(self.sizes))), normal()
        times = torch.linspace(1, 0, steps + 1, device=device).view(-1, 1).unbind()
        for now, then in pairwise(times):
            logits, velocity = self.guess(codes, scores, now.expand(n, 1))
            kept, more = _kept(now), _kept(then)
            chance = uniform(n, len(self.sizes), 1)
            drawn = [earlier_code(block, codes[:, i], kept, more, chance[:, i]) for i, block in enumerate(logits)]
            codes, scores = torch.stack(drawn, dim=1), earlier_score(velocity, scores, kept, more, normal())
        return codes.cpu(), scores.cpu()

    def _any(self, uniform: Tensor) -> Tensor:
        """Return codes drawn evenly."""
        return (uniform * torch.tensor(self.sizes, device=uniform.device)).long()


def _unsurprised(logits: tuple[Tensor, ...], codes: Tensor) -> Tensor:
    """Return the cross-entropy of all columns' guesses, shape (batch, draws); an unknown code is guessed evenly."""
    shape = logits[0].shape[:2]
    total = torch.zeros(shape, device=codes.device)
    for place, block in enumerate(logits):
        code = codes[..., place].expand(shape)
        known = functional.cross_entropy(block.flatten(0, 1), code.clamp_min(0).flatten(), reduction="none")
        total = total + torch.where(code < 0, math.log(block.shape[-1]), known.view(shape))
    return total


def _noise_of(scores: Tensor, velocity: Tensor, kept: Tensor) -> Tensor:
    """Return the noise in noisy scores that a guessed velocity implies."""
    return (1 - kept).sqrt() * scores + kept.sqrt() * velocity


def _kept(time: Tensor) -> Tensor:
    """Return the share of a record's signal that is left at a time: a cosine schedule (Nichol and Dhariwal 2021)."""
    return (time * (math.pi / 2)).cos().square().clamp(1e-6, 1 - 1e-6)


def earlier_score(velocity: Tensor, scores: Tensor, kept: Tensor, more: Tensor, normal: Tensor) -> Tensor:
    """Return noisy scores at an earlier time: a draw from their posterior, given the guessed clean ones.

    Args:
        velocity: The guess, shape (records, ranges).
        scores: Noisy scores now, same shape.
        kept: Share of the signal that is left now.
        more: Share that is left at the earlier time.
        normal: Standard normal, same shape as scores.
    """
    clean = kept.sqrt() * scores - (1 - kept).sqrt() * velocity
    noise = (1 - kept).sqrt() * scores + kept.sqrt() * velocity
    variance = (1 - more) / (1 - kept) * (1 - kept / more)
    return more.sqrt() * clean + (1 - more - variance).clamp_min(0).sqrt() * noise + variance.sqrt() * normal


def earlier_code(logits: Tensor, codes: Tensor, kept: Tensor, more: Tensor, uniform: Tensor) -> Tensor:
    """Return noisy codes of one column at an earlier time: a draw from their posterior, averaged over the clean ones.

    Args:
        logits: Guess of the clean code, shape (records, size).
        codes: Noisy codes now, shape (records,).
        kept: Probability that a code has not been replaced by now.
        more: Probability that it has not been replaced by the earlier time.
        uniform: In [0, 1), shape (records, 1).
    """
    any_code = 1 / logits.shape[1]
    same = functional.one_hot(codes, logits.shape[1]).float()
    # How likely each clean code is that could have led to the present one, over how likely it leads there.
    weight = logits.softmax(dim=1) / (kept * same + (1 - kept) * any_code)
    before = more * weight + (1 - more) * any_code * weight.sum(dim=1, keepdim=True)
    step = kept / more
    total = (before * (step * same + (1 - step) * any_code)).cumsum(dim=1)
    return (total[:, :-1] < uniform * total[:, -1:]).sum(dim=1)
