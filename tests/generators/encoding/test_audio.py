"""Recordings survive the way to frames and back, whatever their rate, length and loudness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generators import InputError
from generators.encoding import MelCepstrum


def there_and_back(cepstrum: MelCepstrum, *recordings: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
    features, lengths = cepstrum.encode(recordings)
    return cepstrum.decode(features, lengths, torch.Generator().manual_seed(0))


def tone(hertz: float, rate: int, seconds: float = 0.5, loudness: float = 0.5) -> npt.NDArray[np.float32]:
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def strongest(wave: npt.NDArray[Any], rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 8 * len(wave)))
    return float(spectrum.argmax() * rate / (8 * len(wave)))


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 44100])
@pytest.mark.parametrize("hertz", [200.0, 440.0, 1500.0])
def test_a_tone_keeps_its_pitch_and_loudness(rate: int, hertz: float) -> None:
    [wave] = there_and_back(MelCepstrum(rate), tone(hertz, rate))
    band = np.log(1 + rate / 2 / 700) / 41 * (700 + hertz)  # hertz from one of 40 bands to the next
    assert strongest(wave, rate) == pytest.approx(hertz, abs=max(20, band / 2))
    assert np.std(wave) == pytest.approx(0.5 / np.sqrt(2), rel=0.3)


def test_speech_keeps_its_spectrum(shared_data: Path) -> None:
    with np.load(shared_data / "fsdd" / "fsdd_takes0_14.npz") as file:
        audio, offsets = file["audio"] / np.float32(2**15), file["offsets"]
    recordings = [audio[offsets[row] : offsets[row + 1]] for row in range(0, 900, 90)]
    cepstrum = MelCepstrum(8000)
    features, lengths = cepstrum.encode(recordings)
    back = cepstrum.decode(features, lengths, torch.Generator().manual_seed(0))
    again, same_lengths = cepstrum.encode(back)
    assert same_lengths.tolist() == lengths.tolist()
    present = np.arange(cepstrum.frames) < lengths[:, None]
    decibels = 20 * np.sqrt(np.square((again - features) / cepstrum._weights)[present].mean(axis=1))
    assert decibels.mean() < 1.5
    assert np.all(np.abs(features[present].std(axis=0) - 1) < 0.7)
    for before, after in zip(recordings, back, strict=True):
        one, other = (np.abs(_frames_of(wave[: len(before)])) for wave in (before, after))
        assert np.linalg.norm(one - other) / np.linalg.norm(one) < 0.55


def _frames_of(wave: npt.NDArray[Any]) -> npt.NDArray[Any]:
    frames = np.lib.stride_tricks.sliding_window_view(wave, 256)[::64]
    return np.fft.rfft(frames * np.hanning(256), axis=1)


@pytest.mark.parametrize("samples", [0, 1, 100, 128, 129, 12_000])
def test_any_length_works(samples: int) -> None:
    cepstrum = MelCepstrum(8000, seconds=1.5)
    features, lengths = cepstrum.encode([tone(500, 8000, 2)[:samples]])
    assert features.shape == (1, cepstrum.frames, cepstrum.width)
    assert lengths[0] == max(1, -(-samples // cepstrum.hop)) + 1
    assert np.all(features[0, lengths[0] :] == 0)
    [wave] = cepstrum.decode(features, lengths, torch.Generator().manual_seed(0))
    assert 0 <= len(wave) - samples <= cepstrum.hop
    assert np.isfinite(wave).all()


def test_longer_recordings_are_cut_to_seconds() -> None:
    cepstrum, long = MelCepstrum(8000, seconds=0.3), tone(300, 8000, 1)
    cut, whole = cepstrum.encode([long[:2400]]), cepstrum.encode([long])
    np.testing.assert_array_equal(cut[0], whole[0])
    assert cut[1].tolist() == whole[1].tolist() == [cepstrum.frames]


def test_silence_stays_silent() -> None:
    [wave] = there_and_back(MelCepstrum(8000), np.zeros(3000, dtype=np.float32))
    assert np.abs(wave).max() < 1e-4


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, st.integers(1, 3000), elements=st.floats(-1, 1, width=32)))
def test_waves_stay_between_minus_one_and_one(recording: npt.NDArray[np.float32]) -> None:
    [wave] = there_and_back(MelCepstrum(8000, seconds=0.4), recording)
    assert wave.dtype == np.float32
    assert np.abs(wave).max() <= 1  # and so none is NaN


def test_frames_louder_than_any_recording_are_turned_down() -> None:
    cepstrum = MelCepstrum(8000)
    loud = np.full((2, 20, cepstrum.width), 30.0)
    for wave in cepstrum.decode(loud, np.array([20, 7]), torch.Generator().manual_seed(0)):
        assert np.abs(wave).max() == pytest.approx(1)


@pytest.mark.parametrize("rate", [250, 500, 8000, 16000, 96000])
@pytest.mark.parametrize("bands", [4, 40, 256])
def test_every_band_hears_something_of_its_own(rate: int, bands: int) -> None:
    cepstrum = MelCepstrum(rate, bands)
    assert cepstrum.width <= bands
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, rate).astype(np.float32)
    features, lengths = cepstrum.encode([noise])
    frames = features[0, : lengths[0]]
    assert np.linalg.matrix_rank(frames[2:-2]) == min(cepstrum.width, len(frames) - 4)


def test_bad_input_is_one_line() -> None:
    with pytest.raises(InputError, match="sample rate of 100 is too low"):
        MelCepstrum(100)
    with pytest.raises(InputError, match="recording 2 holds samples that are not finite"):
        MelCepstrum(8000).encode([np.zeros(10), np.array([0.0, np.nan])])
