import numpy as np
import pandas as pd
import pytest

from audit.neighbours import Neighbours, Space, distinct_rows, join
from generators import Column, Schema

SCHEMA = Schema(
    columns=(
        Column("id", "identifier"),
        Column("age", "integer", missing=True),
        Column("pay", "numeric"),
        Column("job", "categorical", missing=True),
        Column("flag", "boolean"),
        Column("same", "categorical", constant=True),
    )
)


def frame(rows, seed):
    rng = np.random.default_rng(seed)
    ages = rng.integers(18, 90, rows).astype(float)
    ages[rng.random(rows) < 0.1] = np.nan
    jobs = rng.choice(["a", "b", "c"], rows).astype(object)
    jobs[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "id": [f"r{seed}-{i}" for i in range(rows)],
            "age": ages,
            "pay": rng.lognormal(3, 1, rows),
            "job": jobs,
            "flag": rng.choice(["false", "true"], rows),
            "same": "x",
        }
    )


@pytest.fixture
def placed():
    queries, targets = frame(60, 0), frame(80, 1)
    space = Space(SCHEMA, targets, targets, [queries])
    return space, space.place(queries), space.place(targets)


def brute_force(space, queries, targets):
    low, high = np.quantile(targets.numbers, [0.01, 0.99], axis=0)
    gaps = np.abs(queries.numbers[:, None] - targets.numbers[None]) / space._central_range
    return gaps.sum(axis=2) + (queries.codes[:, None] != targets.codes[None]).sum(axis=2), low, high


def test_nearest_equals_brute_force(placed):
    space, queries, targets = placed
    expected = np.sort(brute_force(space, queries, targets)[0], axis=1)[:, :3]
    np.testing.assert_allclose(space.nearest(queries, targets, 3), expected, atol=1e-4)


def test_identifiers_and_constants_do_not_count(placed):
    space, _, _ = placed
    assert space.numeric == ["age", "pay"]
    assert space.categorical == ["job", "flag"]


def test_a_record_is_at_distance_zero_from_itself_even_with_missing_cells(placed):
    space, queries, _ = placed
    np.testing.assert_array_equal(space.nearest(queries, queries, 1), np.zeros((60, 1)))
    np.testing.assert_array_equal(space.twin(queries, queries), np.zeros(60))


def test_exclude_self_finds_the_other_one(placed):
    space, queries, _ = placed
    alone = space.nearest(queries, queries, 1, exclude_self=True)
    assert (alone > 0).all()
    doubled = join(queries, queries)
    np.testing.assert_array_equal(space.nearest(doubled, doubled, 1, exclude_self=True), np.zeros((120, 1)))


def test_twin_equals_brute_force(placed):
    space, queries, targets = placed
    equal = (queries.codes[:, None] == targets.codes[None]).all(axis=2)
    gaps = (np.abs(queries.numbers[:, None] - targets.numbers[None]) / space.full_range).max(axis=2)
    np.testing.assert_allclose(space.twin(queries, targets), np.where(equal, gaps, np.inf).min(axis=1))


def test_twin_is_the_same_by_tree_and_by_comparison():
    many = pd.DataFrame(
        {"x": np.random.default_rng(0).normal(size=900), "y": np.random.default_rng(1).normal(size=900)}
    )
    space = Space(Schema(columns=(Column("x", "numeric"), Column("y", "numeric"))), many, many)
    points = space.place(many)
    first, rest = points.take(np.arange(400)), points.take(np.arange(400, 900))
    one_by_one = [space.twin(first.take(np.array([i])), rest)[0] for i in range(400)]
    gaps = np.abs(first.numbers[:, None] - rest.numbers[None]) / space.full_range
    np.testing.assert_allclose(space.twin(first, rest), gaps.max(axis=2).min(axis=1))
    np.testing.assert_allclose(one_by_one, gaps.max(axis=2).min(axis=1))


def test_fewer_targets_than_neighbours_repeat_the_farthest(placed):
    space, queries, targets = placed
    found = space.nearest(queries, targets.take(np.arange(2)), 5)
    assert found.shape == (60, 5)
    np.testing.assert_array_equal(found[:, 1], found[:, 4])


def test_a_search_is_done_once(placed, monkeypatch):
    space, queries, targets = placed
    searches = []
    search = space.closest
    monkeypatch.setattr(space, "closest", lambda q, t, k: searches.append(k) or search(q, t, k))
    shared = Neighbours(space)
    shared.nearest(queries, targets, 5)
    shared.nearest(queries, targets, 2)
    rows = np.array([3, 1])
    np.testing.assert_array_equal(shared.nearest(queries.take(rows), targets, 2), search(queries, targets, 2)[0][rows])
    assert searches == [5]
    shared.nearest(targets, queries, 1)
    shared.nearest(targets, queries, 3)
    assert searches == [5, 1, 3]


def test_distinct_rows_numbers_equal_rows_alike():
    rows = np.array([[1, 2], [2, 1], [1, 2], [1, 1]])
    groups = distinct_rows(rows)
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3


def test_a_large_offset_costs_no_precision():
    rng = np.random.default_rng(0)
    near_zero = pd.DataFrame({"x": rng.uniform(0, 10, 300)})
    schema = Schema(columns=(Column("x", "numeric"),))
    found = []
    for frame in (near_zero, near_zero + 1e9):
        space = Space(schema, frame, frame)
        points = space.place(frame)
        found.append(space.nearest(points, points, 1, exclude_self=True))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-6)


def test_a_wild_synthetic_cell_breaks_nothing():
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"x": rng.normal(size=300), "y": rng.normal(size=300)})
    wild = real.copy()
    wild.loc[0, "x"], wild.loc[1, "x"] = 1e308, -1e308
    space = Space(Schema(columns=(Column("x", "numeric"), Column("y", "numeric"))), wild, real)
    queries, targets = space.place(real), space.place(wild)
    assert np.isfinite(space.nearest(queries, targets, 2)).all()
    assert (space.twin(queries, targets)[2:] == 0).all()
    assert (space.twin(queries, targets)[:2] > 0).all()


def test_a_table_without_numbers_or_without_categories_works():
    words = pd.DataFrame({"a": ["x", "y", "x"], "b": ["p", "p", "q"]})
    space = Space(Schema(columns=(Column("a", "categorical"), Column("b", "categorical"))), words, words)
    points = space.place(words)
    np.testing.assert_array_equal(space.nearest(points, points, 1, exclude_self=True)[:, 0], [1, 1, 1])
    assert space.twin(points, points, exclude_self=True).tolist() == [np.inf] * 3
