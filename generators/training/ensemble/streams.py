"""Random numbers of a batch that several models share: each model's rows draw from its own stream.

A network trained alone asks torch's global generator for a batch's numbers, such as a VAE's latent noise. Its rows in a
shared batch must get the very same numbers, whoever else is in it: so results do not depend on who is trained together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor
from torch.overrides import TorchFunctionMode

from generators.training.ensemble.layers import StackingError, Whose


class OwnStreams(TorchFunctionMode):
    """While it is entered, draws for all rows are made of one draw for each model's rows.

    Args:
        streams: Each model's generator.
        whose: Whose the rows are.

    Example:
        >>> streams = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
        >>> with OwnStreams(streams, Whose([2, 2])):
        ...     shared = torch.randn(4, 3)
        >>> bool((shared[2:] == torch.randn(2, 3, generator=torch.Generator().manual_seed(2))).all())
        True
    """

    def __init__(self, streams: Sequence[torch.Generator], whose: Whose) -> None:
        super().__init__()
        self.streams, self.whose = streams, whose

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Draw for each model if this is a draw; else do what was asked."""
        del types
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is None:
            if func in (torch.rand, torch.randn):
                size = (
                    list(args) if args and isinstance(args[0], int) else list(args[0] if args else kwargs.pop("size"))
                )
                return self._cat(size[0], lambda rows, stream: func(rows, *size[1:], generator=stream, **kwargs))
            if func in (torch.rand_like, torch.randn_like) and not kwargs:
                return self._like(args[0], Tensor.uniform_ if func is torch.rand_like else Tensor.normal_)
            if func is functional.dropout:
                return self._dropped(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropped(self, rows: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        del inplace
        if not training or p == 0:
            return rows
        return rows * self._like(rows, lambda like, generator: like.bernoulli_(1 - p, generator=generator).div_(1 - p))

    def _like(self, rows: Tensor, fill: Callable[..., Tensor]) -> Tensor:
        self._require_all(len(rows))
        parts = zip(torch.split(rows, self.whose.counts), self.streams, strict=True)
        # Laid out in memory as the rows are, which decides the order in which a draw fills them.
        return torch.cat([fill(torch.empty_like(part), generator=stream) for part, stream in parts])

    def _cat(self, rows: int, draw: Callable[[int, torch.Generator], Tensor]) -> Tensor:
        self._require_all(rows)
        return torch.cat([draw(count, one) for count, one in zip(self.whose.counts, self.streams, strict=True)])

    def _require_all(self, rows: int) -> None:
        if rows != sum(self.whose.counts):
            raise StackingError(f"random numbers are drawn for {rows} rows, of {sum(self.whose.counts)} in the batch")
