"""The run that a DP audit watches: the target's kind and claim, trained anew with canaries, once for all checks."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audit.checks import Subject
from audit.checks.experiment import SHARE
from audit.checks.retrained import asked_model, budget_of, published_domains
from audit.dp.assumptions import assumption_tests, assumptions_table
from audit.dp.tested import Tested, failed
from audit.dp.watching import Watched, watched_fit
from generators import Generator, PrivacyBudget
from generators.encoding.private_domains import fitted_into
from reports import Table

CANARIES = 2000
REPLAYS = 40


@dataclass(frozen=True)
class Run:
    """A watched run and what was found of its assumptions.

    Attributes:
        seen: What was seen.
        tests: What the trainer must do, tested.
        level: With which probability a sound trainer may fail any of the tests.
    """

    seen: Watched
    tests: list[Tested]
    level: float

    @property
    def broken(self) -> list[str]:
        """What is wrong with the trainer, most likely cause first."""
        return list(dict.fromkeys(one.cause for one in failed(self.tests, self.level)))

    def table(self) -> Table:
        """Claimed and measured side by side."""
        return assumptions_table(self.tests, self.level)


def watched_run(subject: Subject) -> Run:
    """Train the target's kind again, as it was trained, with canaries among its records; for `subject.shared`."""
    chance = np.random.default_rng([subject.seed, zlib.crc32(b"dp/run")])
    target, dataset = asked_model(subject.target), subject.dataset
    # Domains that the target declared or paid for are known by now; the run need not buy them again.
    frame = fitted_into(dataset.train, target.schema_)
    dataset = replace(dataset, schema=published_domains(target.schema_), parts={"train": frame})
    parameters: dict[str, Any] = {**target.get_params(), "seed": int(chance.integers(2**31))}
    model = type(target)(**parameters)
    seen = watched_fit(model, dataset, audited_budget(target), canaries=CANARIES, replays=REPLAYS, chance=chance)
    level = (1 - subject.policy.confidence_verdict) * (1 - SHARE)
    return Run(seen, assumption_tests(seen), level)


def audited_budget(model: Generator) -> PrivacyBudget:
    """The budget that gives weights as noisy as the target's: the whole one where nothing else was paid from it."""
    budget = budget_of(model)
    if budget is None:
        raise ValueError("the model claims nothing")
    allowed, spent = model.ledger_.budget, model.ledger_.spent
    paid = [entry for entry in model.ledger_ if entry.event is not None]
    alone = len(paid) == 1 and spent is not None and math.isclose(budget.epsilon, spent[0])
    if alone and allowed is not None and allowed.epsilon is not None:
        return replace(budget, epsilon=allowed.epsilon)
    return budget
