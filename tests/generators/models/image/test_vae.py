from __future__ import annotations

import numpy as np
import pytest
import torch

from generators import Dataset, InputError
from generators.encoding.images import split_rows, to_tensor
from generators.models.image.vae import ImageVAE
from tests.generators.models.toy import image


@pytest.fixture(scope="module")
def data() -> Dataset:
    return image()


@pytest.fixture(scope="module")
def model(data: Dataset) -> ImageVAE:
    return ImageVAE(epochs=120, hidden=32, latent=4, ema=0.9, learning_rate=5e-3, batch_size=32).fit(
        data, progress=False
    )


def test_images_show_their_labels(model: ImageVAE) -> None:
    """A bar stands where its digit says."""
    for digit in (0, 1, 2):
        drawn = model.sample(20, seed=1, conditions={"digit": str(digit)})
        columns = to_tensor(drawn["image"], (16, 16, 1)).mean(dim=(0, 1, 2))
        assert columns.argmax().item() in range(4 * digit + 2, 4 * digit + 5)


def test_decoding_a_code_gives_the_image_back(model: ImageVAE, data: Dataset) -> None:
    records = data.holdout.head(12)
    latents = model.encode(records)
    assert latents.shape == (12, 4 + 3)
    again = model.decode(latents)
    assert again["digit"].tolist() == records["digit"].tolist()
    real, rebuilt = (to_tensor(frame["image"], (16, 16, 1)) for frame in (records, again))
    assert (real - rebuilt).abs().mean() < 0.2
    with pytest.raises(InputError, match=r"expected \(records, 7\)"):
        model.decode(latents[:, :4])


def test_the_elbo_is_averaged_over_the_same_noise_for_all(model: ImageVAE, data: Dataset) -> None:
    records = data.holdout.head(6)
    losses = model.record_loss(records, draws=3, seed=5)
    noise = torch.randn(3, 4, generator=torch.Generator().manual_seed(5))
    row = model.encoder_.encode(records.iloc[[2]])
    with torch.no_grad():
        own = torch.stack([model.network_.loss(row, one[None]) for one in noise]).mean()
    assert losses[2] == pytest.approx(own.item(), rel=1e-5)
    assert not np.array_equal(losses, model.record_loss(records, draws=3, seed=6))


def test_the_loss_is_the_textbook_elbo(model: ImageVAE, data: Dataset) -> None:
    row, noise = model.encoder_.encode(data.holdout.head(1)), torch.randn(1, 4)
    images, labels = split_rows(row, (16, 16, 1))
    with torch.no_grad():
        mean, log_variance = model.network_.posterior(images, labels)
        deviation = (log_variance / 2).exp()
        white = model.network_.decode(mean + deviation * noise, labels).sigmoid().double().clamp(1e-12, 1 - 1e-12)
        grey = (images.double() + 1) / 2
        surprise = -(grey * white.log() + (1 - grey) * (1 - white).log()).sum()
        posterior, prior = torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
        divergence = torch.distributions.kl_divergence(posterior, prior).sum()
        assert model.network_.loss(row, noise).item() == pytest.approx((surprise + divergence).item(), rel=1e-4)


def test_gradients_reach_images_and_latents(model: ImageVAE, data: Dataset) -> None:
    images, labels = split_rows(model.encoder_.encode(data.holdout.head(2)), (16, 16, 1))
    images.requires_grad_()
    mean, _ = model.network_.posterior(images, labels)
    (slope,) = torch.autograd.grad(model.network_.image(mean, labels).sum(), images)
    assert slope.abs().sum() > 0
