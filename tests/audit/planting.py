"""Real data cut into train, holdout and a fresh part, with leaks of known size planted into the fresh part."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit import run_audit
from generators import Dataset, load_dataset
from reports import Audit

NUMBERS = ("numeric", "integer", "ordinal")
COPY_CHECKS = ("membership.classifier", "membership.density-ratio", "membership.distance", "memorization.copies")
"""Enough to find copies, and quick enough for ten seeds; the other attacks have seeds of their own."""


def thirds(whole: Dataset, seed: int, rows: int) -> tuple[Dataset, pd.DataFrame]:
    """Train, and a holdout halved into holdout and reference, each cut of `rows`; and as many fresh records."""
    order = np.random.default_rng(seed).permutation(len(whole.records))
    train, holdout, fresh = (
        whole.records.iloc[order[i * rows : (i + 1) * rows]].reset_index(drop=True) for i in range(3)
    )
    return Dataset.from_parts(whole.name, train=train, holdout=holdout, schema=whole.schema), fresh


def copied(data: Dataset, fresh: pd.DataFrame, share: float, jitter: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """`fresh` with a share of train in the place of its first records, numbers moved by `jitter` of their range."""
    count = round(share * len(data.train))
    leaked = data.train.iloc[:count].copy()
    if jitter:
        rng = np.random.default_rng(seed)
        for column in data.schema.columns:
            if column.kind in NUMBERS:
                spread = data.train[column.name].max() - data.train[column.name].min()
                leaked[column.name] = leaked[column.name] + rng.normal(0, jitter * spread, count)
    return pd.concat([leaked, fresh.iloc[count:]], ignore_index=True)


def affairs(seed: int) -> tuple[Dataset, pd.DataFrame]:
    """Thirds of the affairs survey."""
    return thirds(load_dataset("affairs"), seed, 2122)


def randhie(seed: int) -> tuple[Dataset, pd.DataFrame]:
    """Thirds of the RAND health-insurance records."""
    return thirds(load_dataset("randhie"), seed, 6730)


def privacy_audit(records: pd.DataFrame, data: Dataset, seed: int = 0) -> Audit:
    """The checks that look for copies."""
    return run_audit(records, data, COPY_CHECKS, seed=seed)


def alarms(audit: Audit) -> dict[str, str]:
    """Gates that say `warn` or `fail`."""
    return {f"{g.finding}/{g.estimate}": g.status for g in audit.gates if g.status in ("warn", "fail")}
