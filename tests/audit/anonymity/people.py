"""A small made-up population with columns of every kind, and releases of it that leak at a known rate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.checks import Case, Subject, default_policy
from audit.targets import records_target
from generators import Column, Dataset, Schema
from tests.audit.planting import copied

SCHEMA = Schema(
    (
        Column("age", "integer", low=18, high=90),
        Column("town", "categorical", levels=tuple("abcdefg")),
        Column("balance", "numeric", low=-5000, high=5000),
        Column("joined", "datetime"),
        Column("smoker", "boolean", levels=("no", "yes")),
        Column("visits", "ordinal", levels=tuple(map(float, range(15)))),
    )
)


def people(rows: int, seed: int) -> pd.DataFrame:
    """Random people; one in ten has no balance."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows).astype(float)
    balance = np.where(rng.random(rows) < 0.1, np.nan, np.round(rng.normal(0, 800, rows) + 10 * age, 1))
    joined = pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.integers(0, 5000, rows), unit="D")
    table = pd.DataFrame(
        {
            "age": age,
            "town": rng.choice(list("abcdefg"), rows, p=[0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02]),
            "balance": balance,
            "joined": joined,
            "smoker": rng.choice(["no", "yes"], rows),
            "visits": np.minimum(rng.poisson(3, rows), 14).astype(float),
        }
    )
    return SCHEMA.coerce(table, "people")


def population(seed: int = 0, rows: int = 1000) -> tuple[Dataset, pd.DataFrame]:
    """Train, holdout and reference of `rows` people each, and as many fresh ones."""
    train, holdout, reference, fresh = (people(rows, 10 * seed + part) for part in range(4))
    data = Dataset.from_parts("people", train=train, holdout=holdout, reference=reference, schema=SCHEMA)
    return data, fresh


def subject(share: float, seed: int = 0, rows: int = 1000, **choices: object) -> Subject:
    """An audit's subject: a release of fresh people with a share of train copied into it."""
    data, fresh = population(seed, rows)
    return Subject(records_target(copied(data, fresh, share)), data, default_policy(), seed, **choices)  # type: ignore[arg-type]


def main_case(share: float, **choices: object) -> tuple[Case, Subject]:
    """The main case of such a release."""
    whole = subject(share, **choices)  # type: ignore[arg-type]
    return whole.scored.main, whole
