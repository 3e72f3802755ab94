"""How close a recording is to another one: formulas on pairs of equal length."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOST_DECIBELS = 100.0
"""What equal recordings are given, whose ratio to no noise at all would be infinite."""

_WINDOW = 512
_FLOOR = 1e-10  # power; silence has no logarithm


def signal_to_noise(signal: ArrayLike, copy: ArrayLike) -> float:
    """How much stronger a recording is than its difference from a copy.

    Args:
        signal: Samples, shape (samples,).
        copy: The copy's samples, as many.

    Returns:
        Decibels, at most 100 (equal); 0 where the copy is silent, less where it is worse; higher is closer.

    Example:
        >>> round(signal_to_noise([1.0, -1.0], [0.9, -0.9]), 6)
        20.0
    """
    x, y = (np.asarray(one, dtype=np.float64) for one in (signal, copy))
    power, noise = float((x**2).mean()), float(((x - y) ** 2).mean())
    if power == 0:
        return MOST_DECIBELS if noise == 0 else -MOST_DECIBELS
    return float(np.clip(10 * np.log10(power / max(noise, power * 1e-10)), -MOST_DECIBELS, MOST_DECIBELS))


def log_spectral_distance(first: ArrayLike, second: ArrayLike, window: int = _WINDOW) -> float:
    """How far the spectra of two recordings lie apart, moment by moment.

    Args:
        first: Samples, shape (samples,).
        second: The other recording's samples, as many.
        window: Samples in a moment; windows overlap by half.

    Returns:
        Decibels, from 0 (equal spectra) upwards: the root mean square difference of log power over frequencies,
        averaged over moments; lower is closer.

    Example:
        >>> tone = np.sin(np.arange(2000))
        >>> round(log_spectral_distance(tone, tone), 6)
        0.0

    Source: Gray and Markel, "Distance measures for speech processing" (IEEE ASSP 1976).
    """
    spectra = [_log_power(np.asarray(one, dtype=np.float64), window) for one in (first, second)]
    return float(np.sqrt(((spectra[0] - spectra[1]) ** 2).mean(axis=1)).mean())


def _log_power(samples: Floats, window: int) -> Floats:
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    moments = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 2] * np.hanning(window)
    return np.asarray(10 * np.log10(np.abs(np.fft.rfft(moments)) ** 2 + _FLOOR))
