"""One private run in several processes, which torchrun starts: each holds the whole network, and a share of the units.

Formal guarantee: that of a run in one process, with the same plan. Every unit belongs to one process alone, which draws
it into its batches with the plan's probability, independently of all others, and clips its gradient; sums of sums are
sums. Noise of the plan's deviation is added once, to the first process's sum, before anything is released. What the
others send to be added up has no noise, and is seen by nobody but the processes of the run: run them on machines, and
over a network, that may see the records. Draws are secret and independent in each process, so that a unit's coming or
going shifts nobody else's, in whichever process these then find themselves.

The first process leads: it alone questions the data, is charged, draws noise, and writes files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.optimizers.ddpoptimizer_fast_gradient_clipping import DistributedDPOptimizerFastGradientClipping
from torch import Tensor
from torch import distributed as dist

from generators.errors import InputError
from generators.privacy.plan import PrivatePlan


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun started together, if it did, until the run is over."""
    if not dist.is_torchelastic_launched() or int(os.environ["WORLD_SIZE"]) == 1:
        yield
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def processes() -> int:
    """Return how many processes take part in the run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number, from 0."""
    return dist.get_rank() if processes() > 1 else 0


def leads() -> bool:
    """Return whether this is the first process."""
    return rank() == 0


def tell(facts: Mapping[str, Any]) -> None:
    """Tell the other processes something, as the first one; they wait for it in `told`."""
    if processes() > 1:
        dist.broadcast_object_list([dict(facts)], src=0)


def told() -> dict[str, Any]:
    """Wait for what the first process tells.

    Raises:
        InputError: It has ended, and told its user why.
    """
    facts: list[Any] = [None]
    try:
        dist.broadcast_object_list(facts, src=0)
    except RuntimeError as error:
        raise InputError("the first process of this run has ended; its own message says why") from error
    return dict(facts[0])


def share(tensors: Iterable[Tensor]) -> None:
    """Put the first process's values into every process's tensors."""
    if processes() > 1:
        with torch.no_grad():
            for tensor in tensors:
                dist.broadcast(tensor, src=0)


def own_units(rows: Tensor, people: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return the rows of this process's units, and their people, if any, numbered anew without gaps.

    Args:
        rows: All rows, the same in every process.
        people: Which person each belongs to, numbered from 0 without gaps; None where each row is a unit of its own.

    Raises:
        InputError: Processes were given different rows, so that some unit could be in two of them.
    """
    if processes() == 1:
        return rows, people
    seen: list[Any] = [None] * processes()
    dist.all_gather_object(seen, _fingerprint(rows, people))
    if len(set(seen)) > 1:
        raise InputError("the processes of this run hold different records; give each of them all, in the same order")
    if people is None:
        return rows[rank() :: processes()], None
    mine = people % processes() == rank()
    return rows[mine.to(rows.device)], people[mine] // processes()


def noisy_optimizer(
    inner: torch.optim.Optimizer, plan: PrivatePlan, noise: torch.Generator
) -> DPOptimizerFastGradientClipping:
    """Return what turns sums of clipped gradients into noisy means and takes a step with them.

    The denominator is fixed and public, and not rounded: with "mean", Opacus divides the noisy sum by exactly this. In
    several processes it divides each one's sum so, adds up, and divides by their number.
    """
    kind = DistributedDPOptimizerFastGradientClipping if processes() > 1 else DPOptimizerFastGradientClipping
    return kind(
        inner,
        noise_multiplier=plan.noise_multiplier,
        max_grad_norm=plan.clip,
        expected_batch_size=plan.expected_batch_size / processes(),
        generator=noise,
    )


def _fingerprint(rows: Tensor, people: Tensor | None) -> str:
    found = hashlib.sha256(str(rows.shape).encode() + rows.cpu().contiguous().numpy().tobytes())
    if people is not None:
        found.update(people.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
