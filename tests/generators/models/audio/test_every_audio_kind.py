"""What both audio families promise beyond what every kind promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generators import Dataset, Generator, InputError, PrivatePlan, create
from generators.datasets.columns import Column
from generators.datasets.payload import payload_frame, payload_schema
from generators.datasets.schema import Schema
from generators.models import NeuralGenerator
from generators.training import train_privately
from tests.generators.models.toy import DIGITS, audio

SMALL: dict[str, dict[str, Any]] = {
    "audio-transformer": {"epochs": 140, "seconds": 0.5, "width": 32, "layers": 1, "components": 1, "dropout": 0.0},
    "audio-vae": {"epochs": 120, "seconds": 0.5, "channels": 16, "hidden": 32, "latent": 4},
}
KINDS = sorted(SMALL)


@cache
def fitted(kind: str, rate: int = 8000) -> Generator:
    return create(kind, **SMALL[kind], learning_rate=5e-3, batch_size=14).fit(audio(rate=rate), progress=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000, 22050])
def test_the_digit_asked_for_is_heard(kind: str, rate: int) -> None:
    """The toy recordings are tones whose pitch tells the digit; so are the generated ones, at any rate."""
    model = fitted(kind, rate)
    for number, digit in enumerate(DIGITS):
        said = model.sample(12, seed=3, conditions={"digit": digit})
        pitches = []
        for wave in said["audio"]:
            assert wave.dtype == np.float32
            assert np.abs(wave).max() <= 1
            spectrum = np.abs(np.fft.rfft(wave, 8 * rate))
            pitches.append(spectrum.argmax() / 8)
        assert np.median(pitches) == pytest.approx(300 * (number + 1), abs=60)


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_last_about_as_long_as_in_train(kind: str) -> None:
    said, train = fitted(kind).sample(100, seed=1), audio().train
    made, real = (frame["audio"].map(len) / 8000 for frame in (said, train))
    assert made.mean() == pytest.approx(real.mean(), rel=0.25)
    assert made.std() > 0.3 * real.std()
    assert made.max() <= 0.5
    assert len({len(wave) % 128 for wave in said["audio"]}) > 20  # not whole frames


@pytest.mark.parametrize("kind", KINDS)
def test_data_without_labels_works(kind: str) -> None:
    column, toy = Column("sound", "audio", rate=8000), audio()
    parts = {name: payload_frame(column, list(toy.parts[name]["audio"])) for name in ("train", "holdout")}
    data = Dataset("tones", payload_schema(column), parts, modality="audio")
    model = create(kind, **{**SMALL[kind], "epochs": 1}).fit(data, progress=False)
    assert list(model.sample(3).columns) == ["sound"]
    assert np.isfinite(model.record_loss(data.holdout)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_odd_recordings_are_scored(kind: str) -> None:
    """Silence, less than a window, more than `seconds`."""
    column = Column("audio", "audio", rate=8000)
    cells = [np.zeros(2000), np.zeros(0), np.full(3, 0.1), np.ones(50_000)]
    odd = payload_frame(column, [cell.astype(np.float32) for cell in cells], {"digit": ["0", "1", "2", "0"]})
    assert np.isfinite(fitted(kind).record_loss(odd)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_cut_recordings_are_told(kind: str) -> None:
    model = create(kind, **{**SMALL[kind], "epochs": 1, "seconds": 0.3}).fit(audio(), progress=False)
    longer = int((audio().train["audio"].map(len) > 2400).sum())
    assert model.history_.notes == [
        f"{longer} recordings last longer than 0.3 s and were cut; raise seconds to keep them"
    ]


def test_a_recording_without_a_rate_is_one_line() -> None:
    toy = audio()
    schema = Schema(tuple(replace(column, rate=None) for column in toy.schema.columns), target="digit")
    with pytest.raises(InputError, match="column 'audio' has no sample rate"):
        create("audio-vae").fit(Dataset("toy", schema, toy.parts, modality="audio"), progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_public_encoding_learns_nothing(kind: str) -> None:
    """Two data sets with one schema lead to the same encoders and the same initial network."""
    states, toy = [], audio()
    for records in (toy.train.head(20), toy.holdout.head(5)):
        model = create(kind, **SMALL[kind])
        assert isinstance(model, NeuralGenerator)
        torch.manual_seed(0)
        network, _ = model.training_problem(records, toy.schema, public_only=True)
        states.append((model._encoders(), model.row_shape, [p.tolist() for p in network.parameters()]))  # type: ignore[attr-defined]
    assert states[0] == states[1]


class Still(nn.Module):
    """The objective without random draws of its own, so that gradients can be compared."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, rows: Tensor) -> Tensor:
        if hasattr(self.network, "loss"):
            losses: Tensor = self.network.loss(rows, torch.zeros(len(rows), 4))
            return losses
        return torch.as_tensor(self.network(rows))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loudness", [1.0, 1e4])
def test_private_gradients_are_clipped_row_by_row(kind: str, loudness: float) -> None:
    model, toy = create(kind, **SMALL[kind]), audio()
    assert isinstance(model, NeuralGenerator)
    torch.manual_seed(0)
    network, rows = model.training_problem(toy.train.head(6), toy.schema, public_only=True)
    rows = torch.cat([rows[:, :4], rows[:, 4:] * loudness], dim=1)  # labels and length stay
    objective = Still(network)
    expected = [torch.zeros_like(parameter) for parameter in objective.parameters()]
    for row in rows:
        own = torch.autograd.grad(objective(row[None]).sum(), list(objective.parameters()))
        norm = torch.cat([gradient.flatten() for gradient in own]).norm()
        assert norm > 0.5
        for total, gradient in zip(expected, own, strict=True):
            total += gradient * 0.5 / norm / 6
    released: list[list[Tensor]] = []

    def observe(_: int) -> None:
        released.append([parameter.grad.clone() for parameter in objective.parameters() if parameter.grad is not None])

    how = PrivatePlan(6, 1.0, 1, 0.0, 0.5, epsilon=1.0, delta=1e-5)
    train_privately(objective, rows, how, learning_rate=1e-9, test_seed=0, observe=observe, progress=False)
    for one, other in zip(released[0], expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
