"""An autoregressive transformer over a table's columns (Vaswani et al. 2017; Solatorio and Dupriez 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from pydantic import Field
from torch import Tensor, nn

from generators.models.attention import CausalBlock, Past, shared_by_heads
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt, Share
from generators.models.tabular.base import TabularGenerator
from generators.models.tabular.order import target_last


class TabularTransformer(TabularGenerator):
    """Makes tables column by column: a causal transformer gives each one a softmax, given those before it.

    Columns are read as categories, numeric ones as frequent values and bins, in the table's order, the target last: so
    the model learns to predict the target from all other columns.

    Attributes:
        width: Length of the vector that stands for a column; a multiple of `2 * heads`.
        layers: Number of blocks of attention and feed-forward network.
        heads: Attention heads of a block.
        dropout: Share of units left out at random in training, at the end of each half of a block.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularTransformer(epochs=1, width=16).fit(data, progress=False)
        >>> bool((model.log_likelihood(data.holdout) < 0).all())
        True
    """

    kind: ClassVar[str] = "tabular-transformer"
    default_epochs: ClassVar[int] = 14
    least_steps: ClassVar[int] = 400

    learning_rate: PositiveFloat = 2e-3
    warmup: Share = 0.05
    weight_decay: NonNegativeFloat = 0.01
    gradient_norm: PositiveFloat | None = 1.0
    ema: Share = 0.999
    width: PositiveInt = 64
    layers: PositiveInt = 2
    heads: PositiveInt = 4
    dropout: Share = 0.1
    bins: Annotated[int, Field(ge=2)] = 64

    def __post_init__(self) -> None:
        """Check what concerns two hyper-parameters at once."""
        shared_by_heads(self.width, self.heads)

    def log_likelihood(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's exact log-likelihood in nats, shape (records,).

        The probability of a bin is spread evenly over the values in it, as sampling does. So this is the
        log-probability of the record where all columns have levels or a grid (whole numbers, cents, days), and the
        probabilities of all possible records sum to 1; a real column contributes a log-density in its own units
        instead. Values beyond the range of train count as its ends; a level that the model does not know costs
        log(levels), as if guessed evenly.
        """
        losses = self._measured(frame, lambda rows: self.network_(rows))
        total: npt.NDArray[np.float64] = self.encoder_.log_spread(frame).sum(axis=1) - losses
        return total

    def record_loss(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's negative log-likelihood, shape (records,)."""
        return -self.log_likelihood(frame)

    @property
    def _order(self) -> tuple[int, ...]:
        return target_last(self.encoder_.schema_)

    def _rows(self, frame: pd.DataFrame) -> Tensor:
        return torch.from_numpy(self.encoder_.encode(frame)[:, self._order])

    def _build(self) -> ColumnTransformer:
        sizes = [self.encoder_.sizes[column] for column in self._order]
        return ColumnTransformer(sizes, self.width, self.layers, self.heads, self.dropout)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        del conditions  # met by drawing again
        noise = torch.rand(n, len(self._order), generator=generator, dtype=torch.float64)
        codes = np.empty((n, len(self._order)), dtype=np.int64)
        with torch.no_grad():
            drawn = [self.network_.draw(part.to(self.torch_device)) for part in torch.split(noise, self.chunk)]
        codes[:, self._order] = torch.cat(drawn).cpu().numpy()
        return self._decoded(codes, generator)


class ColumnTransformer(nn.Module):
    """A causal transformer over codes, one position a column, and as forward pass the negative log-likelihood.

    Position i reads column i - 1 (a start sign if i is 0) and predicts column i through a head of its own. Linear,
    embedding and normalisation layers only, each used once per pass: what ghost clipping needs.

    Args:
        sizes: Categories of each column, in the order in which they depend on each other.
        width: Length of the vectors.
        layers: Number of blocks.
        heads: Attention heads of a block.
        dropout: Share of units left out in training.
    """

    def __init__(self, sizes: list[int], width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.sizes = sizes
        # Code 0 of the one embedding is the start sign; then come each column's unknown level and its categories.
        self.offsets = [2 + position + sum(sizes[:position]) for position in range(len(sizes))]
        self.embedding = nn.Embedding(1 + len(sizes) + sum(sizes), width)
        self.positions = nn.Embedding(len(sizes), width)
        self.blocks = nn.ModuleList(CausalBlock(width, heads, dropout) for _ in range(layers))
        self.normalise = nn.LayerNorm(width)
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        for table in (self.embedding, self.positions):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the negative log-likelihood of each row of codes, shape (batch,)."""
        states = self._embedded(torch.cat([self._start(len(codes)), self._tokens(codes)[:, :-1]], dim=1), 0)
        for block in self.blocks:
            states, _ = block(states)
        total = torch.zeros(len(codes), device=codes.device)
        for place, logits in enumerate(self._logits(states, 0)):
            code = codes[:, place]
            known = functional.cross_entropy(logits, code.clamp_min(0), reduction="none")
            total = total + torch.where(code < 0, math.log(self.sizes[place]), known)
        return total

    def draw(self, uniform: Tensor) -> Tensor:
        """Return codes drawn column by column, shape (batch, columns).

        Args:
            uniform: Random numbers in [0, 1), same shape; in double precision.
        """
        codes = torch.zeros(uniform.shape, dtype=torch.int64, device=uniform.device)
        tokens = self._start(len(codes))
        pasts: list[Past | None] = [None] * len(self.blocks)
        for place in range(len(self.sizes)):
            states = self._embedded(tokens, place)
            for number, block in enumerate(self.blocks):
                states, pasts[number] = block(states, pasts[number])
            (logits,) = self._logits(states, place)
            upto = logits.double().softmax(dim=1).cumsum(dim=1)
            codes[:, place] = (upto[:, :-1] <= uniform[:, place : place + 1]).sum(dim=1)
            tokens = self._tokens(codes)[:, place : place + 1]
        return codes

    def _start(self, rows: int) -> Tensor:
        return torch.zeros(rows, 1, dtype=torch.int64, device=self.embedding.weight.device)

    def _tokens(self, codes: Tensor) -> Tensor:
        return codes + torch.tensor(self.offsets, device=codes.device)

    def _embedded(self, tokens: Tensor, first: int) -> Tensor:
        rows, places = tokens.shape
        # One index per row, for gradients are taken per row.
        positions = torch.arange(first, first + places, device=tokens.device).repeat(rows, 1)
        states: Tensor = self.embedding(tokens) + self.positions(positions)
        return states

    def _logits(self, states: Tensor, first: int) -> list[Tensor]:
        states = self.normalise(states)
        return [self.heads[first + place](states[:, place]) for place in range(states.shape[1])]
