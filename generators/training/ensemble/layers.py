"""Layers that hold the weights of several models, and give gradients by what they saw and what came back.

A batch is all models' rows end to end, model by model; only layers with weights need to know whose row is whose. Each
model's weights are used for its own rows.

Weights are no part of autograd's graph, which only carries back what each layer's output did to the loss. Of this and
of its input a layer of linear algebra knows everything: the sum of its rows' gradients is one product, and each row's
norm is a sum of squares (Goodfellow 2015; Li et al. 2022). So one backward pass serves both kinds of training, and the
gradients go straight to where the optimiser wants them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


class StackingError(Exception):
    """The network has something that this way of training does not know; the message says what."""


class Whose:
    """Whose each row of the present batch is.

    Attributes:
        counts: Rows of each model.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = list(counts)

    @property
    def even(self) -> bool:
        """Whether all models have equally many rows, so that products can be batched."""
        return min(self.counts) == max(self.counts)

    def models(self) -> Tensor:
        """Return the number of each row's model, shape (rows,)."""
        return torch.repeat_interleave(torch.arange(len(self.counts)), torch.tensor(self.counts))


class StackedLayer(nn.Module, ABC):
    """A layer with the weights of several models.

    Attributes:
        whose: Whose the rows of the present batch are; one object for all layers of a stack.
        weights: Of each parameter, all models' values, shape (models, ...).
        gradients: Where the gradients go, likewise.
        out: What it returned, on the way to the loss.
    """

    def __init__(self, whose: Whose, weights: dict[str, Tensor], gradients: dict[str, Tensor]) -> None:
        super().__init__()
        self.whose, self.weights, self.gradients = whose, weights, gradients
        self.seen: Tensor | None = None
        self.out: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        """All models' weights, for networks that ask where or of what type they are."""
        return self.weights["weight"]

    @abstractmethod
    def squared_norms(self, sent: Tensor) -> Tensor:
        """Return the squared norm of each row's gradient, shape (rows,), by what came back to the output."""

    @abstractmethod
    def put_gradients(self, sent: Tensor, *, add: bool) -> None:
        """Have each model's sum over rows in `gradients`, or add it to what is there."""

    def keep(self, seen: Tensor, out: Tensor) -> Tensor:
        """Remember a pass until `forget`."""
        if self.out is not None:
            raise StackingError(f"a {type(self).__name__.removeprefix('Stacked')} layer is used twice in one pass")
        self.seen, self.out = seen.detach(), out if out.requires_grad else out.requires_grad_()
        return self.out

    def forget(self) -> None:
        """Make room for the next pass."""
        self.seen = self.out = None

    def take_out(self, rows: Tensor) -> None:
        """Have some rows count as zero, which could not be done by a factor: they may be infinite."""
        if self.input().is_floating_point():
            self.seen = self.input().masked_fill(rows.view(-1, *[1] * (self.input().ndim - 1)), 0.0)

    def input(self) -> Tensor:
        """Return what the layer saw."""
        if self.seen is None:
            raise StackingError(f"a {type(self).__name__.removeprefix('Stacked')} layer is not used")
        return self.seen


