"""What whole synthetic sets betray."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from audit.checks import Part
from audit.membership import groundhog
from audit.membership.groundhog import QUERIES, ridge, shrunken_centroids
from audit.membership.set_features import Columns, matches, random_queries
from audit.neighbours import Points
from audit.statistics import auc


def points(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    return Points(rng.normal(size=(rows, 2)), rng.integers(0, 3, size=(rows, 2)))


def test_features_are_moments_histograms_and_correlations():
    reference = points()
    columns = Columns(reference, reference)
    drawn = points(200, seed=1)
    found = columns.describe(drawn)
    assert columns.sizes == [10, 10, 4, 4]
    assert len(found) == 3 * 2 + 4 + sum(columns.sizes) + 6
    first = columns.cells(drawn)[:, 0]
    assert found[10:20] == pytest.approx(np.bincount(first, minlength=10) / 200)
    table = pd.DataFrame(np.hstack([drawn.numbers, drawn.codes]))
    assert found[-6] == pytest.approx(table.corr().iloc[0, 1], abs=0.02)
    assert found[-1] == pytest.approx(table.corr().iloc[2, 3])


def test_a_constant_column_correlates_with_nothing():
    same = Points(np.zeros((20, 2)), np.zeros((20, 1), dtype=np.int64))
    assert np.isfinite(Columns(same, same).describe(same)).all()


def test_matches_are_counted_column_by_column():
    asked, drawn = np.array([[0, 1], [2, 2]]), np.array([[0, 1], [0, 2], [0, 1], [2, 1]])
    queries = [np.array([0]), np.array([0, 1])]
    assert matches(queries, asked, drawn).tolist() == [[3, 2], [1, 0]]


def test_matches_are_counted_in_wide_tables():
    asked, drawn = np.zeros((1, 200), dtype=np.int64), np.ones((5, 200), dtype=np.int64)
    drawn[:4, 1:] = 0
    queries = [np.arange(200), np.arange(1, 200), np.array([0])]
    assert matches(queries, asked, drawn).tolist() == [[0, 4, 0]]


def test_queries_differ_and_are_always_the_same():
    first, second = random_queries(8, 50), random_queries(8, 50)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert len({tuple(one) for one in first}) == 50
    assert len(random_queries(2, 50)) == 3


def made_sets(records=40, shadows=128, width=50, own=False, often=0.5):
    """Sets whose features are what each of their records adds, and noise: those of shadows, and of a target."""
    rng = np.random.default_rng(0)
    inside = rng.random((shadows, records)).argsort(axis=0) < often * shadows
    member = rng.random(records) < 0.5
    if own:  # what each record adds shows in features of its own
        adds = rng.normal(size=(records, width))
        sets = inside[:, :, None] * adds + rng.normal(size=(shadows, records, width))
        return sets.astype(np.float32), inside, (member[:, None] * adds + rng.normal(size=adds.shape)), member
    adds = 2 * np.eye(records, width)
    sets = inside @ adds + rng.normal(size=(shadows, width))
    return sets, inside, member @ adds + rng.normal(size=width), member


@pytest.mark.parametrize(("judge", "own"), [(shrunken_centroids, False), (ridge, True)])
@pytest.mark.parametrize("often", [0.5, 0.125])
def test_each_record_is_judged_by_sets_made_with_it_and_without(judge, own, often):
    sets, inside, target, member = made_sets(own=own, often=often)
    scores = judge(sets, inside, target)
    assert auc(scores[member], scores[~member]) > (0.85 if often == 0.5 else 0.75)
    nobody = judge(sets, inside, np.random.default_rng(1).normal(size=target.shape))
    assert 0.3 < auc(nobody[member], nobody[~member]) < 0.7


def test_features_that_one_record_does_not_move_do_not_count():
    sets, inside, target, _ = made_sets(records=4, width=200)
    changed = target.copy()
    changed[100:] += 3
    assert shrunken_centroids(sets, inside, changed) == pytest.approx(shrunken_centroids(sets, inside, target), abs=3)


@pytest.mark.parametrize(
    ("people", "shadows", "expected"), [(2000, 64, QUERIES), (10_000, 256, 52), (10_000, 1024, 13)]
)
def test_counts_of_many_shadows_and_people_leave_room_for_fewer_queries(people, shadows, expected):
    halves = (Part(None, np.arange(people // 2), None),) * 2
    asked = SimpleNamespace(asked=halves, inside=np.zeros((shadows, 1), dtype=bool))
    assert groundhog._queries(asked) == expected
    assert expected * people * shadows <= groundhog._ROOM
