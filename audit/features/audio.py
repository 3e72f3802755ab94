"""Recordings as spectrograms of one length, and as the statistics of their cepstrum, which tell voices apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from audit.features.embedding import Cells, Embedding, Fitted, known
from generators import Column

BANDS = 40
"""Mel bands of a spectrogram."""

STEPS = 32
"""Moments to which every spectrogram is brought."""

COEFFICIENTS = 20
"""Cepstral coefficients whose mean and spread describe a voice."""

_WINDOW, _HOP = 0.025, 0.01  # seconds
_FLOOR = 1e-5  # power, as a share of the recording's loudest, below which everything is silence
_NOTHING = 1e-10  # power of a recording without any sound
_LOUD = 0.7  # share of a recording's moments, the loudest ones, in which somebody speaks

Floats = NDArray[np.float64]


def log_mel(samples: NDArray[np.float32], rate: int) -> Floats:
    """Log power in 40 mel bands every 10 ms, shape (moments, 40); a recording shorter than a window is padded.

    What lies 50 dB below the loudest moment counts as silence: there is mostly noise, which changes with every copy.
    """
    window, hop = max(2, round(_WINDOW * rate)), max(1, round(_HOP * rate))
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    moments = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop] * np.hanning(window)
    size = 1 << (window - 1).bit_length()
    power = np.abs(np.fft.rfft(moments, size)) ** 2 @ _filters(rate, size).T
    return np.asarray(np.log(power + _FLOOR * power.max() + _NOTHING), dtype=np.float64)


def fit_spectrogram(reference: Cells, column: Column) -> Fitted:
    """Log-mel spectrograms brought to 32 moments, their loudness taken off, and how long they last; shape (n, 1281)."""
    rate = _rate(column)
    return _standardised(lambda samples: _shape(log_mel(samples, rate)), reference, together=BANDS * STEPS)


def fit_voice(reference: Cells, column: Column) -> Fitted:
    """Mean and spread of the cepstrum where somebody speaks, shape (n, 38), in units of the reference's spread.

    What is said averages out; the vocal tract, which shapes every sound, remains. The coefficient of loudness is left
    out.

    Source: Davis and Mermelstein (IEEE ASSP 1980) for the mel cepstrum; its long-term statistics are the classical
    speaker features: Furui (IEEE ASSP 1981), Kinnunen and Li, "An overview of text-independent speaker recognition"
    (Speech Communication 2010).
    """
    rate = _rate(column)
    return _standardised(lambda samples: _voice(log_mel(samples, rate)), reference)


def _shape(bands: Floats) -> Floats:
    places = np.linspace(0, len(bands) - 1, STEPS)
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(bands) - 1)
    share = (places - before)[:, None]
    brought = bands[before] * (1 - share) + bands[after] * share
    return np.append(brought - brought.mean(), np.log(len(bands)))


def _voice(bands: Floats) -> Floats:
    loudness = bands.mean(axis=1)
    spoken = bands[loudness >= np.quantile(loudness, 1 - _LOUD)]
    cepstrum = dct(spoken, norm="ortho", axis=1)[:, 1:COEFFICIENTS]
    return np.concatenate([cepstrum.mean(axis=0), cepstrum.std(axis=0)])


def _standardised(describe: Callable[[NDArray[np.float32]], Floats], reference: Cells, together: int = 0) -> Fitted:
    """The description in units of the reference's spread, of which the first `together` numbers share one."""

    def rows(cells: Cells) -> Floats:
        return np.stack([describe(np.asarray(cell, dtype=np.float32)) for cell in cells])

    seen = rows(reference)
    middle, spread = seen.mean(axis=0), seen.std(axis=0)
    spread[:together] = np.sqrt((spread[:together] ** 2).mean()) if together else spread[:together]
    spread = np.where(spread > 1e-6, spread, 1.0)
    return lambda cells: ((rows(cells) - middle) / spread).astype(np.float32)


@cache
def _filters(rate: int, size: int) -> Floats:
    """Triangular filters at equal steps of the mel scale (O'Shaughnessy 1987), shape (bands, frequencies)."""
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def _rate(column: Column) -> int:
    if column.rate is None:
        raise ValueError(f"the column {column.name!r} of recordings has no sample rate")
    return column.rate


known(
    Embedding(
        "spectrogram",
        "audio",
        f"power in {BANDS} mel bands at {STEPS} moments, and the length",
        "Stevens, Volkmann and Newman (1937), mel scale; log power as in Davis and Mermelstein (1980)",
        fit_spectrogram,
    )
)
known(
    Embedding(
        "voice",
        "audio",
        f"mean and spread of {COEFFICIENTS - 1} cepstral coefficients",
        "Davis and Mermelstein (1980); Furui (1981); Kinnunen and Li (2010)",
        fit_voice,
    )
)
