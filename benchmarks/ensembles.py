"""How much faster are many networks trained together? Shadows of `tabular-vae` on Adult, in one run.

    python -m benchmarks.ensembles                         # 64 shadows on two threads
    python -m benchmarks.ensembles --threads 1 --models 16

Each shadow learns 1,000 rows of Adult, drawn from 2,000, 64 records a step. Five ways take turns in short rounds, each
with all shadows, and ratios are those of the medians: one after another, by the loop that trains one network; together;
both again under a budget, where one after another is by Opacus' default hooks, which form every row's gradient; and the
bare batched products of a step: what all layers need forward and backward, in as many networks at once, and nothing
else. Batches, clipping and noise are the same in both private ways. What a run needs before its first step is left out.
Times are by the clock; on one thread, of the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import torch
from opacus.grad_sample import GradSampleModule
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn

from benchmarks.adult import adult
from benchmarks.shown import Bar, data_folder, header, line
from generators import PrivatePlan, TabularVAE
from generators.models.ensemble import _TASK
from generators.training import Course, Phase, train
from generators.training.ensemble import PaidRun, Run, models_at_once, train_many, train_many_privately
from generators.training.randomness import system_entropy

BATCH, RECORDS, POOL = 64, 1000, 2000
LEARNING_RATE = 1e-3

Way = Callable[[int], None]
"""Takes so many steps."""


@dataclass(frozen=True)
class Shadows:
    """Networks with fresh weights, and the rows of each."""

    networks: list[nn.Module]
    rows: list[Tensor]

    @property
    def at_once(self) -> int:
        """How many are trained at once: as many as `fit_many` takes together."""
        return min(_TASK, models_at_once(self.networks[0], len(self.networks), self.rows[0][:2], BATCH))

    def one_after_another(self, steps: int) -> None:
        """Train all, by the loop that trains one."""
        course = Course(steps, batch_size=BATCH, learning_rate=LEARNING_RATE)
        for own, rows in zip(self.networks, self.rows, strict=True):
            network = deepcopy(own)
            phase = Phase(network, list(network.parameters()))
            train(network, rows, [phase], course, order=torch.Generator().manual_seed(0))

    def together(self, steps: int) -> None:
        """Train all, as many at once as is fast."""
        course = Course(steps, batch_size=BATCH, learning_rate=LEARNING_RATE)
        for networks, rows in self._groups():
            runs = [
                Run(network, own, course, torch.Generator().manual_seed(number), torch.Generator().manual_seed(number))
                for number, (network, own) in enumerate(zip(networks, rows, strict=True))
            ]
            train_many(runs)

    def together_privately(self, steps: int) -> None:
        """Train all under a budget, as many at once as is fast."""
        for networks, rows in self._groups():
            runs = [PaidRun(network, own, _plan(steps)) for network, own in zip(networks, rows, strict=True)]
            train_many_privately(runs, learning_rate=LEARNING_RATE)

    def by_hooks(self, steps: int) -> None:
        """Train all by Opacus' default hooks, one after another."""
        for own, rows in zip(self.networks, self.rows, strict=True):
            self._by_hooks(own, rows, steps)

    def products(self, steps: int) -> None:
        """Do the batched products of steps of all networks, as many at once as is fast."""
        for networks, _ in self._groups():
            layers = [one for one in networks[0].modules() if isinstance(one, nn.Linear)]
            seen = [torch.rand(len(networks), BATCH, one.in_features) for one in layers]
            sent = [torch.rand(len(networks), BATCH, one.out_features) for one in layers]
            weights = [torch.rand(len(networks), one.out_features, one.in_features) for one in layers]
            gradients, out, back = (deepcopy(one) for one in (weights, sent, seen))
            for _ in range(steps):
                for place in range(len(layers)):
                    torch.bmm(seen[place], weights[place].mT, out=out[place])
                for place in reversed(range(len(layers))):
                    torch.bmm(sent[place].mT, seen[place], out=gradients[place])
                    if place > 0:  # nobody needs what comes back to the records
                        torch.bmm(sent[place], weights[place], out=back[place])

    @staticmethod
    def _by_hooks(network: nn.Module, rows: Tensor, steps: int) -> None:
        plan, sampler = _plan(steps), system_entropy()
        wrapped = GradSampleModule(deepcopy(network), loss_reduction="sum")
        optimizer = DPOptimizer(
            torch.optim.AdamW(wrapped.parameters(), lr=LEARNING_RATE, weight_decay=0.0),
            noise_multiplier=plan.noise_multiplier,
            max_grad_norm=plan.clip,
            expected_batch_size=plan.expected_batch_size,
            loss_reduction="mean",
            generator=system_entropy(),
        )
        for _ in range(steps):
            drawn = torch.rand(len(rows), generator=sampler, dtype=torch.float64) < plan.sampling_rate
            wrapped(rows[torch.nonzero(drawn).flatten()]).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        wrapped.remove_hooks()

    def _groups(self) -> list[tuple[list[nn.Module], list[Tensor]]]:
        size = self.at_once
        starts = range(0, len(self.networks), size)
        return [(deepcopy(self.networks[at : at + size]), self.rows[at : at + size]) for at in starts]


