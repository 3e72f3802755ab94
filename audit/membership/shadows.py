"""Shadow models: many of the target's kind, of which it is known who was in their training data.

What a signal is for a record under models that did and did not see it tells what the target's answer means. Shadows are
trained as the target was: everybody who is asked about is in half of them, drawn by chance for each person alone, and
people of the reference fill the sample up to the size of the target's training data. Where half of all who are asked
about are more than the target saw, everybody is in fewer shadows, so that sizes agree. One set serves every attack and
every control of an audit, but for the planted leak of a private target: its model is trained without the budget, and so
are the shadows that it is compared with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Case, Part, Subject
from audit.checks.retrained import asked_model, budget_of, is_private, published_domains, trained_alike
from audit.membership.asking import asked_about, asked_of
from audit.membership.kept import kept
from audit.membership.signals import Signal
from audit.provenance import installed
from audit.statistics import Floats
from generators import Generator

POPULATION = 2000
"""Reference records, at most, whose signals stand for the population's."""

UNPAID = 16
"""Shadows without a budget, at most, for the planted leak of a private target."""

FEWEST_INSIDE = 4
"""Shadows that everybody is in, at least: from fewer nothing is learnt of a record's own signal."""


@dataclass(frozen=True)
class Shadowed:
    """What is known about the signal of n records.

    Attributes:
        target: under the model that is attacked, shape (n,).
        shadows: under each shadow model, shape (shadows, n).
        inside: whether the record was in the shadow's training data, shape (shadows, n).
    """

    target: Floats
    shadows: Floats
    inside: NDArray[np.bool_]


class Shadows:
    """The shadow models of one audit, trained when first asked for.

    Args:
        subject: what is audited; its policy says how many shadows there are.
        private: whether they are trained under the target's budget, if it has one.

    Attributes:
        asked: the members and the non-members that are asked about.
        reference: the reference.
        inside: whether each record of the pool was in each shadow's training data, shape (shadows, records); the pool
            holds the members and the non-members that are asked about, then the reference.
    """

    def __init__(self, subject: Subject, *, private: bool = True) -> None:
        self._subject, self._private = subject, private
        self._space = subject.neighbours.space
        self.asked, self.reference = asked_about(subject.retrained.main), subject.part["reference"]
        rng = np.random.default_rng([subject.seed, 5])
        count = subject.policy.shadows if private else min(UNPAID, subject.policy.shadows)
        self.inside = _memberships(self.asked, self.reference, count, len(subject.dataset.train), rng)
        self._seeds = [int(seed) for seed in rng.integers(2**31, size=len(self.inside))]
        self._population = np.sort(rng.permutation(len(self.reference.units))[:POPULATION])
        self._signals: dict[tuple[str, str | int], Floats] = {}

    @cached_property
    def models(self) -> list[Generator]:
        """The trained shadows."""
        frame = pd.concat([part.frame for part in (*self.asked, self.reference)], ignore_index=True)
        target, pool = self._subject.target, replace(self._subject.dataset, parts={"train": frame})
        model = asked_model(target)

        def train(numbers: Sequence[int]) -> list[Generator]:
            members = [np.flatnonzero(self.inside[number]) for number in numbers]
            seeds = [self._seeds[number] for number in numbers]
            return trained_alike(target, pool, members, seeds, private=self._private)

        budget = budget_of(model) if self._private else None
        identity = {
            "parameters": model.get_params(),
            "budget": repr(budget),
            "pool": pool.fingerprint("train"),
            "schema": (pool.schema if budget is None else published_domains(model.schema_)).to_dict(),
            "members": hashlib.sha256(np.packbits(self.inside).tobytes()).hexdigest(),
            "seeds": self._seeds,
            "versions": [installed(name) for name in ("genassay", "torch")],
        }
        return kept(self._subject.keep, type(model), len(self._seeds), identity, train)

    def rows(self, case: Case) -> NDArray[np.int64]:
        """Where in the pool the case's members stand, and then its non-members."""
        members, nonmembers = (len(part.units) for part in self.asked)
        return np.concatenate([case.member_rows, members + np.arange(nonmembers)])

    def asked_about(self, case: Case, signal: Signal) -> Shadowed:
        """The signal of the case's members and then its non-members, in one list: none can be treated otherwise."""
        model, _ = asked_of(case, lambda _: signal)
        rows = self.rows(case)
        target = [signal.values(model, part, self._space) for part in asked_about(case)]
        under = np.concatenate(
            [self._under_shadows(signal, name, part) for name, part in enumerate(self.asked)], axis=1
        )
        return Shadowed(*within_range(np.concatenate(target), under[:, rows]), self.inside[:, rows])

    def population(self, case: Case, signal: Signal) -> Shadowed:
        """The signal of what the case's attacker knows of the population: none of them members."""
        model, _ = asked_of(case, lambda _: signal)
        # Frames keep the row labels of their part.
        known = np.isin(self._population, case.frames.reference.index)
        others = self._population[known]
        under = self._under_shadows(signal, "population", self.reference.take(self._population))
        target = signal.values(model, self.reference.take(others), self._space)
        return Shadowed(*within_range(target, under[:, known]), self.inside[:, others - len(self.reference.units)])

    def _under_shadows(self, signal: Signal, name: str | int, part: Part) -> Floats:
        """The signal of some records under every shadow, remembered by name; shape (shadows, records)."""
        if (signal.name, name) not in self._signals:
            found = [signal.values(model, part, self._space) for model in self.models]
            self._signals[signal.name, name] = np.stack(found)
        return self._signals[signal.name, name]


