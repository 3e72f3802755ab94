from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import InputError, Ledger, PrivacyBudget
from generators.privacy import Curator, composed_epsilon

Codes = npt.NDArray[np.int64]


def curator_of(people: list[int] | None, records: int, seed: int | None = 0, **budget: Any) -> Curator:
    allowed = {"epsilon": 1.0, "delta": 1e-2, "preprocessing": 0.2, **budget}
    made = Curator(
        PrivacyBudget(**allowed, deterministic_noise_for_tests=seed),
        Ledger(),
        people=None if people is None else np.array(people, dtype=np.int64),
        records=records,
        unit="record" if people is None else "person (p)",
    )
    # As `expect(4)` would set it for epsilon 1 at delta 1e-2, or nearly: finding it out takes a while.
    made._noise, made._failure = 8.0, 1e-3
    return made


NEIGHBOURS = st.tuples(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 5)), min_size=1, max_size=30),  # (person, cell) of a record
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(-1, 5)), min_size=1, max_size=12
    ),  # (place, cell) of the new one's
)


def joined(records: list[tuple[int, int]], new: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """People, numbered without gaps, and cells, with the new person's records anywhere among the others'."""
    known = {person: number for number, person in enumerate(dict.fromkeys(person for person, _ in records))}
    rows = [(known[person], cell) for person, cell in records]
    for place, cell in new:
        rows.insert(min(place, len(rows)), (len(known), cell))
    return [person for person, _ in rows], [cell for _, cell in rows]


@given(NEIGHBOURS)
@settings(max_examples=40, deadline=None)
def test_a_person_with_any_number_of_records_changes_answers_by_one(
    neighbours: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    """The same noise on both sides cancels, so that differences are those of the exact answers."""
    records, new = neighbours
    answers = []
    for added in ([], new):
        people, cells = joined(records, added)
        made, codes = curator_of(people, len(people)), np.array(cells, dtype=np.int64)
        plain = [made.counts("one", codes, 6), made.counts("two", codes // 2, 3)]
        several, deviation = made.tables("three", [(codes, 6), (codes // 2, 3)])
        answers.append([*plain, np.concatenate(several) * made.noise / deviation])
    for one, other in zip(*answers, strict=True):
        assert np.linalg.norm(one - other) <= 1 + 1e-9


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=40), st.integers(-1, 5))
@settings(max_examples=40, deadline=None)
def test_a_record_changes_answers_by_one(cells: list[int], new: int) -> None:
    answers = []
    for some in (cells, [*cells, new]):
        made, codes = curator_of(None, len(some)), np.array(some, dtype=np.int64)
        several, deviation = made.tables("all", [(codes, 6), (codes // 2, 3)])
        answers.append(np.concatenate([made.counts("one", codes, 6), *several]))
        scale = np.concatenate([np.ones(6), np.full(9, made.noise / deviation)])
    change = (answers[1] - answers[0]) * scale
    assert np.linalg.norm(change[:6]) <= 1 + 1e-9
    assert np.linalg.norm(change[6:]) <= 1 + 1e-9


def test_one_record_stands_for_a_person_and_each_is_drawn_evenly() -> None:
    people = [1, 0, 0, 2, 0]
    made = curator_of(people, 5)
    drawn = np.array([made.one_each() for _ in range(2000)])
    assert all(np.array(people)[row].tolist() == [0, 1, 2] for row in drawn[:50])
    shares = np.bincount(drawn[:, 0], minlength=5) / len(drawn)
    np.testing.assert_allclose(shares, [0, 1 / 3, 1 / 3, 0, 1 / 3], atol=0.05)


def test_noise_is_as_large_as_charged() -> None:
    made = curator_of(None, 10)
    several, deviation = made.tables("all", [(np.zeros(10, dtype=np.int64), 4000)] * 2)
    assert deviation == pytest.approx(made.noise * math.sqrt(2))
    np.testing.assert_allclose([table[1:].std() for table in several], deviation, rtol=0.05)
    assert made.events[-1].noise_multiplier == made.noise


@pytest.mark.parametrize("people", [None, [0, 0, 0]])
def test_what_one_unit_has_alone_shows_as_often_as_the_ledger_says(people: list[int] | None) -> None:
    records = 1 if people is None else 3
    made = curator_of(people, records)
    made._failure = 0.1
    values = pd.Series(["rare"] * records, dtype=object)
    shown = np.array([bool(made.frequent("which", values)) for _ in range(1500)])
    assert made.events[0].failure == 0.1
    assert abs(shown.mean() - 0.1) < 4 * math.sqrt(0.09 / len(shown))


def test_frequent_values_come_with_their_counts_most_frequent_first() -> None:
    values = pd.Series(["b"] * 3000 + ["a"] * 9000 + ["c"] + [np.nan] * 500, dtype=object)
    made = curator_of(None, len(values))
    found = made.frequent("which", values)
    assert [value for value, _ in found] == ["a", "b"]
    np.testing.assert_allclose([count for _, count in found], [9000, 3000], atol=6 * made.noise)


def test_all_that_was_expected_costs_its_share() -> None:
    made = curator_of(None, 100, seed=None, epsilon=2.0, delta=1e-5)
    made.expect(questions=4)
    for _ in range(3):
        made.counts("how many", np.zeros(100, dtype=np.int64), 3)
    made.frequent("which", pd.Series(["x"] * 100, dtype=object))
    assert made.ledger.events == made.events
    precision = sum((event.noise_multiplier or math.nan) ** -2 for event in made.events)
    alone = curator_of(None, 100, seed=None, epsilon=2.0, delta=1e-5, preprocessing=0.4)
    alone.expect(questions=4)
    assert 4 * alone.noise**-2 == pytest.approx(2 * precision)  # twice the share, twice the precision
    assert composed_epsilon(made.events, 1e-5) < 2.0
    assert sum(event.failure for event in made.events) <= 0.5 * 0.2 * 1e-5


def test_nothing_is_answered_that_cannot_be_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    ledger.allow(PrivacyBudget(0.1, 1e-5), unit="record")
    made = Curator(PrivacyBudget(2, 1e-5, preprocessing=0.5), ledger, people=None, records=9, unit="record")
    made.expect(questions=1)
    monkeypatch.setattr(made, "_draws", lambda: pytest.fail("looked before paying"))
    with pytest.raises(InputError, match="Nothing was done"):
        made.counts("how many", np.zeros(9, dtype=np.int64), 1)
    with pytest.raises(InputError, match="Nothing was done"):
        made.frequent("which", pd.Series(["x"] * 9, dtype=object))
    assert not made.events


def test_a_number_that_is_not_public_is_noisy() -> None:
    made = curator_of([0, 0, 1], 3, n_public=False)
    made.count_units()
    assert made.units >= 1
    assert made.units == round(made.units)
    assert len(made.events) == 1
    many = curator_of(None, 50_000, n_public=False)
    many.count_units()
    assert abs(many.units - 50_000) <= 5 * many.noise + 1


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        ({"preprocessing": 0.0, "n_public": False}, "must be paid for"),
        ({"delta": "auto", "n_public": False}, "delta=auto"),
    ],
)
def test_a_hidden_number_needs_a_share_and_a_delta(budget: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        curator_of(None, 10, **budget)


def test_questions_need_a_share_and_a_number() -> None:
    made = Curator(PrivacyBudget(1, 1e-5), Ledger(), people=None, records=9, unit="record")
    with pytest.raises(InputError, match="preprocessing is 0"):
        made.expect(questions=1)
    with pytest.raises(InputError, match="call expect first"):
        made.counts("how many", np.zeros(9, dtype=np.int64), 1)
