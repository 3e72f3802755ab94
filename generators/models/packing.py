"""Compressed weights as they lie in a file: eight-bit integers with scales, or the entries that were not pruned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

_SCALE, _MASK, _SHAPE = "#scale", "#mask", "#shape"
"""What follows a weight's name in the names of the tensors that it is packed into."""

_MOST = 127


def quantised(name: str, weight: Tensor, axis: int) -> dict[str, Tensor]:
    """Pack a weight as integers from -127 to 127, symmetric around 0, with one scale a channel.

    Args:
        name: What it is called.
        weight: At least two axes.
        axis: The output channels'.
    """
    others = [place for place in range(weight.ndim) if place != axis]
    scale = weight.abs().amax(dim=others, keepdim=True).float() / _MOST
    steps = torch.where(scale > 0, weight / torch.where(scale > 0, scale, torch.ones_like(scale)), 0.0)
    return {name: steps.round().clamp(-_MOST, _MOST).to(torch.int8), name + _SCALE: scale}


def sparse(name: str, weight: Tensor) -> dict[str, Tensor]:
    """Pack a weight as its entries other than 0, one bit an entry that tells where they are, and its shape."""
    kept = weight != 0
    return {
        name: weight[kept],
        name + _MASK: torch.from_numpy(np.packbits(kept.flatten().cpu().numpy())),
        name + _SHAPE: torch.tensor(weight.shape, dtype=torch.int64),
    }


def bytes_of(tensors: Mapping[str, Tensor]) -> int:
    """Return how many bytes tensors take in a file, their names and shapes included."""
    return len(save(dict(tensors)))


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights as a network takes them; what was not packed is left as it is.

    Raises:
        KeyError, RuntimeError, ValueError: Parts are missing or do not fit together.
    """
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if "#" in name:
            continue
        if name + _SCALE in tensors:
            weights[name] = tensor.float() * tensors[name + _SCALE]
        elif name + _MASK in tensors:
            shape = tensors[name + _SHAPE].tolist()
            bits = np.unpackbits(tensors[name + _MASK].cpu().numpy(), count=int(np.prod(shape)))
            kept = torch.from_numpy(bits.astype(bool)).to(tensor.device)
            weights[name] = tensor.new_zeros(len(kept)).masked_scatter(kept, tensor).reshape(shape)
        else:
            weights[name] = tensor
    return weights
