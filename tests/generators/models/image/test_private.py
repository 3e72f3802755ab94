"""What clipping makes of the networks of the image families that train under a budget."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from generators import PrivatePlan
from generators.encoding.images import split_rows
from generators.models.image.diffusion import Denoiser
from generators.models.image.vae import ConditionalVAE
from generators.training import WithCanaries, train_privately

SHAPE = (9, 10, 1)
LABELS = 3


class Autoencoding(nn.Module):
    """The VAE's loss with noise that follows from the row, so that it can be computed again row by row."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.network = ConditionalVAE(SHAPE, LABELS, hidden=8, latent=4, kl_weight=1.0)
        self.scale = scale

    def forward(self, rows: Tensor) -> Tensor:
        return self.scale * self.network.loss(rows, (50 * rows[:, :4]).sin())


class Denoising(nn.Module):
    """The diffusion's loss with time and noise that follow from the row."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.network = Denoiser(SHAPE, LABELS, channels=8, blocks=1)
        self.scale = scale

    def forward(self, rows: Tensor) -> Tensor:
        images, labels = split_rows(rows, SHAPE)
        return self.scale * self.network.loss(images, labels, rows[:, 0].abs(), (50 * images).sin())


Objective = type[Autoencoding] | type[Denoising]
BOTH = pytest.mark.parametrize("objective", [Autoencoding, Denoising])


def rows_of(count: int) -> Tensor:
    images = torch.rand(count, SHAPE[0] * SHAPE[1], generator=torch.Generator().manual_seed(1)) * 2 - 1
    return torch.cat([images, torch.eye(LABELS)[torch.arange(count) % LABELS]], dim=1)


def released(objective: nn.Module, rows: Tensor, clip: float) -> Tensor:
    """Return the mean gradient that one private step without noise releases."""
    seen: list[Tensor] = []
    train_privately(
        objective,
        rows,
        PrivatePlan(len(rows), 1.0, 1, 0.0, clip, epsilon=1.0, delta=1e-5),
        learning_rate=1e-9,
        test_seed=0,
        observe=lambda _: seen.append(torch.cat([p.grad.flatten().clone() for p in objective.parameters()])),  # type: ignore[union-attr]
        progress=False,
    )
    return seen[0]


@BOTH
@pytest.mark.parametrize("count", [1, 8])  # 8: as many rows as channels and hidden units, where axes could be mixed up
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_clipping_equals_the_textbook(objective: Objective, count: int, scale: float) -> None:
    torch.manual_seed(0)
    loss, rows = objective(scale), rows_of(count)
    expected = torch.zeros(sum(p.numel() for p in loss.parameters()))
    for row in rows:
        own = torch.autograd.grad(loss(row[None]).sum(), list(loss.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in own])
        expected += flat * min(1.0, 0.5 / (flat.norm().item() + 1e-6))
    torch.testing.assert_close(released(loss, rows, clip=0.5), expected / count, rtol=2e-3, atol=1e-5)


@BOTH
def test_a_canary_is_one_more_record(objective: Objective) -> None:
    torch.manual_seed(0)
    audited = WithCanaries(objective(1.0), count=2, scale=1e4)
    gradient = released(audited, audited.rows(rows_of(4)), clip=1.0)
    torch.testing.assert_close(gradient[-2:].abs(), torch.full((2,), 1 / 6), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "network", [ConditionalVAE(SHAPE, LABELS, 8, 4, 1.0), Denoiser(SHAPE, LABELS, 8, 1)], ids=["vae", "diffusion"]
)
def test_a_rows_loss_is_its_own(network: nn.Module) -> None:
    """Another row in the batch changes no gradient of this row's loss."""
    rows = rows_of(5).requires_grad_()
    (slope,) = torch.autograd.grad(network(rows)[2], rows)
    assert slope[2].abs().sum() > 0
    assert slope[[0, 1, 3, 4]].abs().sum() == 0
