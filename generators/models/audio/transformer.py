"""A transformer that writes recordings frame by frame (Vaswani et al. 2017; mixture outputs: Bishop 1994)."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.models.attention import CausalBlock, Past, shared_by_heads
from generators.models.audio.base import RARE, AudioGenerator, RowShape
from generators.models.layers import waves
from generators.models.parameters import NonNegativeFloat, PositiveInt, Share


class AudioTransformer(AudioGenerator):
    """Makes recordings with a causal transformer over log-mel frames that is told the labels.

    Given the frames so far it says how likely the recording is over, and else which frame comes next: a mixture of
    normal distributions, independent over coefficients within a component.

    Attributes:
        width: Of the transformer; a multiple of `2 * heads`.
        layers: Of attention and feed-forward.
        heads: Of attention.
        components: Of the mixture.
        dropout: Share of numbers zeroed while training.

    Example:
        >>> from generators import Column, Dataset
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> column = Column("audio", "audio", rate=8000)
        >>> cells = [np.sin(np.arange(length) * 0.3).astype(np.float32) for length in range(2000, 2600, 20)]
        >>> data = Dataset("tones", payload_schema(column), {"train": payload_frame(column, cells)}, modality="audio")
        >>> model = AudioTransformer(epochs=1, seconds=0.5).fit(data, progress=False)
        >>> model.sample(1)["audio"][0].dtype
        dtype('float32')
    """

    kind: ClassVar[str] = "audio-transformer"

    width: PositiveInt = 96
    layers: PositiveInt = 3
    heads: PositiveInt = 4
    components: PositiveInt = 4
    dropout: Share = 0.1
    weight_decay: NonNegativeFloat = 0.01

    def __post_init__(self) -> None:
        """Check what concerns two hyper-parameters at once."""
        shared_by_heads(self.width, self.heads)

    def log_likelihood(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the log-density of each record's frames and of their number, given its labels, in nats.

        It is exact for the frames, in the units of `MelCepstrum` and before any `temperature`; of a waveform it says
        nothing about phases, nor about what lies beyond `seconds`. A label that the model does not know counts as none.

        Returns:
            Shape (records,).
        """
        return self._measured(frame, lambda rows: -self.network_(rows))

    def record_loss(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return each record's negative log-likelihood in nats, shape (records,); see `log_likelihood`."""
        return -self.log_likelihood(frame)

    def _build(self) -> FrameTransformer:
        return FrameTransformer(self.row_shape, self.width, self.layers, self.heads, self.components, self.dropout)

    def _frames(self, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        network: FrameTransformer = self.network_
        most, size = self.row_shape.frames, len(labels)
        pasts: list[Past | None] = [None] * len(network.blocks)
        frame = torch.zeros(size, self.row_shape.width)
        lengths = torch.full((size,), most)
        drawn: list[Tensor] = []
        for step in range(most):
            seen = frame.to(labels.device).unsqueeze(1)
            parts = network.predict(seen, labels, start=step, pasts=pasts)
            end, weights, means, log_scales = (part.squeeze(1).cpu() for part in parts)
            over = torch.rand(size, generator=generator) < end.sigmoid()
            if step >= 2:  # no recording has fewer frames
                lengths = torch.where(over, lengths.clamp_max(step), lengths)
            if bool((lengths <= step).all()):
                break
            chosen = torch.multinomial(weights.softmax(dim=1), 1, generator=generator).squeeze(1)
            rows = torch.arange(size)
            spread = self.temperature * log_scales[rows, chosen].exp()
            frame = means[rows, chosen] + spread * torch.randn(frame.shape, generator=generator)
            drawn.append(frame)
        return torch.stack(drawn, dim=1), lengths


class FrameTransformer(nn.Module):
    """The network, and as forward pass the negative log-likelihood of each row.

    Args:
        shape: Of the rows.
        width: Of the transformer.
        layers: Of attention and feed-forward.
        heads: Of attention.
        components: Of the mixture.
        dropout: Share of numbers zeroed while training.
    """

    pitches: Tensor

    def __init__(self, shape: RowShape, width: int, layers: int, heads: int, components: int, dropout: float) -> None:
        super().__init__()
        self.shape, self.components = shape, components
        half = width // 2
        self.register_buffer("pitches", torch.exp(-math.log(1000) * torch.arange(half) / half), persistent=False)
        self.read = nn.Linear(shape.width, width)
        self.told = nn.Linear(shape.labels + 1, width, bias=False)
        self.blocks = nn.ModuleList(CausalBlock(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1 + components * (1 + 2 * shape.width))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the negative log-likelihood of each row's frames and their number, shape (batch,)."""
        labels, lengths, frames = self.shape.split(rows)
        # Padding can only be cut to the longest of the batch: attention is causal, so that no row notices.
        frames = frames[:, : int(lengths.max())]
        seen = functional.pad(frames, (0, 0, 1, 0))
        end, weights, means, log_scales = self.predict(seen, labels)
        time = torch.arange(seen.shape[1], device=rows.device)
        error = (frames.unsqueeze(2) - means[:, :-1]) / log_scales[:, :-1].exp()
        density = -(0.5 * error.square() + log_scales[:, :-1] + 0.5 * math.log(2 * math.pi)).sum(dim=3)
        mixed = torch.logsumexp(density + weights[:, :-1].log_softmax(dim=2), dim=2)
        surprise = -(mixed * (time[:-1] < lengths)).sum(dim=1)
        # Asked after each frame but the first, which is never alone, and the last possible, which needs no question.
        asked = (time >= 2) & (time <= lengths) & (time < self.shape.frames)
        over = functional.binary_cross_entropy_with_logits(end, (time == lengths).float(), reduction="none")
        return surprise + (over * asked).sum(dim=1)

    def predict(
        self, seen: Tensor, labels: Tensor, *, start: int = 0, pasts: list[Past | None] | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what follows each frame.

        Args:
            seen: Frames, shape (batch, steps, coefficients); before the first stands one of zeros.
            labels: One-hot, shape (batch, labels).
            start: Step number of the first.
            pasts: What each block read before `start`, None for nothing; these steps are added. With them,
                `seen` is one step.

        Returns:
            The logit that the recording is over, shape (batch, steps); logits of the mixture, (batch, steps,
            components); means and log-scales, each (batch, steps, components, coefficients).
        """
        batch, steps, _ = seen.shape
        time = torch.arange(start, start + steps, device=seen.device)
        first = (time == 0).float().view(1, -1, 1).expand(batch, -1, 1)
        told = torch.cat([labels.unsqueeze(1).expand(-1, steps, -1), first], dim=2)
        # Each label as loud as the frame beside it.
        x = self.read(seen) + self.told(told * math.sqrt(told.shape[2])) + waves(time, self.pitches)
        for number, block in enumerate(self.blocks):
            x, past = block(x, None if pasts is None else pasts[number])
            if pasts is not None:
                pasts[number] = past
        end, weights, shapes = self.head(self.norm(x)).split(
            [1, self.components, 2 * self.components * self.shape.width], dim=2
        )
        steps_on, log_scales = shapes.unflatten(2, (2, self.components, self.shape.width)).unbind(dim=2)
        # Sound changes slowly: what is learnt is how a frame differs from the one before.
        return end.squeeze(2) - RARE, weights, seen.unsqueeze(2) + steps_on, log_scales.clamp(-3, 3)
