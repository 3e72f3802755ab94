"""Releases whose risk is plain arithmetic: members are published as they are, and nothing else could give them away.

Four columns are added to real or made-up records: a secret drawn for each person by lot, the kind of lot, and two
measurements that hardly two people share, one for each half of the columns in linkability. Whoever is published is then
found with certainty, and whoever is not, no more often than a stranger. No attack is asked what a copy yields.

Some people draw one of two lots, and the others one of two hundred. Only the latter are published, so that the leak is
uneven: where chance is seldom right, and not where it is right half of the time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from generators import Column, Dataset

SECRET, KIND, MEASUREMENTS = "lot", "lots", ("first_measurement", "second_measurement")
FEW, MANY = 2, 200
KNOWN = (KIND, MEASUREMENTS[0])
"""What who guesses the lot knows of a person: enough to find their record, and what kind of lot they drew."""


def drawn(whole: Dataset, rows: int, seed: int, of_few: float = 0.0) -> tuple[Dataset, pd.DataFrame]:
    """Train, holdout and reference with the added columns, and as many fresh records, all disjoint.

    Args:
        whole: a data set with one part, `records`.
        rows: of each part, and of the fresh records.
        seed: deals the records, and draws what is added.
        of_few: the share of people who draw one of two lots.
    """
    rng = np.random.default_rng(seed)
    records = whole.records.iloc[rng.permutation(len(whole.records))[: 4 * rows]].reset_index(drop=True)
    few = rng.random(len(records)) < of_few
    lots = np.where(few, rng.integers(FEW, size=len(records)), rng.integers(MANY, size=len(records)))
    added = {SECRET: lots.astype(str), KIND: np.where(few, "few", "many")}
    records = records.assign(**added, **{name: rng.random(len(records)) for name in MEASUREMENTS})
    columns = (
        *whole.schema.columns,
        Column(SECRET, "categorical", levels=tuple(map(str, range(MANY)))),
        Column(KIND, "categorical", levels=("few", "many"), constant=of_few == 0),
        *(Column(name, "numeric", low=0, high=1) for name in MEASUREMENTS),
    )
    schema = replace(whole.schema, columns=columns)
    parts = [records.iloc[part * rows : (part + 1) * rows].reset_index(drop=True) for part in range(4)]
    train, holdout, reference, fresh = (schema.coerce(part, "drawn") for part in parts)
    return Dataset.from_parts(whole.name, train=train, holdout=holdout, reference=reference, schema=schema), fresh


def published(data: Dataset, fresh: pd.DataFrame, share: float) -> pd.DataFrame:
    """Fresh records, and in the place of some of them a share of train, who all drew one of many lots."""
    rows = np.flatnonzero((data.train[KIND] == "many").to_numpy())[: round(share * len(data.train))]
    return pd.concat([data.train.iloc[rows], fresh.iloc[len(rows) :]], ignore_index=True)


def true_risk(share: float, of_few: float = 0.0) -> float:
    """Of whatever a guess at the lot leaves to gain, the share that is given away.

    Without a release (1 - of_few) / 200 + of_few / 2 guesses are right, and who is published gains 1 - 1 / 200.
    """
    chance = (1 - of_few) / MANY + of_few / FEW
    return share * (1 - 1 / MANY) / (1 - chance)
