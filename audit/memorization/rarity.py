"""How likely is it that chance alone puts a copy of this record among the synthetic ones?

The answer orders records into strata; it is learnt from which records were hit, members and others alike, and never
from who was a member. So under no leak a member is as likely to be hit as any other record of its stratum, however good
or bad the prediction is, and a good one leaves strata in which hardly anyone is hit by chance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.neighbours import distinct_rows
from audit.statistics import Floats

FOLDS = 5
PENALTY = 0.01
_NEAR = 0.01


def features(cells: Floats, nearest: Floats) -> Floats:
    """What makes a record common, shape (n, features).

    Args:
        cells: what makes n real records equal, members and others together, shape (n, columns); see `Points.cells`.
        nearest: (n, k) distances to the nearest other records, ascending.

    Returns:
        The distance to the nearest record and the mean distance; how often the record occurs; how often each of its
        cells occurs in its column; and how often all its other cells occur together, once for each column left out; all
        in logs. The last two say how many near misses there are, and how common it is that one of them becomes a hit.
    """
    columns = [_codes(column) for column in cells.T]
    occurrences = _counts(distinct_rows(cells))
    each = [_counts(codes) for codes in columns]
    others = [_counts(codes) for codes in _without_each(columns)]
    near_misses = sum((left - occurrences + 0.1) * cell for left, cell in zip(others, each, strict=True))
    logs = [occurrences, *each, *others, near_misses, nearest[:, 0] + _NEAR, nearest.mean(axis=1) + _NEAR]
    return np.column_stack([*np.log(logs), np.sum(np.log(each), axis=0), occurrences == 1, occurrences == 2])


def chance_of_hit(described: Floats, hit: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Predicted probability that a record is hit, shape (n,), each by a model that has not seen that record's hit.

    A ridge logistic regression, cross-fitted over five random folds; constant where there is too little to learn from.
    """
    if min(hit.sum(), (~hit).sum()) < 4 * FOLDS:
        return np.zeros(len(hit))
    order = rng.permutation(len(hit))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, solver="newton-cholesky"))
    predicted = np.empty(len(hit))
    predicted[order] = cross_val_predict(model, described[order], hit[order], cv=FOLDS, method="predict_proba")[:, 1]
    return predicted


def _codes(column: Floats) -> NDArray[np.int64]:
    return np.asarray(pd.factorize(column)[0], dtype=np.int64)


def _counts(groups: NDArray[np.int64]) -> Floats:
    return np.bincount(groups)[groups].astype(np.float64)


def _without_each(columns: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """For each column, groups of records that agree in all others; prefixes and suffixes keep the work linear."""
    nothing = np.zeros(len(columns[0]), dtype=np.int64)
    before, after = [nothing], [nothing]
    for ahead, behind in zip(columns, reversed(columns), strict=True):
        before.append(distinct_rows(np.column_stack([before[-1], ahead])))
        after.append(distinct_rows(np.column_stack([after[-1], behind])))
    count = len(columns)
    return [distinct_rows(np.column_stack([before[j], after[count - 1 - j]])) for j in range(count)]
