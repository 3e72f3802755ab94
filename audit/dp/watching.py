"""One real training run under a budget, with canaries among its records, and everything that an auditor sees of it.

The trainer is the shipped one: `Generator.fit` encodes, pays and plans as ever, and hands rows and plan to
`train_privately`. The auditor only adds records to the rows, and listens: which rows pass the network in each step, and
which noisy gradient the step releases. Nothing is re-implemented on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.checks.experiment import UndecidedError
from audit.dp.replaying import Replay, Step, replayed
from audit.statistics import Floats
from generators import Dataset, Generator, InputError, PrivacyBudget
from generators.models.running import Beside
from generators.privacy import PrivatePlan
from generators.training import History, WithCanaries, train_privately
from generators.training.clipping import modes_for, trained
from generators.training.following import Follower
from generators.training.private import RNG
from generators.training.schedules import schedule

LEAST_NORM = 10.0
NORMS = (10.0, 100.0, 1e3, 1e4)
"""Lengths of canaries' gradients before clipping, over the clipping norm: no bound on them but clipping itself."""

LOUD = 1e3
"""What some real records' losses are multiplied with, so that their gradients must be clipped too."""

LOUD_SHARE = 0.1
TWINS = 200
"""Copies of one real record, made loud: their gradients point the same way, so that what is not clipped adds up."""

MOST_TRACKED = 4000
"""Ordinary records whose presence in each batch is kept."""


@dataclass(frozen=True)
class Watched:
    """What an auditor saw of one private run.

    Attributes:
        plan: What the run was to do: sampling rate, steps, noise, clipping norm.
        coins: Which canaries were among the training records, by fair coins, shape (canaries,).
        norms: Length of each canary's gradient before clipping, over the clipping norm, shape (canaries,).
        released: What each step released on each canary's coordinate, as a noisy sum in units of the clipping norm,
            shape (steps, canaries). Where a canary was not in the batch, this is noise alone.
        drawn: How often each canary was in each step's batch, shape (steps, canaries).
        others: The same of other units (records, or people), at most `MOST_TRACKED`, shape (steps, units).
        sizes: Rows in each step's batch, shape (steps,).
        units: Units in the training records, canaries included.
        replays: Some steps in full, beside what an independent computation says that they should have released.
        strayed: Largest difference between the weights and what the released gradients alone make of them, as a share
            of the largest step.
    """

    plan: PrivatePlan
    coins: NDArray[np.bool_]
    norms: Floats
    released: NDArray[np.float32]
    drawn: NDArray[np.int16]
    others: NDArray[np.int16]
    sizes: NDArray[np.int64]
    units: int
    replays: list[Replay]
    strayed: float


def watched_fit(
    model: Generator,
    dataset: Dataset,
    budget: PrivacyBudget,
    *,
    canaries: int,
    replays: int,
    chance: np.random.Generator,
) -> Watched:
    """Train a model by its own `fit`, under a budget, with canaries among its records, and return what was seen.

    Args:
        model: What to train; its hyper-parameters decide how.
        dataset: Whose train part it learns from; its domains are public.
        budget: What the run may spend.
        canaries: How many coins are thrown; about half of the canaries are in the run.
        replays: Steps that are computed a second time.
        chance: Source of coins and choices; never of noise.

    Raises:
        UndecidedError: The model is not trained by noisy gradients, not in a way that lets canaries in, or to numbers
            that are not finite.
    """
    watch = Watch(canaries, replays, chance)
    model.fit_beside(dataset, budget, None, Beside(progress=False, loops=watch))
    if watch.seen is not None and not np.isfinite(watch.seen.released).all():
        raise UndecidedError(f"{model.kind} was trained to numbers that are not finite, from which nothing follows")
    if watch.seen is None:
        raise UndecidedError(f"{model.kind} is not trained by noisy gradients, so there are none to watch")
    return watch.seen


