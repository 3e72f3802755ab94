"""What each process of a run does in the tests of several processes: `torchrun in_processes.py FOLDER`.

Every process writes what it saw as FOLDER/RANK.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generators import InputError, Ledger, PrivacyBudget, create
from generators.training import Checkpoints, PrivateCheckpoints, train_privately
from generators.training.distributed import joined, leads, rank
from generators.training.following import Follower
from tests.generators.models.toy import tabular
from tests.generators.training.test_private import Steep, gradients, plan

PEOPLE = torch.tensor([0, 0, 1, 2, 2, 2, 3, 4, 4, 5])


def records() -> Tensor:
    return torch.randn(10, 5, generator=torch.Generator().manual_seed(1))


def flat(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def weights_after_noise() -> list[float]:
    """Initial weights differ between the processes, and noise and batches are nobody's to replay."""
    objective = Steep(scale=1.0)
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.add_(rank())
    how = plan(rate=0.5, steps=30, noise=1.0)
    train_privately(objective, records(), how, learning_rate=0.1, ema=0.9, progress=False)
    return flat(objective).tolist()


def noise() -> list[float]:
    """Gradients are zero, so that what is released is noise: deviation 3 * 0.5 / (0.1 * 1000)."""
    how = plan(units=1000, rate=0.1, steps=20, noise=3.0, clip=0.5)
    return torch.cat(gradients(Steep(inputs=500, scale=0.0), torch.ones(1000, 500), how, None)).tolist()


def by_people() -> list[float]:
    """Everybody's records are alike, so that it does not matter which one stands for them."""
    [gradient] = gradients(Steep(scale=1.0), records()[:6][PEOPLE], plan(units=6, clip=0.5), people=PEOPLE)
    return gradient.tolist()


def followed() -> list[float]:
    """What learns beside the private network draws at random, in the first process alone."""
    objective, network = Steep(scale=1.0), nn.Linear(5, 5)

    def loss() -> Tensor:
        made = network(torch.randn(8, 5))
        return made.square().mean(dim=1)

    follower = Follower("a toy", network, loss, every=2, learning_rate=0.1, ema=0.5)
    how = plan(rate=0.5, steps=6, noise=1.0)
    before = flat(network)
    train_privately(objective, records(), how, learning_rate=0.1, between=follower, progress=False)
    assert not torch.isclose(before, flat(network)).any()
    return flat(network).tolist()


def resumed(folder: Path) -> dict[str, Any]:
    """Interrupted in the second block of two steps; only the first process holds the state."""
    path, seen = folder / "state.safetensors", list[int]()

    def run(observe: Callable[[int], None], resume: bool) -> nn.Module:
        objective = Steep(scale=1.0)
        saved = PrivateCheckpoints(Checkpoints(path, 2, resume), {}) if leads() else None
        how = plan(rate=0.5, steps=6, noise=1.0)
        train_privately(objective, records(), how, learning_rate=0.1, observe=observe, saved=saved, progress=False)
        return objective

    def interrupt(step: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        run(interrupt, resume=False)
    return {"weights": flat(run(seen.append, resume=True)).tolist(), "steps": seen}


def different_records() -> str:
    try:
        gradients(Steep(), records() + rank(), plan())
    except InputError as error:
        return str(error)
    return ""


def fitted(folder: Path) -> dict[str, Any]:
    ledger = Ledger.opened(folder / f"ledger-{rank()}.json")
    budget = PrivacyBudget(3, 1e-5)
    model = create("tabular-vae", epochs=4, bins=8).fit(tabular(), budget, progress=False, ledger=ledger)
    return {"weights": flat(model.network_).tolist(), "head": model.ledger_.head, "claim": model.ledger_.claim}


def refused() -> list[str]:
    found = []
    for kind, budget in (("tabular-vae", None), ("tabular-marginal", PrivacyBudget(3, 1e-5))):
        try:
            create(kind).fit(tabular(), budget, progress=False)
        except InputError as error:
            found.append(str(error))
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with joined():
        seen = {
            "sum": gradients(Steep(scale=1.0), records(), plan(clip=0.5))[0].tolist(),
            "huge": gradients(Steep(), records()[:1], plan(units=1, clip=0.7))[0].norm().item(),
            "people": by_people(),
            "weights": weights_after_noise(),
            "noise": noise(),
            "followed": followed(),
            "resumed": resumed(folder),
            "different": different_records(),
            "fitted": fitted(folder),
            "refused": refused(),
        }
        (folder / f"{rank()}.json").write_text(json.dumps(seen))
