"""Torch's global generators, seeded for a while and then put back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device | str, cuda_seed: int | None = None) -> Iterator[None]:
    """Seed the global generators that work on a device draws from: the CPU's, and the device's own if it is a GPU.

    Other devices' generators are not touched, unlike by `torch.manual_seed`.

    Args:
        seed: Of the CPU's generator.
        device: Where the work is done.
        cuda_seed: Of the GPU's generator; the same seed by default.
    """
    device = torch.device(device)
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        for one in cuda:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed if cuda_seed is None else cuda_seed)
        yield
