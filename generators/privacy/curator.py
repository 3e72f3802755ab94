"""Stands between private records and whoever asks about them: pays first, answers with noise."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from generators.errors import InputError
from generators.privacy.accountant import calibrated
from generators.privacy.budget import PrivacyBudget
from generators.privacy.events import Event
from generators.privacy.ledger import Ledger

RNG = "a numpy generator seeded with 256 bits from the operating system; it is not cryptographically secure (a warning)"

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Curator:
    """Answers questions about the training records of one run, each paid for from a ledger before it is answered.

    Formal guarantee: an answer is a vector of counts that one unit changes by at most 1 in L2 norm, with normal noise
    of deviation `noise` on every count: the Gaussian mechanism. Where a person has several records, one of them, drawn
    at random and in secret, stands for the person in each answer. What is drawn for one person does not depend on the
    others, so that, given the same draws, data sets with and without a person differ in that person alone.

    Args:
        budget: What this run may spend.
        ledger: Where it is charged; it is given a budget if it has none.
        people: Which person each record belongs to, numbered from 0, shape (records,); with the unit `record`, None.
        records: Number of records.
        unit: Whose presence is hidden, in words, for the ledger.

    Attributes:
        budget: The same, with a number for delta.
        ledger: Where it is charged.
        people: Which person each record belongs to; None where each record is its own.
        units: Number of records or people: the public one, or a noisy one.
        events: What this run has paid for so far.

    Raises:
        InputError: The number of units is neither public nor payable.

    Example:
        >>> budget = PrivacyBudget(1, 1e-5, preprocessing=0.1)
        >>> curator = Curator(budget, Ledger(), people=None, records=1000, unit="record")
        >>> curator.expect(questions=1)
        >>> curator.counts("colours", np.zeros(1000, dtype=np.int64), size=2).shape
        (2,)
    """

    def __init__(self, budget: PrivacyBudget, ledger: Ledger, *, people: Codes | None, records: int, unit: str) -> None:
        count = records if people is None else int(people.max()) + 1
        if not budget.n_public and budget.preprocessing == 0:
            raise InputError(
                f"n_public=False: the number of {unit}s must be paid for; set preprocessing to a share of the budget"
            )
        if not budget.n_public and budget.delta == "auto":
            raise InputError("delta=auto follows from the number of units, which n_public=False hides; give a number")
        self.budget = budget.resolved(count) if budget.n_public else budget
        self.ledger = ledger
        self.people = people
        self.events: list[Event] = []
        self._records = records
        self._noise: float | None = None
        self._failure = 0.0
        # Records in the order of their people, and how many each person has.
        self._by_person = np.argsort(people, kind="stable") if people is not None else np.arange(records)
        self._records_of = np.bincount(people) if people is not None else np.ones(records, dtype=np.int64)
        seed = budget.deterministic_noise_for_tests
        self._rng = np.random.default_rng(int.from_bytes(os.urandom(32), "little") if seed is None else seed)
        self.units = float(count)
        if ledger.budget is None:
            ledger.allow(self.budget, unit)
        elif (promised := ledger.budget.parameters["unit"]) != unit:
            # Hiding people does not hide each of their records as well, nor the other way round.
            raise InputError(f"the ledger hides one {promised}, but this run one {unit}; give it a ledger of its own")

    @property
    def test_seed(self) -> int | None:
        """Replays noise, for tests only."""
        return self.budget.deterministic_noise_for_tests

    def count_units(self) -> None:
        """Have `units` be a noisy number, if it is not public; call it once, after `expect`."""
        if not self.budget.n_public:
            noisy = self.counts("the number of training records or people", np.zeros(self._records, np.int64), size=1)
            self.units = max(1.0, float(np.round(noisy[0])))

    def expect(self, questions: int) -> None:
        """Divide what the budget has for preprocessing evenly among so many questions."""
        if self.budget.preprocessing == 0:
            raise InputError("preprocessing is 0: the budget has nothing for questions about the data")
        whole = calibrated(lambda sigma: [Event("gaussian", sigma)], self.budget)
        self._noise = whole * math.sqrt(questions / self.budget.preprocessing)
        self._failure = 0.5 * self.budget.preprocessing * self.budget.known_delta / questions

    @property
    def noise(self) -> float:
        """Deviation of the noise on each count."""
        if self._noise is None:
            raise InputError("how many questions there will be is not known yet: call expect first")
        return self._noise

    def spend(self, what: str, event: Event, *, parameters: Mapping[str, Any] | None = None, note: str = "") -> None:
        """Charge the ledger for a use that happens next; in test mode, write that nothing was protected."""
        if self.test_seed is None:
            self.ledger.charge(what, event, parameters=parameters, note=note)
        else:
            self.ledger.add(
                what,
                "test-mode",
                parameters={**event.to_dict(), **(parameters or {})},
                note="deterministic_noise_for_tests: no privacy",
            )
        self.events.append(event)

    def counts(self, what: str, cells: Codes, size: int) -> Floats:
        """Return how many units fall into each cell, with noise.

        Args:
            what: The question, in plain words, for the ledger.
            cells: Cell of each record, shape (records,); negative for none.
            size: Number of cells.
        """
        (table,), _ = self.tables(what, [(cells, size)])
        return table

    def tables(self, what: str, asked: Sequence[tuple[Codes, int]]) -> tuple[list[Floats], float]:
        """Return several tables of counts, such as a coarse one and finer ones, as one answer.

        Each unit is counted once in every table, which makes sqrt(tables) in L2 norm: so much more noise makes up for
        it.

        Args:
            what: The question, in plain words, for the ledger.
            asked: For each table, the cell of each record, shape (records,), negative for none, and the number of
                cells.

        Returns:
            The tables, and the deviation of the noise on each of their cells.
        """
        deviation = self.noise * math.sqrt(len(asked))
        cells_asked = sum(size for _, size in asked)
        self.spend(what, Event("gaussian", self.noise), parameters={"cells": cells_asked, "rng": RNG})
        draws, noise = self._draws()
        chosen = self._one_each(draws)
        exact = [np.bincount(cells[chosen][cells[chosen] >= 0], minlength=size)[:size] for cells, size in asked]
        return [table + noise.normal(0, deviation, len(table)) for table in exact], deviation

    def frequent(self, what: str, values: pd.Series[Any]) -> list[tuple[Any, float]]:
        """Return the values that many units have, with noisy counts, most frequent first.

        Nobody needs to know beforehand which values there could be: a value passes if its noisy count exceeds a
        threshold so high that one that a single unit has passes with probability at most the event's `failure`
        (Korolova et al. 2009; with normal noise as in Wilson et al. 2020).

        Args:
            what: The question, in plain words, for the ledger.
            values: Value of each record, shape (records,); missing ones do not count.
        """
        threshold = 1 + self.noise * float(norm.isf(self._failure))
        self.spend(
            what,
            Event("gaussian", self.noise, failure=self._failure),
            parameters={"threshold": threshold, "rng": RNG},
        )
        draws, noise = self._draws()
        counts = values.iloc[self._one_each(draws)].value_counts(sort=False)
        noisy = counts.to_numpy() + noise.normal(0, self.noise, len(counts))
        found = [(value, float(count)) for value, count in zip(counts.index, noisy, strict=True) if count > threshold]
        return sorted(found, key=lambda pair: (-pair[1], str(pair[0])))

    def one_each(self) -> Codes:
        """Return the places of one record of each unit, drawn anew."""
        return self._one_each(self._draws()[0])

    def _draws(self) -> tuple[np.random.Generator, np.random.Generator]:
        """Return what draws records, and what draws noise, for one answer: the next answer's draws do not shift."""
        draws, noise = self._rng.spawn(2)
        return draws, noise

    def _one_each(self, draws: np.random.Generator) -> Codes:
        counts = self._records_of
        which = (draws.random(len(counts)) * counts).astype(np.int64)
        chosen: Codes = self._by_person[np.cumsum(counts) - counts + np.minimum(which, counts - 1)]
        return chosen
