from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generators.encoding.windows import PAD, one_row_each, windows


def test_one_row_each_cuts_and_pads() -> None:
    rows = one_row_each([np.array([1, 2]), np.array([3, 4, 5, 6])], 3)
    assert rows.tolist() == [[1, 2, PAD], [3, 4, 5]]


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=20), length=st.integers(2, 12))
def test_windows_predict_every_token_and_never_skip(lengths: list[int], length: int) -> None:
    total = sum(lengths)
    sequences = np.split(np.arange(total), np.cumsum(lengths)[:-1])
    rows = windows(sequences, length)
    assert rows.shape[1] == length
    predicted = set()
    for row in rows:
        shown = row[row != PAD]
        assert (np.diff(shown) == 1).all()
        assert (row[len(shown) :] == PAD).all()
        predicted |= set(shown[1:].tolist())
    assert predicted == set(range(1, total))
    steps = np.diff(rows[:, 0])
    assert (steps > length // 2 - (length == 2)).all()
    assert (steps < length).all()
    starts = set(np.cumsum([0, *lengths]).tolist())
    assert all(step == length - 1 or row[0] in starts for step, row in zip(steps, rows[1:], strict=True))


def test_windows_begin_with_a_record_where_one_begins() -> None:
    rows = windows([np.arange(10), np.arange(10, 17), np.arange(17, 41)], 12)
    assert rows[:, 0].tolist() == [0, 10, 17, 28, 39]
