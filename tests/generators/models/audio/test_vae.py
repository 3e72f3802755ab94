from __future__ import annotations

import numpy as np
import pytest
import torch

from generators import InputError
from generators.models.audio import base
from generators.models.audio.vae import AudioVAE, FrameVAE
from tests.generators.models.toy import audio


def test_the_loss_is_the_density_of_frames_the_chance_of_the_length_and_the_divergence() -> None:
    """By torch's own distributions; over all lengths the chances sum to 1."""
    shape = base.RowShape(labels=2, frames=9, width=3)
    torch.manual_seed(0)
    network = FrameVAE(shape, channels=8, hidden=16, latent=4, kl_weight=1.0)
    frames, labels = torch.randn(1, 9, 3), torch.eye(2)[:1]
    chances = []
    for length in range(2, 10):
        kept = frames * (torch.arange(9) < length)[None, :, None]
        row = torch.cat([labels, torch.tensor([[float(length)]]), kept.flatten(1)], dim=1)
        with torch.no_grad():
            mean, log_variance = network.posterior(row)
            centre, log_scale, _ = network.decode(mean, labels)
            density = torch.distributions.Normal(centre, log_scale.exp()).log_prob(frames)[0, :length].sum()
            posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
            divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum()
            left = -network.loss(row, torch.zeros(1, 4)) - density + divergence
            _, _, end = network.decode(mean, labels)
        hazard = end[0].sigmoid()
        stays = (1 - hazard[1 : length - 1]).prod()
        chance = stays * (hazard[length - 1] if length < 9 else 1.0)
        torch.testing.assert_close(left.exp().squeeze(), chance, rtol=1e-3, atol=1e-6)
        chances.append(chance.item())
    assert all(0 < chance < 1 for chance in chances)


def test_latent_points_come_back_as_recordings_with_their_labels() -> None:
    train = audio().train.head(12)
    model = AudioVAE(epochs=1, seconds=0.4, channels=8, hidden=16, latent=3).fit(audio(), progress=False)
    points = model.encode(train)
    assert points.shape == (12, 3 + 3)
    back = model.decode(points, seed=2)
    assert back["digit"].tolist() == train["digit"].tolist()
    with pytest.raises(InputError, match=r"latents have shape \(4, 3\), expected \(records, 6\)"):
        model.decode(np.zeros((4, 3)))
