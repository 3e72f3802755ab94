from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from generators.training.schedules import schedule


def rates(steps: int, shape: str, warmup: float = 0.0) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    rate = schedule(optimizer, steps, shape, warmup)
    seen = []
    for _ in range(steps):
        seen.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        rate.step()
    return [*seen, float(optimizer.param_groups[0]["lr"])]


def test_constant() -> None:
    assert rates(10, "constant") == [2.0] * 11


def test_linear_falls_evenly_to_a_hundredth() -> None:
    seen = rates(10, "linear")
    assert seen[0] == 2.0
    assert seen[-1] == pytest.approx(0.02)
    gaps = [a - b for a, b in pairwise(seen)]
    assert gaps == pytest.approx([gaps[0]] * 10)


def test_cosine_is_the_formula() -> None:
    for step, rate in enumerate(rates(8, "cosine")):
        assert rate == pytest.approx(2 * (0.01 + 0.99 / 2 * (1 + math.cos(math.pi * step / 8))))


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
def test_warmup_rises_first_and_the_shape_follows(shape: str) -> None:
    seen = rates(20, shape, warmup=0.2)
    assert seen[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert seen[4:] == pytest.approx(rates(16, shape))
