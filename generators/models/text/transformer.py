"""A decoder-only transformer for texts (GPT: Radford et al. 2018; rotary positions: Su et al. 2021)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from generators.models.attention import CausalBlock, shared_by_heads, shrink_residuals
from generators.models.parameters import PositiveInt
from generators.models.text.language import TextGenerator
from generators.models.text.network import LanguageModel, State


class TextTransformer(TextGenerator):
    """Makes texts with a small GPT, which looks back at up to `context` tokens.

    A text longer than that is read in windows: when one is full, its second half becomes the first half of the next. So
    every token is predicted from at least half of `context` tokens, when scoring as when sampling.

    Under a budget it trains by DP-SGD, a record cut after `context` tokens being the unit.

    Attributes:
        width: Width of the residual stream.
        layers: Number of blocks.
        heads: Attention heads a block; `width` is a multiple of twice as many.

    Example:
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> from generators import Column, Dataset
        >>> column = Column("text", "text")
        >>> frame = payload_frame(column, ["to be", "or not", "that is"] * 20)
        >>> data = Dataset("hamlet", payload_schema(column), {"records": frame}, modality="text").split()
        >>> model = TextTransformer(epochs=1, width=8, layers=1, heads=2, context=16).fit(data, progress=False)
        >>> len(model.sample(2))
        2
    """

    kind: ClassVar[str] = "text-transformer"

    width: PositiveInt = 128
    layers: PositiveInt = 4
    heads: PositiveInt = 4

    def __post_init__(self) -> None:
        """Check what concerns two hyper-parameters at once."""
        shared_by_heads(self.width, self.heads)

    def _build(self) -> GPT:
        return GPT(self.inputs, self.texts_.size, self.context, self.width, self.layers, self.heads, self.dropout)


class GPT(LanguageModel):
    """Embedding, blocks of attention and feed-forward, logits.

    Linear, Embedding and LayerNorm layers only, each used once per pass: what ghost clipping needs. Positions enter by
    rotation, without parameters.

    Args:
        inputs: Number of tokens that can be read.
        vocabulary: Number of tokens that are predicted, the first ones.
        context: Tokens that attention looks back at.
        width: Width of the residual stream.
        layers: Number of blocks.
        heads: Attention heads a block.
        dropout: Share of activations set to zero.
    """

    def __init__(
        self, inputs: int, vocabulary: int, context: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__(vocabulary)
        self.context = context
        self.embedding = nn.Embedding(inputs, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(CausalBlock(width, heads, dropout, rotary=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.1)
        shrink_residuals(self.blocks)

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits after each token of a row of at most `context`."""
        return self._read(tokens, [])[0]

    def advance(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read on; the state is the window's tokens, then keys and values of each block in turn."""
        window = tokens[:, :0] if state is None else state[0]
        past = [] if state is None else state[1:]
        found = []
        while tokens.shape[1]:
            if window.shape[1] == self.context:
                window = window[:, -(self.context // 2) :]
                past = self._read(window, [])[1]
            room = self.context - window.shape[1]
            piece, tokens = tokens[:, :room], tokens[:, room:]
            logits, past = self._read(piece, past)
            window = torch.cat([window, piece], dim=1)
            found.append(logits)
        return torch.cat(found, dim=1), [window, *past]

    def _read(self, tokens: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return logits, and keys and values of each block for the past and these tokens."""
        hidden = self.dropout(self.embedding(tokens))
        kept: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            hidden, memory = block(hidden, tuple(past[2 * number : 2 * number + 2]) or None)
            kept += memory
        return self.head(self.norm(hidden)), kept