def shadows_for(case: Case, subject: Subject) -> Shadows:
    """The shadows that a case's model is compared with: trained as it was, under the target's budget or without one."""
    if is_private(case) or subject.target.model is None or budget_of(subject.target.model) is None:
        return subject.shared(Shadows)
    return subject.shared(_without_budget)


def _without_budget(subject: Subject) -> Shadows:
    return Shadows(subject, private=False)


def within_range(target: Floats, shadows: Floats) -> tuple[Floats, Floats]:
    """Signals without infinite ones: what a model thinks impossible counts as the least likely of all that is possible.

    A density is zero, and its logarithm minus infinity, where a record has a level that the model never saw. Means and
    deviations need a number there; the lowest keeps every order.

    Args:
        target: Signals under the target, shape (n,).
        shadows: Signals under each shadow, shape (shadows, n).
    """
    every = np.concatenate([target[None], shadows])
    finite = every[np.isfinite(every)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    every = np.nan_to_num(every, nan=low, neginf=low, posinf=high)
    return every[0], every[1:]


def _memberships(
    asked: Sequence[Part], reference: Part, count: int, size: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Who is in each shadow, shape (shadows, records): half of those asked about, and others up to the target's size.

    People come as a whole. Where half of those asked about are more than the target's size, everybody is in fewer
    shadows. By chance some shadows hold a few more of them than the target's size; all others are filled up to the
    largest, because models of one size are trained together fastest.
    """
    everybody = sum(len(part.units) for part in asked)
    often = min(count // 2, max(FEWEST_INSIDE, round(count * size / everybody)))
    chosen = np.concatenate([_so_often(part.units, count, often, rng) for part in asked], axis=1)
    size = max(size, int(chosen.sum(axis=1).max()))
    filling = [_some(reference.units, size - int(one.sum()), rng) for one in chosen]
    return np.concatenate([chosen, np.stack(filling)], axis=1)


def _so_often(units: NDArray[np.int64], count: int, often: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which shadows each person is in, as masks (shadows, records): so many of them, drawn for each person alone.

    Half of them are drawn in pairs: who is out of one is in the other. Samples of exact size would tie people to each
    other: what speaks for one would speak against all others, and cancel where many are in the target together.
    """
    people, of_row = np.unique(units, return_inverse=True)
    if often == count // 2:
        coins = (rng.random(len(people)) < 0.5 for _ in range(count // 2))
        return np.stack([one[of_row.reshape(-1)] for coin in coins for one in (coin, ~coin)])
    ranks = rng.random((count, len(people))).argsort(axis=0).argsort(axis=0)
    return np.asarray((ranks < often)[:, of_row.reshape(-1)])


def _some(units: NDArray[np.int64], records: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random whole people who have so many records together, or all there are, as a mask."""
    people, of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(people))
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = np.zeros(len(people), dtype=bool)
    chosen[order[before < records]] = True
    return np.asarray(chosen[of_row])
