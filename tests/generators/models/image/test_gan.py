from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from generators import Dataset
from generators.encoding.images import split_rows
from generators.models.image.gan import Adversaries, ImageGAN, collapse_notes
from generators.models.image.layers import moved
from generators.models.image.variety import Variety
from tests.generators.models.toy import image


@pytest.fixture(scope="module")
def data() -> Dataset:
    return image()


@pytest.fixture(scope="module")
def model(data: Dataset) -> ImageGAN:
    return ImageGAN(epochs=20, channels=8, batch_size=32, ema=0.9).fit(data, progress=False)


def test_the_discriminator_knows_real_from_nonsense(model: ImageGAN, data: Dataset) -> None:
    records = data.holdout.copy()
    scores = model.discriminate(records)
    rng = np.random.default_rng(0)
    noise = [rng.permutation(cell.reshape(-1)).reshape(cell.shape) for cell in records["image"]]
    records["image"] = [*noise]
    assert scores.mean() > model.discriminate(records).mean()


def test_history_tells_of_both_and_of_variety(model: ImageGAN) -> None:
    assert set(model.history_.losses) == {"discriminator", "generator"}
    assert set(model.history_.watched[-1][1]) == {"variety", "least variety", "coverage"}


def test_the_losses_are_the_textbook_ones() -> None:
    """Without penalty and moves: non-saturating logistic losses; half of what is wrong is a real image's other name."""
    torch.manual_seed(0)
    both = Adversaries((16, 16, 1), 3, channels=8, latent=4, penalty=0.0, shift=0.0)
    images, labels = torch.rand(6, 1, 16, 16) * 2 - 1, torch.eye(3)[[0, 0, 1, 2, 2, 1]]
    rows = torch.cat([images.flatten(1), labels], dim=1)
    torch.manual_seed(1)
    drawn = both.draw(labels)
    torch.manual_seed(1)
    loss = both.discriminator_loss(rows)
    real, fake = both.discriminator(images, labels), both.discriminator(drawn, labels)
    misnamed = -functional.logsigmoid(-both.discriminator(images, labels[[5, 0, 1, 2, 3, 4]]))
    misnamed[[1, 4]] = 0  # the row before has the same label
    wrong = (-functional.logsigmoid(-fake) + misnamed) / 2
    torch.testing.assert_close(loss, -functional.logsigmoid(real) + wrong)
    torch.manual_seed(1)
    torch.testing.assert_close(both.generator_loss(rows), -functional.logsigmoid(fake))


def test_without_labels_only_drawn_images_are_wrong() -> None:
    torch.manual_seed(0)
    both = Adversaries((16, 16, 1), 0, channels=8, latent=4, penalty=0.0, shift=0.0)
    rows = torch.rand(6, 256) * 2 - 1
    torch.manual_seed(1)
    drawn = both.draw(torch.zeros(6, 0))
    torch.manual_seed(1)
    loss = both.discriminator_loss(rows)
    real = both.discriminator(rows.view(6, 1, 16, 16), torch.zeros(6, 0))
    fake = both.discriminator(drawn, torch.zeros(6, 0))
    torch.testing.assert_close(loss, -functional.logsigmoid(real) - functional.logsigmoid(-fake))


def test_each_loss_moves_its_own_network() -> None:
    both = Adversaries((16, 16, 1), 3, channels=8, latent=4, penalty=1.0, shift=0.1)
    rows = torch.cat([torch.rand(8, 256), torch.eye(3)[torch.arange(8) % 3]], dim=1)
    for loss, moves, rests in (
        (both.discriminator_loss, both.discriminator, both.generator),
        (both.generator_loss, both.generator, both.discriminator),
    ):
        both.zero_grad(set_to_none=True)
        loss(rows).mean().backward()  # type: ignore[no-untyped-call]
        assert all(parameter.grad is not None for parameter in moves.parameters())
        assert all(parameter.grad is None for parameter in rests.parameters())


