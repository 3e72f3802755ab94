"""Smaller models from trained ones: pruned by magnitude (Han et al. 2015), or with weights of eight bits."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from generators.errors import InputError
from generators.models.base import Generator
from generators.models.neural import NeuralGenerator
from generators.models.packing import bytes_of, quantised, sparse

METHODS = "prune:SHARE (such as prune:0.5) or int8"


def compress(model: Generator, method: str) -> Generator:
    """Return a smaller copy of a trained model, to be sampled, saved and audited like any other.

    Only weights with two axes or more are touched (of linear, convolutional, recurrent and embedding layers); biases
    and norms stay. The records are not read again, so a privacy guarantee carries over unchanged.

    Args:
        model: A fitted neural generator; it is left as it is.
        method: `prune:0.5` sets the half of all weights with the least magnitude to zero; where that is shorter, its
            files keep only the others, and a bit for each weight. `int8` rounds each weight to one of 255 even steps,
            symmetric around 0 and scaled by output channel; its files keep a byte for each. Either way the model
            computes in float32 again once it is loaded.

    Raises:
        InputError: The method is unknown, or the model has no network, is not fitted, or is compressed already.

    Example:
        >>> from generators import TabularVAE, load_dataset
        >>> model = TabularVAE(epochs=1).fit(load_dataset("affairs").split(seed=0), progress=False)
        >>> len(compress(model, "int8").sample(5))
        5
    """
    share = _share(method)
    if not isinstance(model, NeuralGenerator):
        raise InputError(f"{model.kind} has no network to compress")
    model._require_fitted()
    if model.compression_ is not None:
        raise InputError(f"this {model.kind} is compressed already, by {model.compression_}; compress the original")
    smaller = copy.deepcopy(model)
    weights = _matrices(smaller.network_)
    packed: dict[str, Tensor] = {}
    if share is None:
        for name, weight in weights.items():
            packed |= quantised(name, weight.detach(), _output_axis(smaller.network_, name))
    else:
        _prune(list(weights.values()), share)
        for name, weight in weights.items():
            plain = {name: weight.detach().cpu().contiguous().clone()}
            shorter: dict[str, Tensor] = min(plain, sparse(name, weight.detach()), key=bytes_of)
            packed |= shorter
    smaller.take_packed(method, packed | _rest(smaller.network_, weights))
    smaller.ledger_.add(f"the weights, compressed by {method}", "post-processing", note="no record was read for it")
    return smaller


def _share(method: str) -> float | None:
    """Return the share of weights to prune, None for int8."""
    if method == "int8":
        return None
    name, _, text = method.partition(":")
    try:
        share = float(text)
    except ValueError:
        share = None
    if name != "prune" or share is None:
        raise InputError(f"no compression method '{method}'; there is {METHODS}")
    if not 0 < share < 1:
        raise InputError(f"{method}: the share of weights to prune is above 0 and below 1")
    return share


def _matrices(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights to compress, tied ones once for each of their names, as a network saves them."""
    named = network.named_parameters(remove_duplicate=False)
    return {name: parameter for name, parameter in named if parameter.ndim >= 2 and parameter.is_floating_point()}


def _rest(network: nn.Module, weights: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in network.state_dict().items() if name not in weights}


def _output_axis(network: nn.Module, name: str) -> int:
    return 1 if isinstance(network.get_submodule(name.rpartition(".")[0]), _ConvTransposeNd) else 0


@torch.no_grad()
def _prune(weights: list[nn.Parameter], share: float) -> None:
    """Set the weights with the least magnitude, over all of them together, to zero."""
    once: list[nn.Parameter] = list(dict.fromkeys(weights))
    sizes = torch.cat([weight.abs().flatten() for weight in once])
    least = torch.topk(sizes, round(share * len(sizes)), largest=False, sorted=False).indices
    kept = torch.ones(len(sizes), dtype=torch.bool, device=sizes.device)
    kept[least] = False
    for weight, mask in zip(once, torch.split(kept, [weight.numel() for weight in once]), strict=True):
        weight.mul_(mask.reshape(weight.shape))
