"""Stands between private records and whoever asks about them: pays first, answers with noise."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
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


class Curator:
    """Answers questions about the training records of one run, each paid for from a ledger before it is answered.

    Formal guarantee: an answer is a table of counts in which each unit is counted once, with normal noise of deviation
    `noise` on every cell: the Gaussian mechanism with L2 sensitivity 1. Where a person has several records, one of
    them, drawn at random and in secret, stands for the person in everything the curator is asked.

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

    def counts(self, what: str, cells: Codes, size: int) -> npt.NDArray[np.float64]:
        """Return how many units fall into each cell, with noise.

        Args:
            what: The question, in plain words, for the ledger.
            cells: Cell of each record, shape (records,); negative for none.
            size: Number of cells.
        """
        self.spend(what, Event("gaussian", self.noise), parameters={"cells": size, "rng": RNG})
        chosen = cells[self.one_each()]
        exact = np.bincount(chosen[chosen >= 0], minlength=size)[:size]
        return exact + self._rng.normal(0, self.noise, size)

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
        counts = values.iloc[self.one_each()].value_counts(sort=False)
        noisy = counts.to_numpy() + self._rng.normal(0, self.noise, len(counts))
        found = [(value, float(count)) for value, count in zip(counts.index, noisy, strict=True) if count > threshold]
        return sorted(found, key=lambda pair: (-pair[1], str(pair[0])))

    def one_each(self) -> Codes:
        """Return the places of one record of each unit, drawn anew."""
        if self.people is None:
            return np.arange(self._records)
        order = self._rng.permutation(self._records)
        _, first = np.unique(self.people[order], return_index=True)
        return order[first]
