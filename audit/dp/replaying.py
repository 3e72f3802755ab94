"""What a step should have released: its clipped sum, computed again without Opacus, from first principles.

At the start of a pass the auditor keeps the rows, the weights and the state of torch's generator. The same pass made
again meets the same draws, so that each row's own gradient can be had by plain differentiation, clipped by the
definition, and added up. What the step released beyond that is its noise: on every parameter, not only on canaries'.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from audit.statistics import Floats
from generators.privacy import PrivatePlan
from generators.training.clipping import trained

_AT_ONCE = 2**24
"""Numbers in the gradients that are formed at once: 64 MiB."""


@dataclass
class Step:
    """What is kept of a step: weights before it, each pass's rows and state of the generator, what was released."""

    weights: dict[str, Tensor]
    passes: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    released: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Replay:
    """One step, by parameter.

    Attributes:
        noise: What was released beyond the clipped sum, in units of the noise's claimed deviation.
        clipped: The clipped sum itself, in units of the clipping norm.
    """

    noise: dict[str, Floats]
    clipped: dict[str, Floats]


def replayed(objective: nn.Module, step: Step, plan: PrivatePlan) -> Replay:
    """Compute a step again.

    Args:
        objective: An untouched copy of what was trained, without anybody's hooks.
        step: What was kept of it.
        plan: What the run was to do.
    """
    clipped = clipped_sum(objective, step, plan.clip)
    unit = plan.noise_multiplier * plan.clip
    return Replay(
        noise={
            name: ((step.released[name].double() * plan.expected_batch_size - clipped[name]) / unit).cpu().numpy()
            for name in clipped
        },
        clipped={name: (one / plan.clip).cpu().numpy() for name, one in clipped.items()},
    )


def clipped_sum(objective: nn.Module, step: Step, clip: float) -> dict[str, Tensor]:
    """Return the sum of the rows' gradients, each scaled down to norm `clip` over all parameters where it is longer."""
    parameters = trained(objective)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(step.weights[name])
    total = {name: torch.zeros_like(parameter, dtype=torch.float64) for name, parameter in parameters.items()}
    size = max(1, _AT_ONCE // sum(parameter.numel() for parameter in parameters.values()))
    objective.train()
    for batch, state in step.passes:
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(state)
            losses = objective(batch)
        for rows in torch.split(torch.eye(len(batch), dtype=losses.dtype, device=losses.device), size):
            own = torch.autograd.grad(
                losses, list(parameters.values()), grad_outputs=rows, is_grads_batched=True, retain_graph=True
            )
            norms = torch.stack([one.flatten(1).double().norm(dim=1) for one in own]).norm(dim=0)
            factors = (clip / norms.clamp_min(1e-12)).clamp_max(1.0)
            for name, one in zip(total, own, strict=True):
                total[name] += torch.tensordot(factors, one.double(), dims=1)
    return total
