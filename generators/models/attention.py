"""Causal attention: the block of which the transformers over columns, tokens and frames are built.

Linear and LayerNorm layers only, each used once per pass: what clipping gradients record by record needs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from generators.errors import InputError

Past = tuple[Tensor, Tensor]
"""Keys and values of the positions read so far, each of shape (batch, heads, positions, width / heads)."""


class CausalBlock(nn.Module):
    """Attention to what came before, then two linear layers, each normalised before and added to its input.

    Args:
        width: Width of the residual stream; a multiple of twice the heads.
        heads: Attention heads.
        dropout: Share of numbers zeroed in training at the end of each half.
        rotary: Whether positions enter here, as rotations of queries and keys (Su et al. 2021); else what comes in
            must tell them.
    """

    def __init__(self, width: int, heads: int, dropout: float, *, rotary: bool = False) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.norm = nn.LayerNorm(width)
        self.projected = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed = FeedForward(width, dropout)

    def forward(self, hidden: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Return new hidden states, shape (batch, positions, width), and keys and values, those of the past first.

        Args:
            hidden: Shape (batch, positions, width).
            past: Of the positions before; None for none.
        """
        queries, keys, values = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.projected(self.norm(hidden)).chunk(3, dim=2)
        )
        before = 0 if past is None else past[0].shape[2]
        if self.rotary:
            queries, keys = rotated(queries, before), rotated(keys, before)
        if past is not None:
            keys, values = torch.cat([past[0], keys], dim=2), torch.cat([past[1], values], dim=2)
        new, seen = queries.shape[2], keys.shape[2]
        if before and new > 1:
            mask = torch.ones(new, seen, dtype=torch.bool, device=hidden.device).tril(before)
            found = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        else:
            found = functional.scaled_dot_product_attention(queries, keys, values, is_causal=new > 1)
        hidden = hidden + self.dropout(self.mixed(found.transpose(1, 2).flatten(2)))
        return hidden + self.feed(hidden), (keys, values)


class FeedForward(nn.Sequential):
    """The second half of a transformer block: two linear layers on every position alone."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )


def rotated(vectors: Tensor, first: int) -> Tensor:
    """Turn pairs of coordinates by angles that grow with the position, so that products depend on distances alone.

    Args:
        vectors: Queries or keys, shape (batch, heads, positions, even).
        first: Position of the first.
    """
    half = vectors.shape[3] // 2
    rates = 10_000.0 ** (-torch.arange(half, device=vectors.device) / half)
    angles = torch.arange(first, first + vectors.shape[2], device=vectors.device)[:, None] * rates
    one, other = vectors.chunk(2, dim=3)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([one * cosine - other * sine, one * sine + other * cosine], dim=3)


def shrink_residuals(blocks: nn.ModuleList) -> None:
    """Scale down the layers that write to the residual stream, so that it starts near the embedding (as in GPT-2).

    Args:
        blocks: Blocks whose writing layers are called `mixed` and `feed.3`.
    """
    scale = (2 * len(blocks)) ** -0.5
    with torch.no_grad():
        for block in blocks:
            for name in ("mixed", "feed.3"):
                block.get_parameter(f"{name}.weight").mul_(scale)


def shared_by_heads(width: int, heads: int) -> None:
    """Raise `InputError` unless each head gets an even share of the width (positions are told by pairs of numbers)."""
    if width % (2 * heads):
        raise InputError(f"width is {width}, expected a multiple of twice the heads, {2 * heads}")
