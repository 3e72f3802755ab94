"""How close an image is to another one: formulas on pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float64]

WINDOW = 11
"""Pixels a side of the window in which SSIM compares; smaller images have no SSIM."""

MOST_DECIBELS = 100.0
"""What equal images are given, whose ratio to no noise at all would be infinite."""

_SIGMA = 1.5
_TRUNCATE = 3.5  # standard deviations at which the window ends: 11 pixels


def psnr(first: ArrayLike, second: ArrayLike, brightest: float = 255.0) -> Floats:
    """Peak signal-to-noise ratio of each pair of images.

    Args:
        first: Images, shape (pairs, height, width, channels).
        second: The same of the other images.
        brightest: The largest value that a pixel can have; the least is 0.

    Returns:
        Decibels, shape (pairs,), from 0 or a little below (nothing alike) to 100 (equal); higher is closer.

    Example:
        >>> psnr(np.zeros((1, 4, 4, 1)), np.full((1, 4, 4, 1), 25.5)).round(6).tolist()
        [20.0]

    Source: Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality assessment" (2008).
    """
    mine, other = (np.asarray(one, dtype=np.float64) for one in (first, second))
    error = ((mine - other) ** 2).mean(axis=(1, 2, 3))
    least = brightest**2 / 10 ** (MOST_DECIBELS / 10)
    return np.asarray(10 * np.log10(brightest**2 / np.maximum(error, least)))


def ssim(first: ArrayLike, second: ArrayLike, brightest: float = 255.0) -> Floats:
    """Structural similarity of each pair of images, in a Gaussian window of 11 pixels.

    Local means, variances and covariances have weights of a Gaussian with a deviation of 1.5 pixels, variances divide
    by the weights' sum, and only windows that lie within the image count.

    Args:
        first: Images, shape (pairs, height, width, channels), at least 11 pixels a side.
        second: The same of the other images.
        brightest: The largest value that a pixel can have; the least is 0.

    Returns:
        Similarity, shape (pairs,), from -1 to 1 (equal); higher is closer; no unit. Channels are averaged.

    Raises:
        ValueError: Images of different shapes, or too small for the window.

    Example:
        >>> ssim(np.ones((1, 12, 12, 1)), np.ones((1, 12, 12, 1))).tolist()
        [1.0]

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
    similarity" (IEEE TIP 2004).
    """
    x, y = (np.asarray(one, dtype=np.float64) for one in (first, second))
    if x.shape != y.shape or min(x.shape[1:3]) < WINDOW:
        raise ValueError(f"ssim: images must be of one shape and {WINDOW} pixels a side, not {x.shape} and {y.shape}")
    mx, my = _blurred(x), _blurred(y)
    vx, vy, vxy = _blurred(x * x) - mx * mx, _blurred(y * y) - my * my, _blurred(x * y) - mx * my
    c1, c2 = (0.01 * brightest) ** 2, (0.03 * brightest) ** 2
    local = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    border = WINDOW // 2
    return np.asarray(local[:, border : x.shape[1] - border, border : x.shape[2] - border].mean(axis=(1, 2, 3)))


def _blurred(images: Floats) -> Floats:
    return np.asarray(gaussian_filter(images, (0, _SIGMA, _SIGMA, 0), truncate=_TRUNCATE))


def inception_score(probabilities: ArrayLike) -> float:
    """How sure a classifier is of each image, and how different its answers are.

    Args:
        probabilities: Of each class for each image, shape (images, classes), rows that sum to 1.

    Returns:
        exp of the mean divergence of the answers from their average: from 1 (all answers alike) to the number of
        classes (sure answers, all classes alike); higher is better; no unit.

    Example:
        >>> round(inception_score([[1.0, 0.0], [0.0, 1.0]]), 6)
        2.0

    Source: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved techniques for training GANs" (2016).
    """
    shares = np.asarray(probabilities, dtype=np.float64)
    safe, average = np.maximum(shares, 1e-300), np.maximum(shares.mean(axis=0), 1e-300)
    return float(np.exp((shares * (np.log(safe) - np.log(average))).sum(axis=1).mean()))
