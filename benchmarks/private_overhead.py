"""What does privacy cost a training step? Times `tabular-vae` without privacy, with it, and by bare Opacus, in one run.

    OMP_NUM_THREADS=1 python -m benchmarks.private_overhead

All three train the same network on Adult, 256 records a step. The private two are given the same Poisson batches; bare
Opacus is its ghost-clipping module and optimiser in the shortest loop that is right. They take turns in short rounds
on one thread, and CPU time is counted, so that other work on the machine falls on none of them: of each loop the
fastest round is shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from copy import deepcopy

import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping
from torch import Tensor, nn

from benchmarks.adult import adult
from benchmarks.shown import Bar, data_folder, header, line
from generators import PrivatePlan, TabularVAE
from generators.training import Course, Phase, train, train_privately
from generators.training.randomness import seeded, system_entropy

BATCH = 256
LEARNING_RATE = 1e-3
BARS = {"no privacy": 3.0, "bare Opacus": 1.1}
"""Largest ratio of our private step to each."""


def private_plan(rows: Tensor, steps: int, noise: float = 1.0) -> PrivatePlan:
    """Return a run of so many steps; what it would spend does not matter here."""
    return PrivatePlan(len(rows), BATCH / len(rows), steps, noise, clip=1.0, epsilon=1.0, delta=1e-5)


def without_privacy(network: nn.Module, rows: Tensor, steps: int, seed: int) -> None:
    """Train by the loop without privacy."""
    course = Course(steps, batch_size=BATCH, learning_rate=LEARNING_RATE)
    train(network, rows, [Phase(network, list(network.parameters()))], course, order=_generator(seed))


def with_privacy(network: nn.Module, rows: Tensor, steps: int, seed: int) -> None:
    """Train by the private loop that ships."""
    plan = private_plan(rows, steps)
    train_privately(network, rows, plan, learning_rate=LEARNING_RATE, shape="constant", test_seed=seed, progress=False)


def bare_opacus(network: nn.Module, rows: Tensor, steps: int, seed: int) -> None:
    """Train by Opacus' own parts, on the batches, draws and noise that the private loop has with this seed."""
    plan, sampler = private_plan(rows, steps), _generator(seed)
    wrapped = GradSampleModuleFastGradientClipping(network, max_grad_norm=plan.clip, loss_reduction="mean")
    optimizer = DPOptimizerFastGradientClipping(
        torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.0),
        noise_multiplier=plan.noise_multiplier,
        max_grad_norm=plan.clip,
        expected_batch_size=plan.expected_batch_size,
        generator=system_entropy(test_seed=seed),
    )
    with seeded(seed, "cpu"):
        for _ in range(steps):
            drawn = torch.rand(len(rows), generator=sampler, dtype=torch.float64) < plan.sampling_rate
            losses = wrapped(rows[torch.nonzero(drawn).flatten()])
            DPTensorFastGradientClipping(wrapped, optimizer, losses, "mean").backward()
            optimizer.step()
            optimizer.zero_grad()
    wrapped.to_standard_module()


LOOPS: dict[str, Callable[[nn.Module, Tensor, int, int], None]] = {
    "no privacy": without_privacy,
    "our private loop": with_privacy,
    "bare Opacus": bare_opacus,
}


def milliseconds(network: nn.Module, rows: Tensor, steps: int, rounds: int) -> dict[str, float]:
    """Return the CPU time of a step in each loop, in ms: that of its fastest round."""
    found = {name: float("inf") for name in LOOPS}
    for number in range(rounds + 1):
        for name, loop in LOOPS.items():
            own = deepcopy(network)
            start = time.process_time()
            loop(own, rows, steps, number)
            spent = (time.process_time() - start) * 1000 / steps
            if number > 0:  # the first round warms up
                found[name] = min(found[name], spent)
    return found


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def main() -> None:
    """Print both ratios beside their bars, and what they are made of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--steps", type=int, default=50, help="of a round")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = adult(data_folder(arguments.data))
    torch.manual_seed(0)
    network, rows = TabularVAE().training_problem(data.train, data.schema, public_only=False)
    found = milliseconds(network, rows, arguments.steps, arguments.rounds)
    print("; ".join(f"{name}: {spent:.1f} ms a step" for name, spent in found.items()))
    print(header())
    for other, bar in BARS.items():
        what = f"tabular-vae, batch {BATCH}: CPU time of a private step over that of {other}"
        print(line(Bar(what, found["our private loop"] / found[other], bar, upward=False)), flush=True)


if __name__ == "__main__":
    main()
