"""How often do the synthetic records repeat one another?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.checks.small_cells import coarse
from audit.fidelity.distance import compared_size
from audit.statistics import Floats, Interval, bootstrap_interval, unit_weights
from generators import Schema
from generators.datasets.columns import PAYLOAD_KINDS
from generators.datasets.payload import cell_bytes

DRAWS = 200


@register
class Duplicates(Evaluation):
    """How often do the synthetic records repeat one another, more than real ones do?

    The share of records that are equal to an earlier one of the same sample, in every column but identifiers. Samples
    of one size are compared, for the share grows with the sample; coarse tables repeat records by nature, which the
    floor shows. Intervals resample groups of equal records.

    Source: Field and Welsh, "Bootstrapping clustered data" (JRSS B 2007), for the interval.
    """

    id = "diversity.duplicates"
    title = "Records that repeat one another"
    question = "How often do the synthetic records repeat one another, more than real ones do?"
    measures = ("repeated",)
    source = "share of repeated records, beside that of a real sample of the same size"
    modalities = EVERY_MODALITY
    remedy = (
        "A generator that repeats itself has collapsed: train longer, with another family, or sample with more noise."
    )
    damage_done = "one in three of which repeats another one"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The share of records that are equal to an earlier one."""
        size = compared_size(subject)
        rows = np.sort(rng.permutation(len(sample.frame))[:size])
        codes = identities(sample.frame.iloc[rows], subject.dataset.schema)
        value = _repeated(codes)
        return [
            Measured(
                name="repeated",
                value=value,
                n=size,
                unit=f"share of {size:,} records, 0 to 1",
                interval=partial(_interval, value, _resampled(codes, rng), size),
                step=coarse(size),
            )
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Repeat a third of the records in the place of others."""
        rows = np.arange(len(records))
        chosen = rng.permutation(len(rows))
        third = max(1, len(rows) // 3)
        rows[chosen[:third]] = chosen[-third:]
        return records.iloc[rows].reset_index(drop=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The share beside its floor, in words."""
        return (
            f"{measured[0].value:.1%} of {measured[0].n:,} synthetic records repeat an earlier one; of as many real "
            f"records {floor[0].value:.1%} do."
        )


def identities(frame: pd.DataFrame, schema: Schema) -> NDArray[np.int64]:
    """A code for each record, equal where all columns but identifiers are, shape (records,)."""
    columns = [column for column in schema.columns if column.kind != "identifier" and column.name != schema.unit]
    codes = np.zeros(len(frame), dtype=np.int64)
    for column in columns:
        cells = frame[column.name]
        if column.kind in PAYLOAD_KINDS:
            cells = pd.Series([cell_bytes(cell) for cell in cells], dtype=object)
        found = pd.factorize(cells, use_na_sentinel=False)[0].astype(np.int64)
        # Renumbered after every column, so that the product stays within 64 bits.
        codes = np.unique(codes * (int(found.max(initial=0)) + 1) + found, return_inverse=True)[1].astype(np.int64)
    return codes


def _repeated(codes: NDArray[np.int64]) -> float:
    return 1 - len(np.unique(codes)) / len(codes)


def _resampled(codes: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """The share in resamples of groups of equal records: a repetition that resampling makes is none."""
    if len(np.unique(codes)) < 2:
        return np.full(2, _repeated(codes))
    weights = unit_weights(codes, DRAWS, rng)
    first_of_its_kind = (1 / np.bincount(codes)[codes]).astype(np.float32)
    return np.asarray(1 - weights @ first_of_its_kind / weights.sum(axis=1), dtype=np.float64)


def _interval(value: float, draws: Floats, units: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, units, confidence)
