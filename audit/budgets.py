"""A budget as a suite or the command line states it, and the ledger file that several models may share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from generators import Dataset, InputError, Ledger, PrivacyBudget
from generators.models.private_run import units_of
from generators.privacy.budget import Unit


class BudgetSection(BaseModel):
    """The privacy budget of training; see `PrivacyBudget` for what is not said here.

    Attributes:
        ledger: A file that this run is charged to, beside all that was charged to it before; None for a ledger of the
            model's own.
        total_epsilon: All that may ever be charged to a new file; this run's epsilon if None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epsilon: float
    delta: float | Literal["auto"] = "auto"
    unit: Unit = "auto"
    n_public: bool = True
    preprocessing: float = 0.0
    ledger: str | None = None
    total_epsilon: float | None = None

    def budget(self) -> PrivacyBudget:
        """Return what the run may spend."""
        return PrivacyBudget(
            self.epsilon, self.delta, unit=self.unit, n_public=self.n_public, preprocessing=self.preprocessing
        )


@contextmanager
def paid_from(section: BudgetSection, data: Dataset) -> Iterator[tuple[PrivacyBudget, Ledger | None]]:
    """Open the ledger of a run for the time of training; a file that a refused run has begun is removed again.

    Yields:
        What the run may spend, and the ledger of the section's file; None if it names none.
    """
    budget, total = section.budget(), section.total_epsilon
    if section.ledger is None:
        if total is not None:
            raise InputError("a total epsilon belongs to a ledger that several models share: name its file (ledger)")
        yield budget, None
        return
    path = Path(section.ledger)
    ledger = Ledger.opened(path)
    begun = False
    allowed = ledger.budget
    try:
        if allowed is not None:
            if total is not None and total != allowed.epsilon:
                raise InputError(
                    f"{path}: allows epsilon {allowed.epsilon:g} in all, which cannot be changed to {total:g}"
                )
            if budget.delta == "auto" and allowed.delta is not None:
                budget = replace(budget, delta=allowed.delta)
        else:
            total = budget.epsilon if total is None else total
            if total < budget.epsilon:
                raise InputError(f"the total epsilon, {total:g}, is less than this run's, {budget.epsilon:g}")
            budget = _with_delta(budget, data)
            ledger.allow(replace(budget, epsilon=total), units_of(data, budget.unit)[1])
            begun = True
        yield budget, ledger
    except InputError:
        if begun:
            ledger.withdraw()
        raise


def _with_delta(budget: PrivacyBudget, data: Dataset) -> PrivacyBudget:
    if budget.delta != "auto":
        return budget
    if not budget.n_public:
        raise InputError("delta auto follows from the number of units, which is not public here; give a number")
    people, _ = units_of(data, budget.unit)
    return budget.resolved(len(data.train) if people is None else int(people.max()) + 1)
