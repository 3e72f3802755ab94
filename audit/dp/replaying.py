"""What a step should have released: its clipped sum, computed again without Opacus, from first principles.

At the start of a pass the auditor keeps the rows, the weights and the state of torch's generator. The same pass made
again meets the same draws, so that the norm of each row's own gradient can be had by plain differentiation, and the sum
of the rows clipped by the definition. What the step released beyond that is its noise: on every parameter, not only on
those of canaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    """What is kept of a step.

    Attributes:
        weights: Before the step.
        beside: Those of a network that learns beside it, such as a GAN's generator.
        passes: Each pass's rows, and the state of torch's generator before it.
        released: The noisy mean gradient.
    """

    weights: dict[str, Tensor]
    beside: dict[str, Tensor] = field(default_factory=dict)
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


def replayed(objective: nn.Module, step: Step, plan: PrivatePlan, beside: nn.Module | None = None) -> Replay:
    """Compute a step again.

    Args:
        objective: An untouched copy of what was trained, without anybody's hooks.
        step: What was kept of it.
        plan: What the run was to do.
        beside: The network that learns beside it, as the copy of the objective knows it.
    """
    if beside is not None:
        beside.load_state_dict(step.beside)
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
    objective.train()
    for batch, state in step.passes:
        with torch.random.fork_rng(devices=[]), _linear_layers(objective) as calls:
            torch.set_rng_state(state)
            losses = objective(batch)
        known = {id(one) for layer in calls for one in layer.parameters(recurse=False)}
        simple = all(len(made) == 1 for made in calls.values()) and known >= {id(one) for one in parameters.values()}
        norms = _norms_of_linear_layers(losses, calls) if simple else _norms_row_by_row(losses, parameters)
        factors = (clip / norms.clamp_min(1e-12)).clamp_max(1.0).to(losses)
        summed = torch.autograd.grad((factors * losses).sum(), list(parameters.values()))
        for name, one in zip(total, summed, strict=True):
            total[name] += one.double()
    return total


Calls = dict[nn.Linear, list[tuple[Tensor, Tensor]]]
"""What each layer was fed and what it gave, each time it was used."""


@contextmanager
def _linear_layers(objective: nn.Module) -> Iterator[Calls]:
    """Note what linear layers are fed and what they give while the block runs."""
    calls: Calls = {}

    def note(layer: nn.Module, fed: tuple[Tensor, ...], gave: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            calls.setdefault(layer, []).append((fed[0], gave))

    hooks = [layer.register_forward_hook(note) for layer in objective.modules() if isinstance(layer, nn.Linear)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _norms_of_linear_layers(losses: Tensor, calls: Calls) -> Tensor:
    """Norms of rows' gradients: that of a weight is the product of what is sent back and what the layer was fed."""
    back = torch.autograd.grad(losses.sum(), [gave for made in calls.values() for _, gave in made], retain_graph=True)
    squares = torch.zeros(len(losses), dtype=torch.float64)
    for (layer, made), sent in zip(calls.items(), back, strict=True):
        fed, sent = made[0][0].detach().double(), sent.double()
        if fed.ndim == 2:
            squares += (fed**2).sum(dim=1) * (sent**2).sum(dim=1)
        else:
            squares += (torch.einsum("n...o,n...i->noi", sent, fed) ** 2).sum(dim=(1, 2))
        if layer.bias is not None:
            squares += (sent.flatten(1, -2).sum(dim=1) ** 2).sum(dim=1) if sent.ndim > 2 else (sent**2).sum(dim=1)
    return squares.sqrt()


def _norms_row_by_row(losses: Tensor, parameters: dict[str, nn.Parameter]) -> Tensor:
    """Norms of rows' gradients for any layers, by a backward pass for each row: slow."""
    size = max(1, _AT_ONCE // sum(parameter.numel() for parameter in parameters.values()))
    norms = []
    for rows in torch.split(torch.eye(len(losses), dtype=losses.dtype, device=losses.device), size):
        own = torch.autograd.grad(
            losses, list(parameters.values()), grad_outputs=rows, is_grads_batched=True, retain_graph=True
        )
        norms.append(torch.stack([one.flatten(1).double().norm(dim=1) for one in own]).norm(dim=0))
    return torch.cat(norms)
