"""A normalising flow for mixed tables: one column after another, by conditional distribution functions.

Each column's distribution function, given the columns before it, is known in closed form: steps for single values, a
monotone rational-quadratic spline (Durkan et al. 2019) over a range. Applying it to a record (Rosenblatt 1952) gives
independent noise; inverting it makes records out of noise. The conditioner is autoregressive as in NADE (Larochelle and
Murray 2011): every column adds what it has to say to a sum, from which each later column's parameters are computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from pydantic import Field
from torch import Tensor, nn
from zuko.transforms import MonotonicRQSTransform

from generators.encoding.blocks import BinBlock, Block
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt, Share
from generators.models.tabular.base import TabularGenerator
from generators.models.tabular.order import target_last


class TabularFlow(TabularGenerator):
    """Makes tables with an autoregressive normalising flow, whose likelihood is exact also for mixed columns.

    A categorical column has a probability for each level. A numeric one has a probability for each frequent value, for
    being missing and for its range, over which a spline spreads it; the value of a column on a grid (whole numbers,
    cents, days) has the probability of its cell, the difference of the distribution function at its two ends, and a
    real value has a density. Columns go in the table's order, the target last.

    Attributes:
        hidden: Width of the conditioner.
        knots: Pieces of each spline.
        bins: Categories of a numeric column: how many values may count as frequent; and, as quantile bins, in what
            detail the later columns see it, and where the spline starts from.
        dropout: Share of the conditioner's units that are left out at random in training.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularFlow(epochs=1).fit(data, progress=False)
        >>> bool((model.log_likelihood(data.holdout) < 0).all())
        True
    """

    kind: ClassVar[str] = "tabular-flow"
    default_epochs: ClassVar[int] = 12
    least_steps: ClassVar[int] = 400

    learning_rate: PositiveFloat = 2e-3
    warmup: Share = 0.05
    weight_decay: NonNegativeFloat = 0.01
    gradient_norm: PositiveFloat | None = 1.0
    ema: Share = 0.999
    hidden: PositiveInt = 128
    knots: Annotated[int, Field(ge=2)] = 16
    bins: Annotated[int, Field(ge=2)] = 32
    dropout: Share = 0.1

    def log_likelihood(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's exact log-likelihood in nats, shape (records,).

        It is the log-probability of the record where all columns have levels or a grid, so that the probabilities of
        all possible records sum to 1; each real column contributes a log-density in its own units instead. Values
        beyond the range of train count as its ends; a level that the model does not know costs log(levels), as if
        guessed evenly.
        """
        return self._measured(frame, lambda rows: self.network_.log_density(rows)) + self._log_units(frame)

    def record_loss(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's negative log-likelihood, shape (records,)."""
        return -self.log_likelihood(frame)

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the noise that each record is made of, standard normal, shape (records, columns).

        A value with a probability of its own belongs to an interval of noise, whose middle (in probability) is taken.
        """

        def noise(rows: Tensor) -> Tensor:
            uniform: Tensor = self.network_.noise(rows)
            found: Tensor = torch.special.ndtri(uniform.clamp(1e-300, 1 - 1e-16))  # so that no noise is infinite
            return found

        return self._measured(frame, noise)

    def decode(self, latents: npt.NDArray[np.float64], seed: int = 0) -> pd.DataFrame:
        """Return the record that each noise makes, a canonical frame; the inverse of `encode`.

        Args:
            latents: Shape (records, columns).
            seed: Not needed: nothing is random here.
        """
        del seed
        self._require_fitted()
        return self._inverted(torch.special.ndtr(torch.as_tensor(latents, dtype=torch.float64)))

    @property
    def _order(self) -> tuple[int, ...]:
        return target_last(self.encoder_.schema_)

    def _build(self) -> AutoregressiveFlow:
        margins = [Margin.of(self.encoder_.blocks_[place]) for place in self._order]
        return AutoregressiveFlow(margins, self.hidden, self.knots, self.dropout)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        del conditions  # met by drawing again
        return self._inverted(torch.rand(n, len(self._order), generator=generator, dtype=torch.float64))

    def _inverted(self, uniform: Tensor) -> pd.DataFrame:
        """Invert the distribution functions, column by column, at numbers in [0, 1], shape (records, columns)."""
        codes = np.zeros(uniform.shape, dtype=np.int64)
        within = np.zeros(uniform.shape)
        context = self.network_.start(len(uniform))
        with torch.no_grad():
            for place, column in enumerate(self._order):
                block = self.encoder_.blocks_[column]
                drawn = self.network_.inverse(place, context, uniform[:, place].to(self.torch_device))
                codes[:, column], within[:, column] = (part.cpu().numpy() for part in drawn)
                # A point of a grid stands for the whole of its cell, as it does in training.
                cells = pd.Series(block.decode(codes[:, column], within[:, column]))
                parts = torch.from_numpy(block.within(cells)).to(self.torch_device)
                context = self.network_.extended(place, context, drawn[0], parts)
        return self.encoder_.decode(codes, within)

    def _rows(self, frame: pd.DataFrame) -> Tensor:
        """Return code, start and stop (see `TabularEncoder.within`) of each cell, shape (records, columns, 3)."""
        codes = self.encoder_.encode(frame)[:, :, None].astype(np.float64)
        rows = np.concatenate([codes, self.encoder_.within(frame)], axis=2)
        return torch.from_numpy(rows[:, self._order])

    def _log_units(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return what turns each record's density on the splines' axes into one in the columns' own units."""
        real = [bool(block.widths.any()) for block in self.encoder_.blocks_]
        units: npt.NDArray[np.float64] = self.encoder_.log_spread(frame)[:, real].sum(axis=1)
        return units


@dataclass(frozen=True)
class Margin:
    """What the flow knows of one column: single values, and perhaps a range.

    The range is laid out on [0, 1], each bin of the encoder on an equal part of it.

    Attributes:
        size: Number of codes: single values, bins, and perhaps one for missing cells, in this order.
        singles: Number of codes before the bins.
        bins: Number of bins; 0 where there is no range.
        real: Whether values in the range have densities, not probabilities.
    """

    size: int
    singles: int
    bins: int
    real: bool

    @classmethod
    def of(cls, block: Block) -> Margin:
        """Describe a column's block."""
        if isinstance(block, BinBlock):
            return cls(block.size, len(block.atoms), block.bins, bool(block.widths.any()))
        return cls(block.size, block.size, 0, False)

    @property
    def categories(self) -> int:
        """Number of single values, counting the whole range, and missing, as one each."""
        return self.size - max(self.bins - 1, 0)

    def category(self, codes: Tensor) -> Tensor:
        """Return the category of each code."""
        return codes - (codes - self.singles).clamp(0, self.bins - 1) if self.bins else codes

    def in_range(self, codes: Tensor) -> Tensor:
        """Return whether each code is a bin's."""
        return (codes >= self.singles) & (codes < self.singles + self.bins)

    def on_axis(self, codes: Tensor, parts: Tensor) -> Tensor:
        """Return where cells of the range start and stop on [0, 1], shape (..., 2); 0 and 1 for all other cells."""
        placed = (codes - self.singles).unsqueeze(-1).add(parts) / max(self.bins, 1)
        return torch.where(self.in_range(codes).unsqueeze(-1), placed, torch.tensor([0.0, 1.0], device=codes.device))

    def code(self, categories: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return code and place within the bin for categories and positions on [0, 1]; inverse of the above."""
        if not self.bins:
            return categories, positions
        scaled = positions * self.bins
        bins = scaled.floor().clamp(0, self.bins - 1)
        ranged = categories == self.singles
        codes = torch.where(
            ranged, self.singles + bins.long(), categories + (categories > self.singles) * (self.bins - 1)
        )
        return codes, torch.where(ranged, scaled - bins, positions).clamp(0, 1 - 1e-9)


class AutoregressiveFlow(nn.Module):
    """Conditional distribution functions of all columns, and as forward pass each row's negative log-density.

    Rows hold code, start and stop of each cell, shape (batch, columns, 3), in double precision, as do the distribution
    functions: cells can be a millionth of a range. Linear layers only, each used once per pass, for ghost clipping.

    Args:
        margins: What is known of each column, in the order in which they depend on each other.
        hidden: Width of the conditioner.
        knots: Pieces of each spline.
        dropout: Share of units left out in training.
    """

    def __init__(self, margins: list[Margin], hidden: int, knots: int, dropout: float) -> None:
        super().__init__()
        self.margins = margins
        self.hidden = hidden
        self.knots = knots
        self.readers = nn.ModuleList(nn.Linear(margin.size + 1, hidden) for margin in margins[:-1])
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, margin.categories + (3 * knots - 1 if margin.bins else 0)),
            )
            for margin in margins
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,)."""
        return -self.log_density(rows).float()

    def log_density(self, rows: Tensor) -> Tensor:
        """Return each row's log-probability, or log-density on the real columns' axes, shape (batch,)."""
        total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
        context = self.start(len(rows))
        for place, margin in enumerate(self.margins):
            codes, parts = rows[:, place, 0].long(), rows[:, place, 1:]
            logits, spline = self._conditional(place, context)
            category = margin.category(codes)
            known = -functional.cross_entropy(logits, category.clamp_min(0), reduction="none")
            total = total + torch.where(codes < 0, -math.log(margin.size), known)
            if spline is not None:
                total = total + _log_mass(spline, margin, margin.on_axis(codes, parts), margin.in_range(codes))
            context = self.extended(place, context, codes, parts)
        return total

    def noise(self, rows: Tensor) -> Tensor:
        """Return the middle of the interval of [0, 1] that the distribution functions give to each cell."""
        middles = []
        context = self.start(len(rows))
        for place, margin in enumerate(self.margins):
            codes, parts = rows[:, place, 0].long(), rows[:, place, 1:]
            logits, spline = self._conditional(place, context)
            weights = logits.softmax(dim=1)
            category = margin.category(codes).clamp_min(0).unsqueeze(1)
            below = (weights.cumsum(dim=1) - weights).gather(1, category).squeeze(1)
            positions = margin.on_axis(codes, parts)
            if spline is not None:
                positions = _distribution(spline, positions)
            middles.append(below + weights.gather(1, category).squeeze(1) * positions.mean(dim=1))
            context = self.extended(place, context, codes, parts)
        return torch.stack(middles, dim=1)

    def inverse(self, place: int, context: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cells at which a column's distribution function takes given values.

        Args:
            place: Which column.
            context: What the columns before it say, shape (batch, hidden).
            uniform: Values of the distribution function in [0, 1], shape (batch,).

        Returns:
            Codes, and places within their bins, each of shape (batch,).
        """
        logits, spline = self._conditional(place, context)
        weights = logits.softmax(dim=1)
        upto = weights.cumsum(dim=1)
        category = (upto[:, :-1] <= uniform.unsqueeze(1)).sum(dim=1)
        chosen = category.unsqueeze(1)
        weight = weights.gather(1, chosen).squeeze(1)
        left = (uniform - upto.gather(1, chosen).squeeze(1) + weight) / weight.clamp_min(1e-300)
        if spline is not None:
            left = (spline.inv(2 * left - 1) + 1) / 2
        return self.margins[place].code(category, left.clamp(0, 1))

    def start(self, rows: int) -> Tensor:
        """Return the context of the first column, which has nothing before it."""
        return torch.zeros(rows, self.hidden, device=next(self.parameters()).device)

    def extended(self, place: int, context: Tensor, codes: Tensor, parts: Tensor) -> Tensor:
        """Add what one column says to the context of the later ones."""
        if place == len(self.readers):
            return context
        margin = self.margins[place]
        seen = torch.zeros(len(codes), margin.size + 1, device=codes.device)
        seen.scatter_(1, codes.clamp_min(0).unsqueeze(1), (codes >= 0).float().unsqueeze(1))
        seen[:, -1] = torch.where(margin.in_range(codes), 2 * margin.on_axis(codes, parts).mean(dim=1) - 1, 0.0)
        added: Tensor = self.readers[place](seen)
        return context + added

    def _conditional(self, place: int, context: Tensor) -> tuple[Tensor, MonotonicRQSTransform | None]:
        """Return logits of a column's categories and the distribution function over its range, on [-1, 1]."""
        margin, parameters = self.margins[place], self.heads[place](context).double()
        if not margin.bins:
            return parameters, None
        logits, *spline = parameters.split([margin.categories, self.knots, self.knots, self.knots - 1], dim=1)
        return logits, MonotonicRQSTransform(*spline, bound=1.0)


def _distribution(spline: MonotonicRQSTransform, positions: Tensor) -> Tensor:
    """Return the distribution function at positions on [0, 1], shape (batch, 2)."""
    values: Tensor = spline(2 * positions.T - 1).T
    return (values + 1) / 2


def _log_mass(spline: MonotonicRQSTransform, margin: Margin, positions: Tensor, in_range: Tensor) -> Tensor:
    """Return how likely each cell is among those of the range: log-probability, or log-density; 0 for all others."""
    if not margin.real:
        values = _distribution(spline, positions)
        return (values[:, 1] - values[:, 0]).log()
    _, slope = spline.call_and_ladj(2 * positions[:, 0] - 1)
    return torch.where(in_range, slope - math.log(margin.bins), 0.0)
