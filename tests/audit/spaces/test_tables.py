"""Distances of tables, with categories of few levels and of very many."""

import numpy as np
import pandas as pd
import pytest
import torch

from audit.spaces import Space
from audit.spaces.tables import WIDE
from generators import Column, Schema

SCHEMA = Schema((Column("town", "categorical"), Column("note", "text"), Column("age", "numeric")))


def records(rows, levels, seed):
    rng = np.random.default_rng(seed)
    towns, notes = rng.choice(["a", "b", "c"], rows), rng.integers(levels, size=rows).astype(str)
    frame = pd.DataFrame({"town": towns, "note": notes, "age": rng.normal(size=rows)})
    return frame.astype({"town": object, "note": object}).mask(rng.random((rows, 3)) < 0.05)


@pytest.mark.parametrize("levels", [5, WIDE + 200])
def test_a_differing_category_is_one_unit_however_many_levels_it_has(levels):
    queries, targets = records(600, levels, 0), records(700, levels, 1)
    space = Space(SCHEMA, targets, queries)
    asked, there = space.place(queries), space.place(targets)
    differ = (asked.codes[:, None] != there.codes[None]).sum(axis=2)
    scaled = [space._relative(points, space._central_range) for points in (asked, there)]
    expected = differ + np.abs(scaled[0][:, None] - scaled[1][None]).sum(axis=2)
    found, rows = space.closest(asked, there, 3)
    assert found == pytest.approx(np.sort(expected, axis=1)[:, :3], abs=1e-5)
    assert np.take_along_axis(expected, rows, axis=1) == pytest.approx(found, abs=1e-5)


def test_a_text_that_everybody_writes_differently_takes_no_room_for_its_levels():
    """One column for each of 40,000 levels would be 6 GB."""
    queries, targets = records(20_000, 10**9, 0).head(1000), records(20_000, 10**9, 1)
    space = Space(SCHEMA, targets, queries)
    wide, one_hot, _ = space._one_hot(space.place(queries).codes, space.place(targets).codes)
    assert one_hot.shape[1] < 20
    assert wide == []
    same = space._one_hot(space.place(targets).codes, space.place(targets).codes)
    assert len(same[0]) == 1
    assert isinstance(same[0][0][0], torch.Tensor)
