"""Shadow models: many of the target's kind, of which it is known who was in their training data.

What a signal is for a record under models that did and did not see it tells what the target's answer means. Shadows are
trained as the target was: a coin decides for everybody who is asked about, and people of the reference fill the sample
up to the size of the target's training data. They come in pairs: who is out of one is in the other, so that everybody
is in exactly half of them, members and non-members alike. One set serves every attack and every control of an audit.
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
from audit.checks.retrained import asked_model, budget_of, trained_alike
from audit.membership.asking import asked_about, asked_of
from audit.membership.kept import kept
from audit.membership.signals import Signal
from audit.statistics import Floats
from generators import Generator

POPULATION = 2000
"""Reference records, at most, whose signals stand for the population's."""


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

    Attributes:
        asked: the members and the non-members that are asked about.
        reference: the reference.
        inside: whether each record of the pool was in each shadow's training data, shape (shadows, records); the pool
            holds the members and the non-members that are asked about, then the reference.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._space = subject.neighbours.space
        self.asked, self.reference = asked_about(subject.retrained.main), subject.part["reference"]
        rng = np.random.default_rng([subject.seed, 5])
        self.inside = _memberships(self.asked, self.reference, subject.policy.shadows, len(subject.dataset.train), rng)
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
            return trained_alike(target, pool, members, [self._seeds[number] for number in numbers])

        identity = {
            "parameters": model.get_params(),
            "budget": repr(budget_of(model)),
            "pool": pool.fingerprint("train"),
            "members": hashlib.sha256(np.packbits(self.inside).tobytes()).hexdigest(),
            "seeds": self._seeds,
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
        return Shadowed(np.concatenate(target), under[:, rows], self.inside[:, rows])

    def population(self, case: Case, signal: Signal) -> Shadowed:
        """The signal of what the case's attacker knows of the population: none of them members."""
        model, _ = asked_of(case, lambda _: signal)
        # Frames keep the row labels of their part.
        known = np.isin(self._population, case.frames.reference.index)
        others = self._population[known]
        under = self._under_shadows(signal, "population", self.reference.take(self._population))
        return Shadowed(
            signal.values(model, self.reference.take(others), self._space),
            under[:, known],
            self.inside[:, others - len(self.reference.units)],
        )

    def _under_shadows(self, signal: Signal, name: str | int, part: Part) -> Floats:
        """The signal of some records under every shadow, remembered by name; shape (shadows, records)."""
        if (signal.name, name) not in self._signals:
            found = [signal.values(model, part, self._space) for model in self.models]
            self._signals[signal.name, name] = np.stack(found)
        return self._signals[signal.name, name]


def _memberships(
    asked: Sequence[Part], reference: Part, count: int, size: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Who is in each shadow, shape (shadows, records): half of those asked about, and others up to the target's size.

    People come as a whole. All shadows are of one size, the target's, or more where half of those asked about are more.
    """
    halves = np.concatenate([_paired_halves(part.units, count, rng) for part in asked], axis=1)
    size = max(size, int(halves.sum(axis=1).max()))
    filling = [_some(reference.units, size - int(half.sum()), rng) for half in halves]
    return np.concatenate([halves, np.stack(filling)], axis=1)


def _paired_halves(units: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """For each pair of shadows, who is in the first and who in the second, as masks (shadows, records).

    A coin is tossed for each person. Halves of exact size would tie people to each other: what speaks for one would
    speak against all others, and cancel where many are in the target together.
    """
    people, of_row = np.unique(units, return_inverse=True)
    coins = (rng.random(len(people)) < 0.5 for _ in range(count // 2))
    return np.stack([half[of_row] for coin in coins for half in (coin, ~coin)])


def _some(units: NDArray[np.int64], records: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random whole people who have so many records together, or all there are, as a mask."""
    people, of_row, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(people))
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = np.zeros(len(people), dtype=bool)
    chosen[order[before < records]] = True
    return np.asarray(chosen[of_row])
