"""Several networks of one architecture as one, whose batches are all their rows end to end."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from generators.training.ensemble.layers import StackedLayer, StackingError, Whose, stacked
from generators.training.ensemble.streams import OwnStreams

__all__ = ["Stack", "StackingError"]


class Stack:
    """Networks that are trained together.

    Rows must not see each other in the network, as under DP-SGD; `require_stackable` tries whether that holds.

    Args:
        networks: Of the same architecture; they map a batch of rows to one loss per row.

    Attributes:
        weights: All models' values of each parameter, shape (models, ...): so they lie side by side for products.
        gradients: Where gradients go, likewise.

    Raises:
        StackingError: A network has other layers than linear ones, embeddings and layer normalisations, or weights
            outside of layers.

    Example:
        >>> stack = Stack([nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)) for _ in range(3)])
        >>> [weight.shape for weight in stack.weights]
        [torch.Size([3, 1, 2]), torch.Size([3, 1])]
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        first = networks[0]
        shapes = [(name, parameter.shape) for name, parameter in first.named_parameters()]
        if any([(name, one.shape) for name, one in other.named_parameters()] != shapes for other in networks):
            raise StackingError("the networks have parameters of different shapes")
        if any(parameter.device.type != "cpu" for parameter in first.parameters()):
            raise StackingError("networks are stacked on the CPU only")
        for place, buffer in enumerate(first.buffers()):
            if any(not torch.equal(buffer, list(other.buffers())[place]) for other in networks):
                raise StackingError("the networks have buffers that differ")
        self.whose = Whose([0] * len(networks))
        every = zip(*(network.parameters() for network in networks), strict=True)
        self.weights = [torch.stack([one.detach() for one in ones]) for ones in every]
        self.gradients = [torch.zeros_like(weight) for weight in self.weights]
        self.network, self._layers = self._stacked(first)
        self.network.train()

    def __len__(self) -> int:
        return len(self.weights[0])

    def losses(self, rows: Tensor, counts: Sequence[int], streams: Sequence[torch.Generator]) -> Tensor:
        """Return each row's loss, shape (rows,).

        Args:
            rows: All models' rows end to end.
            counts: How many each model has.
            streams: What each model draws its random numbers from.
        """
        self.whose.counts = list(counts)
        for layer in self._layers:
            layer.forget()
        with OwnStreams(streams, self.whose):
            losses: Tensor = self.network(rows)
        if losses.shape != (len(rows),):
            raise StackingError(f"the network returned losses of shape {tuple(losses.shape)}, expected ({len(rows)},)")
        return losses

    def put_gradients(self, losses: Tensor, weights: Tensor) -> None:
        """Have the gradient of a weighted sum of each model's losses in `gradients`.

        Args:
            losses: As returned by `losses`, just now.
            weights: Of each row, shape (rows,).
        """
        for layer, sent in zip(self._layers, self._sent_back(losses, weights), strict=True):
            layer.put_gradients(sent, add=False)

    def add_clipped_gradients(self, losses: Tensor, clips: Tensor, weights: Tensor) -> None:
        """Add to `gradients` weighted sums of rows' gradients, each first scaled down to a norm where it is longer.

        A row whose gradient is not finite counts as zero.

        Args:
            losses: As returned by `losses`, just now.
            clips: Largest norm of each row's gradient, over all parameters of its model, shape (rows,).
            weights: Of each row, shape (rows,).
        """
        sent = self._sent_back(losses, torch.ones_like(losses))
        squares = [layer.squared_norms(one) for layer, one in zip(self._layers, sent, strict=True)]
        norms = torch.stack(squares).sum(0).clamp_min(0).sqrt()
        factors = (clips / (norms + 1e-6)).clamp_max(1.0) * weights
        lost = ~norms.isfinite()
        any_lost = bool(lost.any())
        for layer, one in zip(self._layers, sent, strict=True):
            one = one * factors.view(-1, *[1] * (one.ndim - 1))
            if any_lost:
                one[lost] = 0.0
                layer.take_out(lost)
            layer.put_gradients(one, add=True)

    def give_back(self, networks: Sequence[nn.Module], weights: Sequence[Tensor]) -> None:
        """Put weights, shaped as `weights`, into the networks."""
        with torch.no_grad():
            for number, network in enumerate(networks):
                for parameter, values in zip(network.parameters(), weights, strict=True):
                    parameter.copy_(values[number])

    def _sent_back(self, losses: Tensor, weights: Tensor) -> Sequence[Tensor]:
        outs = [layer.out for layer in self._layers]
        if any(out is None for out in outs):
            raise StackingError("a layer is not used in every pass")
        return torch.autograd.grad(losses, outs, weights)  # type: ignore[arg-type]

    def _stacked(self, first: nn.Module) -> tuple[nn.Module, list[StackedLayer]]:
        network, layers = deepcopy(first), list[StackedLayer]()
        places = {id(parameter): place for place, parameter in enumerate(network.parameters())}
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:
                raise StackingError(f"parameter '{name}' is frozen")
        taken: set[int] = set()
        for path, module in list(network.named_modules()):
            own = {name: places[id(parameter)] for name, parameter in module.named_parameters(recurse=False)}
            if not own:
                continue
            if not path:
                raise StackingError("the network has weights of its own, outside of layers")
            if taken & set(own.values()):
                raise StackingError("weights are shared between layers")
            taken |= set(own.values())
            weights, gradients = (
                {name: both[place] for name, place in own.items()} for both in (self.weights, self.gradients)
            )
            layers.append(stacked(module, self.whose, weights, gradients))
            parent, _, child = path.rpartition(".")
            setattr(network.get_submodule(parent), child, layers[-1])
        return network, layers