class StackedLinear(StackedLayer):
    """Linear layers: one batched product, or one product a model where they have unequally many rows."""

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows of shape (rows, ..., inputs) to (rows, ..., outputs)."""
        weight, bias = self.weights["weight"], self.weights.get("bias")
        if self.whose.even:
            batched = rows.reshape(len(weight), -1, rows.shape[-1])
            turned = weight.transpose(1, 2)
            out = torch.bmm(batched, turned) if bias is None else torch.baddbmm(bias[:, None], batched, turned)
            return self.keep(rows, out.view(*rows.shape[:-1], -1))
        parts = torch.split(rows, self.whose.counts)
        biases = [None] * len(weight) if bias is None else bias.unbind()
        each = [functional.linear(*three) for three in zip(parts, weight.unbind(), biases, strict=True)]
        return self.keep(rows, torch.cat(each))

    def squared_norms(self, sent: Tensor) -> Tensor:
        """Norms multiply where a row is seen once; else the sum over pairs of places of both inner products."""
        seen, sent = _by_place(self.input()), _by_place(sent)
        if sent.shape[1] == 1:
            back = _squares(sent)
            norms = _squares(seen) * back
            return norms + back if "bias" in self.weights else norms
        norms = (torch.bmm(seen, seen.mT) * torch.bmm(sent, sent.mT)).sum((1, 2))
        return norms + _squares(sent.sum(1)) if "bias" in self.weights else norms

    def put_gradients(self, sent: Tensor, *, add: bool) -> None:
        """Multiply what came back by what was seen."""
        weight, bias, beta = self.gradients["weight"], self.gradients.get("bias"), int(add)
        seen = self.input()
        if self.whose.even:
            batched = sent.reshape(len(weight), -1, sent.shape[-1])
            weight.baddbmm_(batched.mT, seen.reshape(len(weight), -1, seen.shape[-1]), beta=beta)
            if bias is not None:
                bias.mul_(beta).add_(batched.sum(1))
            return
        parts = zip(torch.split(sent, self.whose.counts), torch.split(seen, self.whose.counts), strict=True)
        for model, (back, given) in enumerate(parts):
            flat = back.flatten(0, -2)
            weight[model].addmm_(flat.T, given.flatten(0, -2), beta=beta)
            if bias is not None:
                bias[model].mul_(beta).add_(flat.sum(0))


class StackedEmbedding(StackedLayer):
    """Embeddings: each row's numbers look into its own model's table."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Map numbers of shape (rows, ...) to (rows, ..., width)."""
        return self.keep(tokens, self.weights["weight"][self._models(tokens), tokens])

    def squared_norms(self, sent: Tensor) -> Tensor:
        """Places that look up the same entry add up before they are squared."""
        tokens, sent = self.input().view(len(sent), -1), _by_place(sent)
        same = tokens[:, :, None] == tokens[:, None]
        return torch.where(same, torch.bmm(sent, sent.mT), 0.0).sum((1, 2))

    def put_gradients(self, sent: Tensor, *, add: bool) -> None:
        """Add to the entries that were looked up."""
        tokens = self.input()
        if not add:
            self.gradients["weight"].zero_()
        where = (self._models(tokens).expand_as(tokens), tokens)
        self.gradients["weight"].index_put_(where, sent, accumulate=True)

    def _models(self, tokens: Tensor) -> Tensor:
        return self.whose.models().view(-1, *[1] * (tokens.ndim - 1))


class StackedLayerNorm(StackedLayer):
    """Layer normalisations over the last axis, whose scale and shift differ."""

    def __init__(self, whose: Whose, weights: dict[str, Tensor], gradients: dict[str, Tensor], eps: float) -> None:
        super().__init__(whose, weights, gradients)
        self.eps = eps

    def forward(self, rows: Tensor) -> Tensor:
        """Normalise rows of shape (rows, ..., width)."""
        normal = functional.layer_norm(rows, rows.shape[-1:], eps=self.eps)
        models, between = self.whose.models(), (1,) * (rows.ndim - 2)
        out = normal * self.weights["weight"][models].view(len(rows), *between, -1)
        if "bias" in self.weights:
            out = out + self.weights["bias"][models].view(len(rows), *between, -1)
        return self.keep(normal, out)

    def squared_norms(self, sent: Tensor) -> Tensor:
        """The gradients are as short as a row: they are formed."""
        return torch.stack([own.square().sum(1) for own in self._own(sent).values()]).sum(0)

    def put_gradients(self, sent: Tensor, *, add: bool) -> None:
        """Add rows' gradients to their models'."""
        for name, own in self._own(sent).items():
            if not add:
                self.gradients[name].zero_()
            self.gradients[name].index_add_(0, self.whose.models(), own)

    def _own(self, sent: Tensor) -> dict[str, Tensor]:
        of = {"weight": sent * self.input(), "bias": sent}
        return {name: _by_place(of[name]).sum(1) for name in self.weights}


def _squares(rows: Tensor) -> Tensor:
    """Return each row's sum of squares, shape (rows,), without forming the squares."""
    norms: Tensor = torch.linalg.vector_norm(rows.flatten(1), dim=1)
    return norms.square()


def _by_place(rows: Tensor) -> Tensor:
    """Return numbers of shape (rows, ..., width) as (rows, places, width)."""
    return rows.reshape(len(rows), -1, rows.shape[-1])


def stacked(layer: nn.Module, whose: Whose, weights: dict[str, Tensor], gradients: dict[str, Tensor]) -> StackedLayer:
    """Return what stands for a layer of each model.

    Raises:
        StackingError: The layer is of a kind, or used in a way, that is not known here.
    """
    if type(layer) is nn.Linear:
        return StackedLinear(whose, weights, gradients)
    if type(layer) is nn.Embedding and layer.padding_idx is None and layer.max_norm is None:
        return StackedEmbedding(whose, weights, gradients)
    if type(layer) is nn.LayerNorm and len(layer.normalized_shape) == 1:
        return StackedLayerNorm(whose, weights, gradients, layer.eps)
    raise StackingError(f"layers of type {type(layer).__name__} cannot be stacked")