class Watch:
    """Stands in the place of `train_privately`, adds canaries to the rows, calls the real one, and keeps what it sees.

    Attributes:
        seen: What was seen, once the run is over.
    """

    rng = RNG

    def __init__(self, canaries: int, replays: int, chance: np.random.Generator) -> None:
        self.canaries, self.replays, self.chance = canaries, replays, chance
        self.seen: Watched | None = None

    def train(self, *arguments: Any, **keywords: Any) -> History:  # noqa: ARG002
        """Refuse: a run without a budget promises nothing that could be audited."""
        raise InputError("a run without a budget makes no claim that could be audited; give an epsilon")

    def train_privately(
        self, objective: nn.Module, rows: Tensor, plan: PrivatePlan, *, people: Tensor | None = None, **how: Any
    ) -> None:
        """Train by the shipped loop on the rows and the canaries."""
        if rows.ndim != 2 or "ghost" not in modes_for(objective):
            raise UndecidedError(
                "this kind's layers are clipped row by row, where an auditor cannot see yet which rows a batch holds"
            )
        coins = self.chance.random(self.canaries) < 0.5
        norms = self.chance.choice(NORMS, self.canaries)
        loud = np.where(self.chance.random(len(rows)) < LOUD_SHARE, LOUD, 1.0)
        rows, people, loud = _with_twins(rows, people, loud, int(self.chance.integers(len(rows))))
        audited = _Listening(objective, self.canaries, torch.from_numpy(norms * plan.clip).float())
        inside = torch.from_numpy(np.flatnonzero(coins))
        follower: Follower | None = how.get("between")
        audited.beside = [] if follower is None else [follower.network]
        chosen = self.chance.permutation(plan.steps)[: self.replays // 2]
        # Steps come in pairs: what one step's noise has to do with the next one's must show, too.
        audited.steps = {step for one in chosen.tolist() for step in (one, one + 1)}
        untouched = copy.deepcopy(audited)
        ledger = _Kept(audited, untouched, plan, how)
        told: Callable[[int], None] | None = how.pop("observe", None)

        def observe(step: int) -> None:
            ledger.step(step)
            if told is not None:
                told(step)

        train_privately(
            audited,
            audited.rows(rows, inside, torch.from_numpy(loud)),
            plan,
            people=None if people is None else torch.cat([people, int(people.max()) + 1 + torch.arange(len(inside))]),
            mode="ghost",
            observe=observe,
            **how,
        )
        units = len(rows) if people is None else int(people.max()) + 1
        whose = np.arange(len(rows)) if people is None else people.cpu().numpy()
        tracked = np.sort(self.chance.permutation(units)[:MOST_TRACKED])
        drawn, others = _counts(ledger.batches, self.canaries, whose, tracked)
        self.seen = Watched(
            plan=plan,
            coins=coins,
            norms=norms,
            released=np.stack(ledger.released),
            drawn=drawn,
            others=others,
            sizes=np.array([len(batch) for batch in ledger.batches]),
            units=units + len(inside),
            replays=[replayed(untouched, step, plan, *untouched.beside) for step in audited.kept],
            strayed=ledger.strayed,
        )


def _with_twins(rows: Tensor, people: Tensor | None, loud: Floats, whose: int) -> tuple[Tensor, Tensor | None, Floats]:
    """Append copies of one row, each a unit of its own."""
    if people is not None:
        people = torch.cat([people, int(people.max()) + 1 + torch.arange(TWINS).to(people)])
    return torch.cat([rows, rows[whose].expand(TWINS, -1)]), people, np.concatenate([loud, np.full(TWINS, LOUD)])


class _Listening(WithCanaries):
    """Notes which rows pass, and for some steps all that is needed to compute them a second time."""

    def __init__(self, objective: nn.Module, count: int, scale: Tensor) -> None:
        super().__init__(objective, count, scale)
        self.steps: set[int] = set()
        self.now = 0
        self.passed: list[NDArray[np.int64]] = []
        self.kept: list[Step] = []
        self.beside: list[nn.Module] = []  # in a list, so that its parameters are none of this module's
        self._step: Step | None = None

    def forward(self, batch: Tensor) -> Tensor:
        """Return one loss per row."""
        self.passed.append(batch[:, -1].detach().long().cpu().numpy())
        if self.now in self.steps:
            if self._step is None:
                self._step = Step(
                    {name: one.detach().clone() for name, one in trained(self).items()},
                    {name: one.clone() for beside in self.beside for name, one in beside.state_dict().items()},
                )
            self._step.passes.append((batch.detach().clone(), torch.get_rng_state()))
        return super().forward(batch)

    def close(self) -> NDArray[np.int64]:
        """End a step, and return which rows passed in it."""
        once = _without_repeats(self.passed)
        rows = np.concatenate(once) if once else np.empty(0, dtype=np.int64)
        if self._step is not None and len(once) == len(self.passed):
            self._step.released = {name: _gradient(one).clone() for name, one in trained(self).items()}
            self.kept.append(self._step)
        self.passed, self._step, self.now = [], None, self.now + 1
        return rows


def _without_repeats(passed: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Leave out passes of single rows that only repeat a pass whose sum was not finite; the first one did not count."""
    kept, waiting = [], list(passed)
    while waiting:
        first = waiting.pop(0)
        kept.append(first)
        singles = waiting[: len(first)]
        if (
            len(first) > 1
            and all(len(one) == 1 for one in singles)
            and np.array_equal(np.concatenate([np.empty(0, dtype=np.int64), *singles]), first)
        ):
            del waiting[: len(first)]
    return kept


class _Kept:
    """What is kept of every step, and a second optimiser that knows nothing but what the steps released."""

    def __init__(self, audited: _Listening, untouched: nn.Module, plan: PrivatePlan, how: dict[str, Any]) -> None:
        self.audited, self.plan = audited, plan
        self.batches: list[NDArray[np.int64]] = []
        self.released: list[NDArray[np.float32]] = []
        self.strayed = 0.0
        self.own = {name: one.detach().clone().requires_grad_() for name, one in trained(untouched).items()}
        betas, decay = how.get("betas", (0.9, 0.999)), how.get("weight_decay", 0.0)
        self.adam = torch.optim.AdamW(self.own.values(), lr=how["learning_rate"], betas=betas, weight_decay=decay)
        self.rate = schedule(self.adam, plan.steps, how.get("shape", "cosine"), how.get("warmup", 0.0))
        self.longest = how["learning_rate"]

    def step(self, step: int) -> None:
        """Keep what a step has released."""
        scale = self.plan.expected_batch_size / self.plan.clip
        self.released.append((_gradient(self.audited.probe.weight) * scale).flatten().cpu().numpy().copy())
        self.batches.append(self.audited.close())
        weights = trained(self.audited)
        for name, one in self.own.items():
            one.grad = _gradient(weights[name]).clone()
        self.adam.step()
        if step + 1 < self.plan.steps:
            self.rate.step()
        apart = max(float((one.detach() - weights[name].detach()).abs().max()) for name, one in self.own.items())
        self.strayed = max(self.strayed, apart / self.longest)


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise ValueError("a step released no gradient for a trained parameter")
    return parameter.grad.detach()


def _counts(
    batches: list[NDArray[np.int64]], canaries: int, whose: NDArray[np.int64], tracked: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """How often each canary, and each tracked unit, was in each batch."""
    drawn = np.zeros((len(batches), canaries), dtype=np.int16)
    others = np.zeros((len(batches), len(tracked)), dtype=np.int16)
    place = np.full(int(whose.max()) + 1, -1)
    place[tracked] = np.arange(len(tracked))
    for step, batch in enumerate(batches):
        np.add.at(drawn[step], batch[batch >= 0], 1)
        units = place[whose[-1 - batch[batch < 0]]]
        np.add.at(others[step], units[units >= 0], 1)
    return drawn, others
