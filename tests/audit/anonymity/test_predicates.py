import numpy as np
import pandas as pd
import pytest

from audit.anonymity.predicates import MISSING, TOP, Predicates, encode, multivariate, univariate
from tests.audit.anonymity.people import people

COLUMNS = ["age", "town", "balance", "joined", "smoker", "visits"]
ORDERED = [True, False, True, True, False, True]


def records(rows=300, seed=0):
    return encode([people(rows, seed)], COLUMNS)[0]


def plain(predicates, cells):
    """Which records match, by the definition: (predicates, records)."""
    rows = zip(predicates.columns, predicates.low, predicates.high, strict=True)
    return np.array([((cells[:, c] >= low) & (cells[:, c] <= high)).all(axis=1) for c, low, high in rows])


def some(cells, width, count=600):
    return multivariate(cells, ORDERED, width, count, np.random.default_rng(0))


def test_ranks_ascend_with_values_across_frames():
    first, second = people(50, 0), people(70, 1)
    one, two = encode([first, second], COLUMNS)
    for place, name in enumerate(COLUMNS):
        both = pd.concat([first[name], second[name]], ignore_index=True)
        ranks = np.concatenate([one[:, place], two[:, place]])
        assert (ranks == MISSING).tolist() == both.isna().tolist()
        order = np.argsort(ranks[ranks != MISSING], kind="stable")
        assert both[ranks != MISSING].iloc[order].is_monotonic_increasing


@pytest.mark.parametrize("width", [1, 3, 6])
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 300])
def test_counts_and_matches_are_those_of_the_definition(width, rows):
    predicates, cells = some(records(), width), records(rows, 5)
    expected = plain(predicates, cells)
    assert predicates.counts(cells).tolist() == expected.sum(axis=1).tolist()
    few = expected.sum(axis=1) <= 5
    number, row = predicates.matches(cells, 5)
    assert set(zip(number, row, strict=True)) == set(zip(*np.nonzero(expected & few[:, None]), strict=True))


def test_predicates_on_one_column_are_extremes_rare_values_and_a_lone_gap():
    cells = np.array([[0, 0], [1, 0], [1, 1], [2, MISSING]])
    found = univariate(cells, [True, False])
    listed = list(zip(found.columns[:, 0], found.low[:, 0], found.high[:, 0], strict=True))
    assert sorted(listed) == [(0, 0, 0), (0, 0, 0), (0, 2, 2), (0, 2, TOP), (1, MISSING, MISSING), (1, 1, 1)]


@pytest.mark.parametrize("once", [False, True])
def test_predicates_on_several_columns_match_one_record_each(once):
    cells = records()
    found = multivariate(cells, ORDERED, 3, 50, np.random.default_rng(0), once=once)
    assert len(found) == 50
    assert (found.counts(cells) == 1).all()
    assert len(found.distinct()) == 50
    assert (np.diff(found.columns, axis=1) > 0).all()
    _, row = found.matches(cells, 1)
    assert (len(set(row)) == 50) == once


def test_records_all_alike_give_no_predicate():
    cells = np.zeros((50, 3), dtype=np.int64)
    assert len(univariate(cells, [True, False, True])) == 0
    assert len(multivariate(cells, [True, False, True], 2, 20, np.random.default_rng(0))) == 0
    assert Predicates(*np.zeros((3, 0, 2), dtype=np.int64)).counts(cells).tolist() == []
