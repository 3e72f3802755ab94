"""Recordings as frames of log-mel cepstra, and back to a waveform.

Nothing here is learnt from data: every constant is fixed or follows from the sample rate, so that encoding costs no
privacy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.fft import dct, idct, next_fast_len
from torch import Tensor

from generators.errors import InputError

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

_HOP = 0.016
"""Seconds from one frame to the next; a frame sees twice as much, short enough for speech and long enough for pitch."""

_FLOOR, _CENTRE, _SPREAD = -100.0, -60.0, 20.0
"""Decibels (a full-scale sine has 0): what counts as silence, and the usual level and spread of a band of speech."""

_CHUNK = 64
"""Recordings transformed at once, so that memory does not grow with their number."""


@dataclass(frozen=True)
class MelCepstrum:
    """Frames of a recording as its log-mel spectrum, rotated by a cosine transform over the bands.

    The rotation leaves coefficients that hardly correlate, so that a density that treats them as independent fits well
    (Davis and Mermelstein 1980). All of them are kept, weighted so that in speech each varies by about one.
    Way back: non-negative powers that give the mel powers, then Griffin and Lim's phases (1984), in the accelerated
    form of Perraudin et al. (2013).

    A recording of s samples has ceil(s / hop) + 1 frames, at least two: frame t is centred on sample t * hop.

    Attributes:
        rate: Samples per second.
        bands: Mel bands, fewer where the window cannot tell so many apart.
        seconds: Longer recordings are cut to this length.

    Example:
        >>> cepstrum = MelCepstrum(rate=8000, seconds=0.5)
        >>> tone = np.sin(np.arange(2000) * 0.5).astype(np.float32)
        >>> features, lengths = cepstrum.encode([tone])
        >>> features.shape, lengths.tolist()
        ((1, 33, 40), [17])
        >>> cepstrum.decode(features, lengths, torch.Generator().manual_seed(0))[0].shape
        (2048,)
    """

    rate: int
    bands: int = 40
    seconds: float = 2.0

    def __post_init__(self) -> None:
        """Refuse rates at which a window would hold too few samples."""
        if self.window < 8:
            raise InputError(f"a sample rate of {self.rate} is too low for sound; expected at least 250 per second")

    @cached_property
    def hop(self) -> int:
        """Samples from one frame to the next, a number that Fourier transforms are fast with."""
        return int(next_fast_len(round(self.rate * _HOP)))

    @cached_property
    def window(self) -> int:
        """Samples that a frame sees."""
        return 2 * self.hop

    @cached_property
    def most_samples(self) -> int:
        """Samples beyond which a recording is cut."""
        return max(self.hop, int(self.rate * self.seconds))

    @cached_property
    def frames(self) -> int:
        """Frames of the longest recording, to which all are padded."""
        return math.ceil(self.most_samples / self.hop) + 1

    @cached_property
    def width(self) -> int:
        """Coefficients of a frame, one for each band."""
        return len(self._filters)

    def encode(self, recordings: Sequence[Any]) -> tuple[Floats, Codes]:
        """Turn recordings into frames.

        Args:
            recordings: Arrays of shape (samples,) in [-1, 1], of any length, even none.

        Returns:
            Coefficients, shape (recordings, frames, width), zero after a recording's end; and numbers of frames, shape
            (recordings,).

        Raises:
            InputError: A sample is not a finite number.
        """
        features = np.zeros((len(recordings), self.frames, self.width), dtype=np.float32)
        lengths = np.array([self.frames_of(len(one)) for one in recordings], dtype=np.int64)
        for start in range(0, len(recordings), _CHUNK):
            chunk = recordings[start : start + _CHUNK]
            waves = np.zeros((len(chunk), (self.frames - 1) * self.hop), dtype=np.float32)
            for row, one in enumerate(chunk):
                kept = np.asarray(one, dtype=np.float32)[: self.most_samples]
                if not np.isfinite(kept).all():
                    raise InputError(f"recording {start + row + 1} holds samples that are not finite numbers; mend it")
                waves[row, : len(kept)] = kept
            power = self._spectrum(torch.from_numpy(waves)).abs().square().numpy()
            level = 10 * np.log10(power.transpose(0, 2, 1) @ self._filters.T + 10 ** (_FLOOR / 10))
            features[start : start + len(chunk)] = self._weights * dct(
                (level - _CENTRE) / _SPREAD, axis=2, norm="ortho"
            )
        present = np.arange(self.frames) < lengths[:, None]
        return features * present[:, :, None], lengths

    def decode(
        self, features: npt.NDArray[Any], lengths: Codes, generator: torch.Generator, rounds: int = 32
    ) -> list[Floats]:
        """Turn frames into waveforms that sound like them.

        Args:
            features: Coefficients, shape (recordings, up to `frames`, width); what lies after a length is not read.
            lengths: Numbers of frames, shape (recordings,), each at least 2.
            generator: Draws the phases that are then improved, on the CPU.
            rounds: Improvements of the phases.

        Returns:
            Arrays of shape ((length - 1) * hop,) in [-1, 1], at most `seconds` long; louder ones are turned down.
        """
        waves: list[Floats] = []
        for start in range(0, len(features), _CHUNK):
            counts = lengths[start : start + _CHUNK]
            # Silence after the end, wide enough that no other recording's length changes this one.
            shape = (len(counts), int(counts.max()) + math.ceil(self.window / self.hop), self.width)
            chunk = np.zeros(shape, dtype=np.float32)
            given = features[start : start + _CHUNK, : shape[1]]
            chunk[:, : given.shape[1]] = given
            level = np.clip(idct(chunk / self._weights, axis=2, norm="ortho") * _SPREAD + _CENTRE, _FLOOR, 20)
            mel = 10 ** (level / 10) - 10 ** (_FLOOR / 10)
            mel *= (np.arange(shape[1]) < counts[:, None])[:, :, None]
            magnitude = torch.from_numpy(np.sqrt(self._powers(mel)).transpose(0, 2, 1).astype(np.float32))
            for wave, count in zip(self._griffin_lim(magnitude, generator, rounds).numpy(), counts, strict=True):
                cut = wave[: min((int(count) - 1) * self.hop, self.most_samples)]
                waves.append(cut / max(1.0, float(np.abs(cut).max(initial=0.0))))
        return waves

    def frames_of(self, samples: int) -> int:
        """Return the number of frames of a recording, at least two."""
        return math.ceil(min(max(samples, 1), self.most_samples) / self.hop) + 1

    @cached_property
    def _weights(self) -> npt.NDArray[np.float64]:
        """A lifter: spectra are smooth, and so coefficients fall about as one over their number."""
        weights: npt.NDArray[np.float64] = np.arange(1, self.width + 1) / (0.7 * math.sqrt(self.width))
        return weights

    @cached_property
    def _filters(self) -> npt.NDArray[np.float64]:
        """Triangles of height 1, evenly spaced in mel but never narrower than the window can resolve."""
        bins = self.window // 2 + 1
        bands = min(self.bands, bins - 2)
        top = 2595 * math.log10(1 + self.rate / 2 / 700)
        edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1) * self.window / self.rate
        for place in range(1, bands + 2):
            edges[place] = max(edges[place], edges[place - 1] + 1)
        edges *= (bins - 1) / edges[-1]
        centres, below, above = edges[1:-1, None], edges[:-2, None], edges[2:, None]
        bin_numbers = np.arange(bins)
        rising, falling = (bin_numbers - below) / (centres - below), (above - bin_numbers) / (above - centres)
        heights: npt.NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
        return heights

    def _powers(self, mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return non-negative powers whose mel powers come close, shape (..., bins), by multiplicative updates.

        A plain pseudo-inverse goes below zero beside every loud band; these keep the sign (Lee and Seung 2001).
        """
        reach = self._filters.sum(axis=0) + 1e-9
        powers: npt.NDArray[np.float64] = (mel / self._filters.sum(axis=1)) @ self._filters / reach
        for _ in range(10):
            ratio = mel / np.maximum(powers @ self._filters.T, 1e-12)
            powers = powers * (ratio @ self._filters) / reach
        return powers

    def _griffin_lim(self, magnitude: Tensor, generator: torch.Generator, rounds: int) -> Tensor:
        phase = torch.polar(torch.ones_like(magnitude), torch.rand(magnitude.shape, generator=generator) * 2 * math.pi)
        before = torch.zeros_like(phase)
        for _ in range(rounds):
            consistent = self._spectrum(self._wave(magnitude * phase))
            ahead = consistent + 0.99 * (consistent - before)
            phase, before = ahead / ahead.abs().clamp_min(1e-12), consistent
        return self._wave(magnitude * phase)

    def _spectrum(self, waves: Tensor) -> Tensor:
        """Return spectra in which a full-scale sine has magnitude 1, shape (waves, bins, frames)."""
        window = torch.hann_window(self.window)
        shape = {"n_fft": self.window, "hop_length": self.hop, "window": window, "pad_mode": "constant"}
        return torch.stft(waves, **shape, return_complex=True) * (2 / window.sum())  # type: ignore[arg-type]

    def _wave(self, spectra: Tensor) -> Tensor:
        window = torch.hann_window(self.window)
        return torch.istft(spectra * (window.sum() / 2), self.window, self.hop, window=window)