def test_the_penalty_is_the_squared_slope_at_real_images() -> None:
    torch.manual_seed(0)
    both = Adversaries((16, 16, 1), 0, channels=8, latent=4, penalty=2.0, shift=0.0)
    images, labels = torch.rand(1, 1, 16, 16), torch.zeros(1, 0)
    step = 1e-3
    with torch.no_grad():
        at = both.discriminator(images, labels)
        pushed = images + step * torch.eye(256).reshape(256, 1, 16, 16)
        slopes = (both.discriminator(pushed, labels.expand(256, 0)) - at) / step
    assert both._penalty(images, labels).item() == pytest.approx(slopes.square().sum().item(), rel=0.05)


def test_moves_keep_pixels_and_repeat_borders() -> None:
    torch.manual_seed(0)
    images = torch.arange(100.0).reshape(1, 1, 10, 10).repeat(50, 1, 1, 1)
    shifted = moved(images, 0.2)
    steps = {(round((one[0, 5, 5] - 55).item() / 10), round((one[0, 5, 5] - 55).item()) % 10) for one in shifted}
    assert 10 < len(steps) <= 25
    assert shifted.shape == images.shape
    assert set(shifted.unique().tolist()) <= set(images.unique().tolist())
    assert moved(images, 0.0) is images


def real_rows(count: int = 400) -> torch.Tensor:
    """Images of three kinds, each with two numbers' worth of variety, under one label a kind."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(count) % 3
    patterns = torch.randn(3, 3, 64, generator=generator)
    weights = torch.cat([torch.ones(count, 1), 0.4 * torch.randn(count, 2, generator=generator)], dim=1)
    images = (weights[:, :, None] * patterns[kinds]).sum(dim=1).tanh()
    return torch.cat([images, torch.eye(3)[kinds]], dim=1)


def test_real_images_against_real_ones_are_quiet() -> None:
    rows = real_rows(800)
    monitor = Variety(rows[:400], (8, 8, 1))
    others, labels = split_rows(rows[400:], (8, 8, 1))

    def draw(wanted: torch.Tensor) -> torch.Tensor:
        pools = {kind: iter(others[labels.argmax(dim=1) == kind]) for kind in range(3)}
        return torch.stack([next(pools[int(kind)]) for kind in wanted.argmax(dim=1)])

    seen = monitor.measure(draw)
    assert 0.8 < seen["variety"] < 1.2
    assert seen["coverage"] > 0.9
    assert collapse_notes(seen) == []


@pytest.mark.parametrize(
    ("kinds", "words"),
    [((0, 1, 2), ["mode collapse: ", "low coverage"]), ((1,), ["mode collapse for some labels"])],
    ids=["all labels", "one label"],
)
def test_a_planted_collapse_is_told(kinds: tuple[int, ...], words: list[str]) -> None:
    """A generator that knows one image a label, and adds a little noise to it."""
    rows = real_rows()
    monitor = Variety(rows, (8, 8, 1))

    def draw(wanted: torch.Tensor) -> torch.Tensor:
        noise = 0.01 * torch.randn(monitor.real.shape, generator=torch.Generator().manual_seed(2))
        one_each = torch.stack([monitor.real[monitor.labels.argmax(dim=1) == kind][0] for kind in range(3)])
        which = wanted.argmax(dim=1)
        stuck = (which[:, None] == torch.tensor(kinds)).any(dim=1)[:, None, None, None]
        return torch.where(stuck, one_each[which] + noise, monitor.real + noise)

    notes = collapse_notes(monitor.measure(draw))
    assert len(notes) == len(words)
    assert all(any(word in note for note in notes) for word in words)


def test_a_few_images_for_everything_are_told_without_labels() -> None:
    """Two modes differ enough from each other to pass for variety; coverage sees that the rest is missing."""
    rows = real_rows()[:, :64]
    monitor = Variety(rows, (8, 8, 1))
    notes = collapse_notes(monitor.measure(lambda labels: monitor.real[:2].repeat(len(labels) // 2, 1, 1, 1)))
    assert any("low coverage" in note for note in notes)


def test_a_collapsed_training_is_told_in_the_history(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that cannot see its noise ends up with one image a label."""

    def blind(self: Adversaries, labels: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self.generator(torch.zeros(len(labels), self.latent), labels)
        return images

    monkeypatch.setattr(Adversaries, "draw", blind)
    model = ImageGAN(epochs=4, channels=8, batch_size=32).fit(data, progress=False)
    assert any(note.startswith("mode collapse: ") for note in model.history_.notes)
