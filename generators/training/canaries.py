"""Canary records for audits of private training, which the shipped loop treats like any other record."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WithCanaries(nn.Module):
    """An objective with one extra coordinate per canary.

    A canary is a record whose loss depends on one weight of its own, in a bias-free linear layer that is fed the
    canary's number one-hot (zeros for ordinary records). Its gradient points along that coordinate alone and is long
    enough to be clipped, so the noisy gradient there tells an auditor whether the canary was in the batch, and ghost
    clipping handles it like every other record (Steinke, Nasr and Jagielski 2023, adapted).

    Args:
        objective: The objective to audit; maps a batch of rows to one loss per row.
        count: Number of canaries, at least 1.
        scale: Length of a canary's gradient before clipping: one number for all, or one for each, shape (count,).

    Example:
        >>> audited = WithCanaries(nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), count=3, scale=100.0)
        >>> audited(audited.rows(torch.ones(5, 2))).shape
        torch.Size([8])
    """

    scales: Tensor

    def __init__(self, objective: nn.Module, count: int, scale: float | Tensor) -> None:
        super().__init__()
        self.objective = objective
        self.count = count
        self.register_buffer("scales", torch.as_tensor(scale, dtype=torch.get_default_dtype()).expand(count).clone())
        self.probe = nn.Linear(count, 1, bias=False)
        nn.init.zeros_(self.probe.weight)

    def rows(self, ordinary: Tensor, canaries: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
        """Append canaries to ordinary rows.

        Args:
            ordinary: Shape (rows, columns).
            canaries: Numbers of the canaries to include, all by default.
            weights: What each ordinary row's loss is multiplied with, shape (rows,); 1 by default. A large one makes a
                real record whose gradient must be clipped.

        Returns:
            Shape (rows + canaries, columns + 2); the last column says which canary a row is, or, of the ordinary row
            i, -1 - i; the one before it holds the weights.
        """
        numbers = torch.arange(self.count) if canaries is None else canaries
        blank = ordinary[:1].expand(len(numbers), -1)
        which = torch.cat([-1 - torch.arange(len(ordinary)), numbers]).to(ordinary)
        loud = torch.ones(len(which)).to(ordinary)
        if weights is not None:
            loud[: len(ordinary)] = weights.to(ordinary)
        return torch.cat([torch.cat([ordinary, blank]), loud[:, None], which[:, None]], dim=1)

    def forward(self, batch: Tensor) -> Tensor:
        """Return one loss per row: the objective's, or a canary's own."""
        which = batch[:, -1].long()
        one_hot = (which[:, None] == torch.arange(self.count, device=which.device)).to(self.probe.weight.dtype)
        own: Tensor = (one_hot @ self.scales) * self.probe(one_hot).squeeze(1)
        ordinary: Tensor = batch[:, -2].to(own.dtype) * self.objective(batch[:, :-2])
        return torch.where(which < 0, ordinary, torch.zeros_like(own)) + own
