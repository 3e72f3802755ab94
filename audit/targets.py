"""What can be probed: a trained generator, or a file of synthetic records from anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from generators import Generator, InputError
from reports import Claim, Privacy
from reports.document import Access

SMALLEST = 100


@dataclass(frozen=True)
class Target:
    """Something to audit, and what it lets an attacker see.

    Attributes:
        kind: the generator's kind, or `records` for a file.
        access: `synthetic-only` (records alone), `query` (more of them on demand), `white-box` (the model itself).
        modality: `tabular`, `image`, `text` or `audio`.
        records: the published records, canonical.
        privacy: what is claimed about differential privacy.
        parameters: hyper-parameters, for the reader.
        model: the generator, where there is one.
    """

    kind: str
    access: Access
    modality: str
    records: pd.DataFrame
    privacy: Privacy
    parameters: dict[str, Any] = field(default_factory=dict)
    model: Generator | None = None

    def __post_init__(self) -> None:
        if len(self.records) < SMALLEST:
            raise InputError(
                f"only {len(self.records)} synthetic records: an audit needs at least {SMALLEST} to say anything"
            )


def records_target(records: pd.DataFrame, modality: str = "tabular") -> Target:
    """A target made of synthetic records alone, as others publish them."""
    statement = (
        "The target is a set of records of unknown making. No differential-privacy guarantee is claimed for it here, "
        "and none could be confirmed from records alone."
    )
    return Target(
        kind="records",
        access="synthetic-only",
        modality=modality,
        records=records,
        privacy=Privacy(claim=None, ledger=[], statement=statement),
    )


def model_target(model: Generator, count: int, seed: int, access: Access = "white-box") -> Target:
    """A target made of a trained generator, of which `count` records are drawn."""
    ledger = model.ledger_
    budget = ledger.claim
    return Target(
        kind=model.kind,
        access=access,
        modality=model.modality,
        records=model.sample(count, seed=seed),
        privacy=Privacy(
            claim=Claim(**budget) if budget is not None else None,
            ledger=ledger.to_list(),
            statement=ledger.statement(),
        ),
        parameters=model.get_params(),
        model=model,
    )
