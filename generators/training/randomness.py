"""Torch's generators: the global ones seeded for a while and then put back, and secret ones from the system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_WORDS = 624
_FIRST = 24
"""Where in the state of a CPU generator the words of its Mersenne twister begin, each of 32 bits in 8 bytes."""


def system_entropy(device: torch.device | str = "cpu", *, test_seed: int | None = None) -> torch.Generator:
    """Return a generator whose state comes from the operating system and is kept nowhere.

    Args:
        device: Where the generator draws.
        test_seed: Fixed seed, for tests only: noise that can be replayed protects nobody.
    """
    generator = torch.Generator(device=device)
    if test_seed is not None:
        return generator.manual_seed(test_seed)
    fill_from_system(generator)
    return generator


def fill_from_system(generator: torch.Generator) -> None:
    """Give a generator a state from the operating system.

    Of a seed, a CPU generator takes 32 bits alone: few enough to try them all, and so to tell its noise from a signal.
    Its whole state of 19,937 bits is drawn instead. A GPU's generator has a key of 64 bits, all of which are drawn.
    """
    if generator.device.type != "cpu":
        generator.manual_seed(int.from_bytes(os.urandom(8), "little", signed=True))
        return
    generator.manual_seed(0)  # says that all words are fresh
    state = generator.get_state()
    words = np.frombuffer(os.urandom(4 * _WORDS), dtype=np.uint32).astype(np.int64)
    state[_FIRST : _FIRST + 8 * _WORDS].view(torch.int64).copy_(torch.from_numpy(words))
    generator.set_state(state)


@contextmanager
def seeded(seed: int | None, device: torch.device | str) -> Iterator[None]:
    """Seed the global generators that work on a device draws from: the CPU's, and the device's own if it is a GPU.

    Other devices' generators are not touched, unlike by `torch.manual_seed`.

    Args:
        seed: Of these generators; None gives them states from the operating system.
        device: Where the work is done.
    """
    device = torch.device(device)
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        for generator in (torch.default_generator, *(_of_gpu(one) for one in cuda)):
            if seed is None:
                fill_from_system(generator)
            else:
                generator.manual_seed(seed)
        yield


def _of_gpu(device: torch.device) -> torch.Generator:
    torch.cuda.init()  # type: ignore[no-untyped-call]
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]
