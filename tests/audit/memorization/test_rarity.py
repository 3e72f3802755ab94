import numpy as np
import pytest

from audit.memorization.rarity import _without_each, chance_of_hit, features
from audit.neighbours import Points, distinct_rows


def records(rows, columns, levels, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(levels, size=(rows, columns))
    return Points(np.zeros((rows, 0)), codes)


def test_groups_without_a_column_are_those_of_the_other_columns():
    codes = records(300, 4, 3, 0).codes
    for j, groups in enumerate(_without_each([codes[:, i] for i in range(4)])):
        expected = distinct_rows(np.delete(codes, j, axis=1))
        pairs = set(zip(groups.tolist(), expected.tolist(), strict=True))
        assert len(pairs) == len(set(groups.tolist())) == len(set(expected.tolist()))


def test_common_records_are_predicted_to_be_hit_more_often():
    rng = np.random.default_rng(1)
    common = np.zeros((1000, 3), dtype=np.int64)
    rare = rng.integers(50, size=(1000, 3))
    everyone = Points(np.zeros((2000, 0)), np.vstack([common, rare]))
    hit = np.r_[rng.random(1000) < 0.6, rng.random(1000) < 0.01]
    chance = chance_of_hit(features(everyone.cells, np.ones((2000, 3))), hit, rng)
    assert chance[:1000].mean() == pytest.approx(0.6, abs=0.1)
    assert chance[1000:].mean() < 0.15


def test_too_few_hits_teach_nothing():
    described = features(records(100, 3, 5, 2).cells, np.ones((100, 3)))
    assert chance_of_hit(described, np.arange(100) < 5, np.random.default_rng(0)).tolist() == [0.0] * 100
