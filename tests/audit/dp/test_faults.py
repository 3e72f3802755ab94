"""Faults planted from outside are found and named; the shipped trainer is accused of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audit.dp.assumptions import assumption_tests
from audit.dp.tested import failed
from audit.dp.watching import TWINS, Watch, Watched
from generators.privacy import PrivatePlan
from tests.audit.dp.faults import FAULTS, Fault

LEVEL = 0.0005
PLAN = PrivatePlan(units=150, sampling_rate=0.2, steps=60, noise_multiplier=1.5, clip=1.0, epsilon=9, delta=1e-5)


class Small(nn.Module):
    """A regression, two layers deep."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, batch: Tensor) -> Tensor:
        return ((self.layers(batch[:, :-1]).squeeze(1) - batch[:, -1]) ** 2).float()


def watched(seed: int) -> Watched:
    torch.manual_seed(seed)
    watch = Watch(canaries=120, replays=8, chance=np.random.default_rng(seed))
    watch.train_privately(Small(), torch.randn(150, 6), PLAN, learning_rate=1e-3, progress=False)
    assert watch.seen is not None
    return watch.seen


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_planted_fault_is_found_and_named(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    broken = failed(assumption_tests(watched(0)), LEVEL)
    assert broken, "nothing was found"
    assert any(fault.named in one.cause for one in broken), [(one.what, one.p, one.cause) for one in broken]


@pytest.mark.parametrize("seed", range(5))
def test_the_shipped_trainer_is_accused_of_nothing(seed: int) -> None:
    broken = failed(assumption_tests(watched(seed)), LEVEL)
    assert not broken, [(one.what, one.p, one.seen) for one in broken]


def test_people_are_drawn_and_watched_as_units() -> None:
    torch.manual_seed(0)
    watch = Watch(canaries=120, replays=8, chance=np.random.default_rng(0))
    people = torch.arange(300) // 2
    watch.train_privately(Small(), torch.randn(300, 6), PLAN, people=people, learning_rate=1e-3, progress=False)
    seen = watch.seen
    assert seen is not None
    assert seen.others.shape[1] == 150 + TWINS
    assert seen.units == 150 + TWINS + seen.coins.sum()
    assert not failed(assumption_tests(seen), LEVEL)


class Overflowing(Small):
    """One row in thirty has a loss that is not finite, and counts as nothing."""

    def forward(self, batch: Tensor) -> Tensor:
        return super().forward(batch) / (batch[:, 0] < 1.8).float()


def test_a_row_that_overflows_is_no_fault() -> None:
    torch.manual_seed(0)
    watch = Watch(canaries=120, replays=8, chance=np.random.default_rng(3))
    plan = replace(PLAN, steps=25)
    watch.train_privately(Overflowing(), torch.randn(150, 6), plan, learning_rate=1e-3, progress=False)
    assert watch.seen is not None
    assert not failed(assumption_tests(watch.seen), LEVEL)
