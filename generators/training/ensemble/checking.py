"""Whether networks can be trained together: tried on a few rows, before any time is spent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from generators.training.ensemble.layers import StackingError
from generators.training.ensemble.stack import Stack
from generators.training.randomness import seeded

_ROWS = 4


def require_stackable(networks: Sequence[nn.Module], rows: Tensor) -> None:
    """Refuse networks that would not learn together what each learns alone.

    Two of them are run alone and together on a few rows, unequally many, with the same random numbers: losses and
    gradients must agree, and no random number may come from elsewhere.

    Args:
        networks: Of the same architecture.
        rows: Training records of the first.

    Raises:
        StackingError: They cannot be trained together; the message says why.
    """
    two = [networks[0], networks[-1]]
    batches = [rows[:_ROWS], rows[: _ROWS - 1]]
    try:
        stack = Stack(two)
        streams = [torch.Generator().manual_seed(number) for number in range(2)]
        with seeded(0, "cpu"):
            before = torch.get_rng_state()
            losses = stack.losses(torch.cat(batches), [len(batch) for batch in batches], streams)
            if not torch.equal(before, torch.get_rng_state()):
                raise StackingError("the network draws random numbers in a way that cannot be told apart by model")
        stack.put_gradients(losses, torch.ones_like(losses))
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise StackingError(f"the network does not run with stacked layers: {str(error).splitlines()[0]}") from error
    alone, gradients = [], []
    for number, (network, batch) in enumerate(zip(two, batches, strict=True)):
        with seeded(number, "cpu"):
            network.train()
            own = network(batch)
            found = torch.autograd.grad(own.sum(), list(network.parameters()))
        alone.append(own.detach())
        gradients.append(torch.cat([one.flatten() for one in found]))
    for what, theirs, ours in (
        ("losses", torch.cat(alone), losses.detach()),
        ("gradients", torch.stack(gradients), torch.cat([one.flatten(1) for one in stack.gradients], dim=1)),
    ):
        if not torch.allclose(theirs, ours, rtol=1e-3, atol=1e-4 * float(theirs.abs().max())):
            raise StackingError(f"{what} of networks run together differ from those of each alone")
