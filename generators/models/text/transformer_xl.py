"""Transformer-XL for texts: a transformer that remembers the segment before (Dai et al. 2019)."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.models.attention import FeedForward, shared_by_heads, shrink_residuals
from generators.models.layers import waves
from generators.models.parameters import PositiveInt
from generators.models.text.language import TextGenerator
from generators.models.text.network import LanguageModel, State


class TextTransformerXL(TextGenerator):
    """Makes texts with a Transformer-XL: segments of tokens, each of which also attends to the one before.

    What a block saw of the segment before is its memory, so that with every block information comes from one segment
    further back. A training row is a run of consecutive segments; no gradient flows into a memory, and none is carried
    from one row to the next. When scoring and sampling, memory is carried on for as long as a text lasts.

    Attributes:
        context: Tokens of a segment, and of the memory.
        segments: Consecutive segments of a training row, the first of which has no memory.
        width: Width of the residual stream.
        layers: Number of blocks.
        heads: Attention heads a block; `width` is a multiple of twice as many.

    Example:
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> from generators import Column, Dataset
        >>> column = Column("text", "text")
        >>> frame = payload_frame(column, ["to be", "or not", "that is"] * 20)
        >>> data = Dataset("hamlet", payload_schema(column), {"records": frame}, modality="text").split()
        >>> model = TextTransformerXL(epochs=1, width=8, layers=1, heads=2, context=8).fit(data, progress=False)
        >>> len(model.sample(2))
        2
    """

    kind: ClassVar[str] = "text-transformer-xl"

    batch_size: PositiveInt = 8
    context: PositiveInt = 64
    segments: PositiveInt = 4
    width: PositiveInt = 128
    layers: PositiveInt = 4
    heads: PositiveInt = 4

    def __post_init__(self) -> None:
        """Check what concerns two hyper-parameters at once."""
        shared_by_heads(self.width, self.heads)

    @property
    def row_length(self) -> int:
        """Tokens that a training row predicts."""
        return self.segments * self.context

    def _build(self) -> TransformerXL:
        return TransformerXL(
            self.inputs, self.texts_.size, self.context, self.width, self.layers, self.heads, self.dropout
        )


class TransformerXL(LanguageModel):
    """Embedding, blocks of relative attention and feed-forward, logits.

    Args:
        inputs: Number of tokens that can be read.
        vocabulary: Number of tokens that are predicted, the first ones.
        segment: Tokens of a segment, and of the memory.
        width: Width of the residual stream.
        layers: Number of blocks.
        heads: Attention heads a block.
        dropout: Share of activations set to zero.
    """

    def __init__(
        self, inputs: int, vocabulary: int, segment: int, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__(vocabulary)
        self.segment = segment
        self.embedding = nn.Embedding(inputs, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([RelativeBlock(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.1)
        shrink_residuals(self.blocks)

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits after each token of a row, read in segments; the first has no memory.

        All segments go through a block at once: what one remembers of the one before is the input of the same block.
        """
        length = tokens.shape[1]
        padded = functional.pad(tokens, (0, -length % self.segment))
        hidden = self.dropout(self.embedding(padded.view(len(tokens), -1, self.segment)))
        segments = hidden.shape[1]
        allowed = torch.ones(self.segment, 2 * self.segment, dtype=torch.bool, device=tokens.device).tril(self.segment)
        masks = allowed.repeat(segments, 1, 1)
        masks[0, :, : self.segment] = False
        masks = masks.repeat(len(tokens), 1, 1)
        for block in self._blocks():
            inputs = block.norm(hidden)
            memory = functional.pad(inputs[:, :-1].detach(), (0, 0, 0, 0, 1, 0))
            keys, values = block.keys_and_values(torch.cat([memory, inputs], dim=2).flatten(0, 1))
            hidden = block(hidden.flatten(0, 1), inputs.flatten(0, 1), keys, values, masks).view(inputs.shape)
        logits: Tensor = self.head(self.norm(hidden.flatten(1, 2)))
        return logits[:, :length]

    def advance(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read on; the state is the tokens of the segment so far, then keys and values of each block in turn."""
        begun = tokens[:, :0] if state is None else state[0]
        past = [] if state is None else state[1:]
        found = []
        while tokens.shape[1]:
            if begun.shape[1] == self.segment:
                begun, past = begun[:, :0], [one[:, :, -self.segment :] for one in past]
            room = self.segment - begun.shape[1]
            piece, tokens = tokens[:, :room], tokens[:, room:]
            logits, past = self._read(piece, past)
            begun = torch.cat([begun, piece], dim=1)
            found.append(logits)
        return torch.cat(found, dim=1), [begun, *past]

    def _read(self, tokens: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return logits, and keys and values of each block for the past and these tokens."""
        hidden = self.dropout(self.embedding(tokens))
        before = past[0].shape[2] if past else 0
        mask = torch.ones(1, tokens.shape[1], before + tokens.shape[1], dtype=torch.bool, device=tokens.device)
        kept: list[Tensor] = []
        for number, block in enumerate(self._blocks()):
            inputs = block.norm(hidden)
            keys, values = block.keys_and_values(inputs)
            if past:
                keys = torch.cat([past[2 * number], keys], dim=2)
                values = torch.cat([past[2 * number + 1], values], dim=2)
            hidden = block(hidden, inputs, keys, values, mask.tril(before))
            kept += [keys, values]
        return self.head(self.norm(hidden)), kept

    def _blocks(self) -> list[RelativeBlock]:
        return cast("list[RelativeBlock]", list(self.blocks))


class RelativeBlock(nn.Module):
    """Attention by content and by distance, then two linear layers, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.distance = nn.Linear(width, width, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, 1, width // heads))
        self.distance_bias = nn.Parameter(torch.zeros(heads, 1, width // heads))
        self.mixed = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed = FeedForward(width, dropout)

    def keys_and_values(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, each of shape (batch, heads, tokens, width / heads)."""
        keys, values = (self._by_head(part) for part in self.key_value(inputs).chunk(2, dim=2))
        return keys, values

    def forward(self, hidden: Tensor, inputs: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Return the new hidden states, shape (batch, tokens, width).

        Args:
            hidden: Shape (batch, tokens, width).
            inputs: The same, normalised.
            keys: Those of the memory and of these tokens, shape (batch, heads, seen, width / heads).
            values: Likewise.
            mask: Who may look at what, shape (batch or 1, tokens, seen).
        """
        queries = self._by_head(self.query(inputs))
        distances = self._by_head(self.distance(sinusoids(keys.shape[2], hidden.shape[2], hidden.device))[None])[0]
        content = (queries + self.content_bias) @ keys.transpose(2, 3)
        position = shifted((queries + self.distance_bias) @ distances.transpose(1, 2))
        scores = (content + position) * queries.shape[3] ** -0.5
        found = scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=3) @ values
        hidden = hidden + self.dropout(self.mixed(found.transpose(1, 2).flatten(2)))
        fed: Tensor = self.feed(hidden)
        return hidden + fed

    def _by_head(self, vectors: Tensor) -> Tensor:
        return vectors.view(*vectors.shape[:2], self.heads, -1).transpose(1, 2)


def sinusoids(seen: int, width: int, device: torch.device) -> Tensor:
    """Return what stands for the distances seen - 1 down to 0, shape (seen, width)."""
    rates = 10_000.0 ** (-torch.arange(width // 2, device=device) / (width // 2))
    return waves(torch.arange(seen - 1, -1, -1, device=device), rates)


def shifted(scores: Tensor) -> Tensor:
    """Move scores by distance to where they belong.

    Args:
        scores: Shape (..., tokens, seen): of each token for the distances seen - 1 down to 0. The last token is the
            last one seen, the others stand before it.

    Returns:
        Same shape: of each token for each one seen, first to last. What lies after a token has no meaning.
    """
    tokens, seen = scores.shape[-2:]
    # A column more makes rows longer by one; read with the old length again, each row starts one further left.
    padded = functional.pad(scores, (1, 0)).reshape(*scores.shape[:-2], seen + 1, tokens)
    return padded[..., 1:, :].reshape(scores.shape)
