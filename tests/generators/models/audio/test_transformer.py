from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from generators.models.attention import Past
from generators.models.audio.base import RowShape
from generators.models.audio.transformer import FrameTransformer

SHAPE = RowShape(labels=3, frames=7, width=5)


def network() -> FrameTransformer:
    torch.manual_seed(0)
    return FrameTransformer(SHAPE, width=16, layers=2, heads=2, components=3, dropout=0.0).eval()


def rows(frames: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
    present = torch.arange(SHAPE.frames) < lengths[:, None]
    return torch.cat([labels, lengths[:, None].float(), (frames * present[:, :, None]).flatten(1)], dim=1)


def test_the_likelihood_is_a_density_of_frames_and_a_distribution_of_lengths() -> None:
    """What is left without the densities of the frames, by torch's mixtures, are chances of lengths that sum to 1."""
    model = network()
    frames, labels = torch.randn(1, 7, 5), torch.eye(3)[:1]
    with torch.no_grad():
        seen = torch.cat([torch.zeros(1, 1, 5), frames], dim=1)
        _, weights, means, log_scales = model.predict(seen, labels)
        normal = Independent(Normal(means[0, :-1], log_scales[0, :-1].exp()), 1)
        density = MixtureSameFamily(Categorical(logits=weights[0, :-1]), normal).log_prob(frames[0])
        lengths = torch.arange(2, 8)
        surprise = model(rows(frames.expand(6, -1, -1), labels.expand(6, -1), lengths))
    left = -surprise - density.cumsum(0)[lengths - 1]
    torch.testing.assert_close(left.exp().sum(), torch.tensor(1.0), rtol=1e-4, atol=1e-5)


def test_no_frame_sees_the_future() -> None:
    model = network()
    frames, labels = torch.randn(1, 7, 5), torch.eye(3)[1:2]
    changed = frames.clone()
    changed[:, 4:] += 1
    with torch.no_grad():
        for one, other in zip(model.predict(frames, labels), model.predict(changed, labels), strict=True):
            torch.testing.assert_close(one[:, :4], other[:, :4])
            assert not torch.allclose(one[:, 4], other[:, 4])


def test_writing_step_by_step_is_reading_at_once() -> None:
    model = network()
    frames, labels = torch.randn(2, 7, 5), torch.eye(3)[:2]
    pasts: list[Past | None] = [None, None]
    with torch.no_grad():
        whole = model.predict(frames, labels)
        steps = [model.predict(frames[:, step : step + 1], labels, start=step, pasts=pasts) for step in range(7)]
    for place, part in enumerate(whole):
        torch.testing.assert_close(torch.cat([step[place] for step in steps], dim=1), part, rtol=1e-4, atol=1e-5)
