"""Known damages of real records, for checks that must notice them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.checks import Subject
from audit.fidelity.placing import placed_by_train


def collapsed(records: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The records with half of them replaced by a single one: a generator whose modes have collapsed."""
    rows = np.arange(len(records))
    rows[rng.permutation(len(records))[: len(records) // 2]] = int(rng.integers(len(records)))
    return records.iloc[rows].reset_index(drop=True)


def one_neighbourhood(records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
    """As many records, all drawn from the tenth of them that is most like one of them: every other mode is lost."""
    rows = subject.shared(placed_by_train).place(records)
    near = np.argsort(((rows - rows[rng.integers(len(rows))]) ** 2).sum(axis=1))[: max(1, len(rows) // 10)]
    return records.iloc[near[rng.integers(len(near), size=len(rows))]].reset_index(drop=True)
