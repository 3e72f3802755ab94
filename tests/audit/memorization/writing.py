"""Made-up texts: long enough to have passages, each with a person's own number in it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from generators import Column, Dataset
from generators.datasets.payload import payload_frame, payload_schema
from reports import Finding, Gate

COLUMN = Column("text", "text")
WORDS = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "en", "ir", "os", "ut")]


def letters(count: int, seed: int, numbers: bool = True) -> pd.DataFrame:
    """Texts of twelve random words; in half of them a phone number, common sentences now and then."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        text = " ".join(rng.choice(WORDS, 12))
        if rng.random() < 0.1:
            text = "sorry i cannot talk right now i will call you back later today"
        elif numbers and rng.random() < 0.6:
            text += " call 08" + "".join(map(str, rng.integers(10, size=8)))
        texts.append(text)
    return payload_frame(COLUMN, texts)


def mail(rows: int, seed: int, numbers: bool = True) -> tuple[Dataset, pd.DataFrame]:
    """Train, holdout and reference of `rows` each, and as many fresh texts."""
    train, holdout, reference, fresh = (letters(rows, 10 * seed + part, numbers) for part in range(4))
    parts = {"train": train, "holdout": holdout, "reference": reference}
    return Dataset("made-up mail", payload_schema(COLUMN), parts, modality="text"), fresh


def leaked(data: Dataset, fresh: pd.DataFrame, share: float) -> pd.DataFrame:
    """Fresh texts with a share of train's in the place of the first."""
    count = round(share * len(data.train))
    return pd.concat([data.train.iloc[:count], fresh.iloc[count:]], ignore_index=True)


@cache
def subject(rows: int, seed: int, share: float, numbers: bool = True) -> Subject:
    """The mail of one seed, a share of train among what is published; shared by tests, as attacks share it."""
    data, fresh = mail(rows, seed, numbers)
    return Subject(records_target(leaked(data, fresh, share), "text"), data, default_policy(), seed)


def probe(check: str, asked: Subject) -> tuple[Finding, list[Gate], dict[str, str]]:
    """Run one check; its finding, its gates, and by estimate their status."""
    finding, gates = all_checks()[check]().run(asked)
    return finding, gates, {gate.estimate: gate.status for gate in gates}
