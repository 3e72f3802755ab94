from __future__ import annotations

import pytest
import torch

from generators.models.packing import quantised, sparse, unpacked


@pytest.mark.parametrize(("shape", "axis"), [((5, 7), 0), ((4, 3, 3, 3), 0), ((3, 6, 2, 2), 1)])
def test_integers_with_scales_are_within_half_a_step(shape: tuple[int, ...], axis: int) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    packed = quantised("w", weight, axis)
    assert packed["w"].dtype == torch.int8
    assert packed["w#scale"].numel() == shape[axis]
    error = (unpacked(packed)["w"] - weight).abs()
    assert (error <= packed["w#scale"] / 2 + 1e-6).all()
    assert packed["w"].abs().amax(dim=[place for place in range(len(shape)) if place != axis]).eq(127).all()


def test_a_channel_of_zeros_stays_so() -> None:
    weight = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    assert unpacked(quantised("w", weight, 0))["w"][0].eq(0).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (2, 3, 5, 5)])
def test_sparse_weights_come_back_exactly(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    weight[weight.abs() < 0.5] = 0
    packed = sparse("w", weight)
    assert packed["w"].numel() == (weight != 0).sum()
    assert torch.equal(unpacked(packed)["w"], weight)


def test_what_was_not_packed_is_left() -> None:
    bias = torch.ones(3)
    assert unpacked({"b": bias, **sparse("w", torch.eye(2))})["b"] is bias
