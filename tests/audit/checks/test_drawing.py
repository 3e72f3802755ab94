"""Whole people are drawn; where each has very many records, enough people with some of theirs."""

import numpy as np
import pytest

from audit.checks.drawing import ENOUGH, half, some_units


@pytest.mark.parametrize("each", [1, 3, 10])
def test_people_are_drawn_whole_while_there_are_enough(each):
    units = np.repeat(np.arange(2000), each)
    rows = some_units(units, 1000 * each, np.random.default_rng(0))
    people, sizes = np.unique(units[rows], return_counts=True)
    assert len(people) == 1000
    assert (sizes == each).all()


@pytest.mark.parametrize(("people", "each"), [(400, 200), (400, 6000), (35, 1000)])
def test_of_long_histories_some_records_of_enough_people_are_drawn(people, each):
    units = np.random.default_rng(1).permutation(np.repeat(np.arange(people), each))
    rows = some_units(units, 5000, np.random.default_rng(0))
    found, sizes = np.unique(units[rows], return_counts=True)
    assert len(found) == min(people, ENOUGH)
    assert len(rows) <= 5000
    assert (sizes == 5000 // len(found)).all()
    assert len(np.unique(rows)) == len(rows)


def test_uneven_histories_keep_who_has_few_records():
    units = np.concatenate([np.zeros(10_000, dtype=np.int64), np.arange(1, 101)])
    rows = some_units(units, 1000, np.random.default_rng(0))
    assert len(np.unique(units[rows])) == 101


def test_a_half_takes_every_record_of_its_people():
    units = np.repeat(np.arange(50), 4)
    chosen = half(units, np.random.default_rng(0))
    assert chosen.sum() == 100
    assert set(units[chosen]).isdisjoint(units[~chosen])
