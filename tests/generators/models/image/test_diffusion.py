from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generators import Dataset
from generators.encoding.images import split_rows, to_tensor
from generators.models.image.diffusion import Denoiser, ImageDiffusion
from generators.models.image.unet import UNet
from tests.generators.models.toy import image


@pytest.fixture(scope="module")
def data() -> Dataset:
    return image()


@pytest.fixture(scope="module")
def model(data: Dataset) -> ImageDiffusion:
    return ImageDiffusion(epochs=100, channels=8, batch_size=32, learning_rate=5e-3, ema=0.9, sampling_steps=8).fit(
        data, progress=False
    )


class Oracle(nn.Module):
    """Knows the velocity if all images are the same one."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.image = image

    def forward(self, noisy: Tensor, times: Tensor, labels: Tensor) -> Tensor:
        del labels
        angle = (times * math.pi / 2)[:, None, None, None]
        noise = (noisy - angle.cos() * self.image) / angle.sin()
        return angle.cos() * noise - angle.sin() * self.image


def test_ddim_finds_the_image_that_a_perfect_network_knows() -> None:
    denoiser = Denoiser((4, 4, 1), 0, channels=4, blocks=1)
    truth = torch.rand(1, 4, 4) * 2 - 1
    denoiser.unet = Oracle(truth)  # type: ignore[assignment]
    for steps in (1, 3, 20):
        drawn = denoiser.sample(torch.randn(5, 1, 4, 4), torch.zeros(5, 0), steps)
        torch.testing.assert_close(drawn, truth.expand(5, -1, -1, -1), rtol=0, atol=1e-4)


def test_a_perfect_network_loses_nothing() -> None:
    denoiser = Denoiser((4, 4, 1), 0, channels=4, blocks=1)
    truth = torch.rand(1, 4, 4) * 2 - 1
    denoiser.unet = Oracle(truth)  # type: ignore[assignment]
    images, times = truth.expand(6, -1, -1, -1), torch.linspace(0.1, 0.9, 6)
    losses = denoiser.loss(images, torch.zeros(6, 0), times, torch.randn(6, 1, 4, 4))
    torch.testing.assert_close(losses, torch.zeros(6), rtol=0, atol=1e-6)


def test_images_show_their_labels(model: ImageDiffusion) -> None:
    """A bar stands where its digit says."""
    for digit in (0, 1, 2):
        drawn = model.sample(20, seed=1, conditions={"digit": str(digit)})
        columns = to_tensor(drawn["image"], (16, 16, 1)).mean(dim=(0, 1, 2))
        assert columns.argmax().item() in range(4 * digit + 2, 4 * digit + 5)


def test_record_loss_uses_fixed_times_and_noise(model: ImageDiffusion, data: Dataset) -> None:
    records = data.holdout.head(5)
    losses = model.record_loss(records, times=4, seed=3)
    noise = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    images, labels = split_rows(model.encoder_.encode(records.iloc[[1]]), (16, 16, 1))
    with torch.no_grad():
        own = [
            model.network_.loss(images, labels, torch.tensor([(moment + 0.5) / 4]), noise[[moment]]).item()
            for moment in range(4)
        ]
    assert losses[1] == pytest.approx(np.mean(own), rel=1e-4)


def test_more_steps_are_another_walk_from_the_same_noise(model: ImageDiffusion) -> None:
    few = model.sample(4, seed=1)
    model.sampling_steps = 9
    try:
        assert not np.array_equal(few["image"][0], model.sample(4, seed=1)["image"][0])
    finally:
        model.sampling_steps = 8


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 33)])
def test_the_network_keeps_any_size(size: tuple[int, int]) -> None:
    net = UNet((*size, 2), labels=3, channels=4, blocks=1)
    images = torch.randn(2, 2, *size)
    assert net(images, torch.rand(2), torch.eye(3)[:2]).shape == images.shape


def test_gradients_reach_the_noise(model: ImageDiffusion) -> None:
    noise = torch.randn(1, 1, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(model.network_.sample(noise, torch.eye(3)[:1], 2).sum(), noise)
    assert slope.abs().sum() > 0
