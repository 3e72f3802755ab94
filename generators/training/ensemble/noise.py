"""Normal noise from a cryptographic generator, faster than torch draws its own.

Bits come from OpenSSL's generator (AES-256 in counter mode, NIST SP 800-90A), which the operating system seeds, and
become normal numbers two by two (Box and Muller 1958). As in the loop for one network, numbers are rounded to 32 bits:
against attacks on the rounding (Mironov 2012) this is no protection.
"""

from __future__ import annotations

import math
import ssl
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import torch
from torch import Tensor

RNG = (
    "noise: OpenSSL's cryptographic generator, seeded by the operating system; batches and all random draws inside the "
    "loss: torch generators whose whole state was drawn from the operating system, which are not cryptographically "
    "secure (a warning); only initial weights follow the public seed"
)

_PAIRS = 2**15
"""Pairs made at once: more would leave the processor's cache, fewer cost more calls."""


def fill_with_noise(out: Tensor, deviation: float, generator: torch.Generator | None = None) -> None:
    """Fill a tensor with independent normal numbers of mean 0.

    Args:
        out: Contiguous, of 32-bit numbers, on the CPU.
        deviation: Their standard deviation.
        generator: Replays them, for tests only.

    Example:
        >>> noise = torch.empty(100_000)
        >>> fill_with_noise(noise, 2.0)
        >>> bool((noise.std() - 2).abs() < 0.05)
        True
    """
    if generator is not None:
        out.normal_(0.0, deviation, generator=generator)
        return
    flat = out.view(-1)
    parts = [flat[start : start + 2 * _PAIRS] for start in range(0, len(flat), 2 * _PAIRS)]
    threads = min(torch.get_num_threads(), len(parts))
    if threads == 1:
        for part in parts:
            _fill(part, deviation)
        return
    # Parts are too short for torch to share them out among its threads.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_fill, parts, repeat(deviation)))


def _fill(part: Tensor, deviation: float) -> None:
    pairs = (len(part) + 1) // 2
    bits = torch.frombuffer(bytearray(ssl.RAND_bytes(8 * pairs)), dtype=torch.int32).float()
    radius, angle = bits[:pairs], bits[pairs:]
    # A uniform number in (0, 1] whose small values are exact: they make the tails, up to 6.7 deviations.
    radius.abs_().add_(0.5).mul_(2.0**-31).log_().mul_(-2 * deviation**2).sqrt_()
    angle.mul_(math.pi * 2.0**-31)
    rest = len(part) - pairs
    torch.mul(radius[:rest], angle[:rest].sin(), out=part[pairs:])
    torch.mul(radius, angle.cos_(), out=part[:pairs])