def shadows(data_given: str | None, models: int) -> Shadows:
    """Return so many shadows of `tabular-vae`."""
    data = adult(data_folder(data_given))
    pool = data.train.iloc[:POOL].reset_index(drop=True)
    problem = partial(TabularVAE().training_problem, pool, data.schema.learnt_from(pool), public_only=False)
    _, rows = problem()
    rng = np.random.default_rng(0)
    own = [rows[torch.from_numpy(rng.permutation(POOL)[:RECORDS])] for _ in range(models)]
    networks = [problem()[0] for _ in own]
    return Shadows(networks, own)


def milliseconds(ways: dict[str, Way], models: int, steps: int, rounds: int) -> dict[str, list[float]]:
    """Return the time of one network's step in each way and round, in ms.

    Args:
        ways: Each trains all networks.
        models: How many they are.
        steps: Of a round.
        rounds: After a first one, which warms up.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            spent = (_seconds(way, steps + 1) - _seconds(way, 1)) * 1000 / steps / models
            if number > 0:
                found[name].append(spent)
    return found


def ratios(rounds: dict[str, list[float]]) -> list[Bar]:
    """Return what is held against a bar: ratios of medians over rounds."""
    found = {name: median(spent) for name, spent in rounds.items()}
    together, private = found["together"], found["together, private"]
    return [
        Bar("one after another over together", found["one after another"] / together, 8.0),
        Bar("share of the rate of batched products", found["batched products"] / together, 0.5),
        Bar("private over plain, together", private / together, 1.6, upward=False),
        Bar("Opacus' default hooks over together, private", found["Opacus' default hooks"] / private, 10.0),
    ]


def _plan(steps: int) -> PrivatePlan:
    """Return a run of so many steps; what it would spend does not matter here."""
    return PrivatePlan(RECORDS, BATCH / RECORDS, steps, noise_multiplier=1.0, clip=1.0, epsilon=1.0, delta=1e-5)


def _seconds(way: Way, steps: int) -> float:
    # On one thread processor time is the same, but for what else the machine does.
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    way(steps)
    return clock() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the ratios beside their bars, and what they are made of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    made = shadows(given.data, given.models)
    ways: dict[str, Way] = {
        "one after another": made.one_after_another,
        "together": made.together,
        "batched products": made.products,
        "together, private": made.together_privately,
        "Opacus' default hooks": made.by_hooks,
    }
    found = milliseconds(ways, given.models, given.steps, given.rounds)
    print(f"{given.models} networks, {made.at_once} at once; ms of one network's step, median of the rounds (least):")
    print("; ".join(f"{name} {median(spent):.2f} ({min(spent):.2f})" for name, spent in found.items()))
    print(header())
    for bar in ratios(found):
        print(line(bar), flush=True)


if __name__ == "__main__":
    main()
