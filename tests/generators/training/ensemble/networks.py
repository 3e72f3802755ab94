"""Small networks of every stackable kind, with rows to train them on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from generators.models.tabular.diffusion import Denoiser
from generators.models.tabular.transformer import ColumnTransformer
from generators.models.tabular.vae import VAE
from generators.models.text.transformer import GPT
from generators.training.randomness import seeded

SIZES = (3, 5, 2)


def codes(rows: int, seed: int = 0) -> Tensor:
    """Return codes of three columns, some unknown."""
    generator = torch.Generator().manual_seed(seed)
    columns = [torch.randint(-1, size, (rows,), generator=generator) for size in SIZES]
    return torch.stack(columns, dim=1)


def codes_and_scores(rows: int, seed: int = 0) -> Tensor:
    """Return codes and two scores side by side."""
    scores = torch.randn(rows, 2, generator=torch.Generator().manual_seed(seed))
    return torch.cat([codes(rows, seed).float(), scores], dim=1)


def tokens(rows: int, seed: int = 0) -> Tensor:
    """Return rows of nine tokens."""
    return torch.randint(0, 7, (rows, 9), generator=torch.Generator().manual_seed(seed))


KINDS: dict[str, tuple[Callable[[], nn.Module], Callable[..., Tensor]]] = {
    "vae": (lambda: VAE(SIZES, 16, 4, 0.5), codes),
    "denoiser": (lambda: Denoiser(SIZES, 2, 16, 2, 1), codes_and_scores),
    "columns": (lambda: ColumnTransformer(SIZES, 16, 1, 2, 0.1), lambda rows, seed=0: codes(rows, seed).clamp_min(0)),
    "language": (lambda: GPT(7, 7, 8, 16, 1, 2, 0.1), tokens),
}
"""How to build a network, and rows for it, by name."""


def built(kind: str, seed: int) -> tuple[nn.Module, torch.Generator]:
    """Return a network with weights from a seed, and torch's generator as it then is."""
    with seeded(seed, "cpu"):
        network = KINDS[kind][0]()
        stream = torch.Generator()
        stream.set_state(torch.get_rng_state())
    return network, stream
