from __future__ import annotations

import numpy as np
import pytest
import torch

from generators.training import randomness
from generators.training.randomness import fill_from_system, seeded, system_entropy


def test_the_whole_state_comes_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """With known bytes in place of the system's, torch draws what a Mersenne twister with these words draws."""
    words = np.random.default_rng(0).integers(0, 2**32, 624, dtype=np.uint32)
    monkeypatch.setattr(randomness.os, "urandom", lambda size: words.tobytes()[:size])
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 624}}
    raw = twister.random_raw(1400)
    generator = torch.Generator()
    fill_from_system(generator)
    drawn = torch.empty(700, dtype=torch.int64).random_(0, 2**31, generator=generator).numpy()
    np.testing.assert_array_equal(drawn, (raw[1::2] % 2**31).astype(np.int64))


def test_seeds_that_torch_cannot_tell_apart_are_not_what_noise_comes_from() -> None:
    """Torch's CPU generator takes 32 bits of a seed; states from the system share no word."""
    one, other = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5 + 7 * 2**32)
    assert torch.equal(torch.randn(3, generator=one), torch.randn(3, generator=other))
    states = [system_entropy().get_state()[24 : 24 + 8 * 624].view(torch.int64) for _ in range(2)]
    assert (states[0] == states[1]).sum() <= 1
    assert all(int(state.min()) >= 0 and int(state.max()) > 2**30 for state in states)
    assert all(len(state.unique()) > 620 for state in states)


def test_noise_from_the_system_is_standard_normal() -> None:
    noise = torch.randn(200_000, generator=system_entropy(), dtype=torch.float64)
    # Five deviations of each moment of so many draws.
    assert abs(noise.mean().item()) < 5 / 200_000**0.5
    assert abs(noise.var().item() - 1) < 5 * (2 / 200_000) ** 0.5
    assert abs(noise[:-1].dot(noise[1:]).item()) / 200_000 < 5 / 200_000**0.5


def test_global_generators_are_put_back() -> None:
    torch.manual_seed(3)
    expected = torch.randn(4)
    for seed in (7, None):
        torch.manual_seed(3)
        with seeded(seed, "cpu"):
            torch.randn(100)
        assert torch.equal(torch.randn(4), expected)


def test_without_a_seed_draws_differ() -> None:
    drawn = []
    for _ in range(2):
        with seeded(None, "cpu"):
            drawn.append(torch.randn(4))
    assert not torch.equal(*drawn)
