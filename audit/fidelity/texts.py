"""The texts of a frame, and a known damage of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.checks import Subject
from generators.datasets.payload import payload_column


def texts_of(frame: pd.DataFrame, subject: Subject) -> list[str]:
    """The texts of a canonical frame."""
    return [str(cell) for cell in frame[payload_column(subject.dataset.schema).name]]


def shuffled_words(records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
    """Every text with its words in random order."""
    name = payload_column(subject.dataset.schema).name
    mixed = [" ".join(rng.permutation(text.split())) if text.strip() else text for text in texts_of(records, subject)]
    return records.assign(**{name: pd.Series(mixed, index=records.index, dtype=object)})
