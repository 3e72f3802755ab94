"""What whole synthetic sets betray."""

import numpy as np
import pandas as pd
import pytest

from audit.membership.groundhog import judged
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


def test_queries_differ_and_are_always_the_same():
    first, second = random_queries(8, 50), random_queries(8, 50)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert len({tuple(one) for one in first}) == 50
    assert len(random_queries(2, 50)) == 3


@pytest.mark.parametrize("own", [False, True], ids=["alike-for-all", "of-each-record"])
def test_each_record_is_judged_by_sets_made_with_it_and_without(own):
    """A set's features are the sum of its records' own directions, and noise."""
    rng = np.random.default_rng(0)
    records, shadows, width = 40, 64, 50
    inside = np.stack([row for _ in range(shadows // 2) for row in _pair(rng, records)])
    direction = rng.normal(size=(records, width))
    member = rng.random(records) < 0.5
    if own:
        sets = inside[:, :, None] * direction + rng.normal(size=(shadows, records, width))
        target = member[:, None] * direction + rng.normal(size=(records, width))
    else:
        sets = (inside @ direction + rng.normal(size=(shadows, width)))[:, None, :]
        target = (member @ direction + rng.normal(size=width))[None, :]
    scores = judged(sets, inside, target)
    assert auc(scores[member], scores[~member]) > 0.8
    nobody = judged(sets, inside, rng.normal(size=target.shape))
    assert 0.3 < auc(nobody[member], nobody[~member]) < 0.7


def _pair(rng, records):
    half = rng.permutation(records) < records // 2
    return half, ~half
