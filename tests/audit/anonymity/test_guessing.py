from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.anonymity.guessing import MOST_LEVELS, Forest, Secret
from audit.neighbours import Space
from tests.audit.anonymity.people import SCHEMA, people

TRUE = people(7, 0)


def secret_of(name, space):
    return Secret.of(next(column for column in SCHEMA.columns if column.name == name), space)


@pytest.mark.parametrize(
    ("column", "truth", "guess", "right"),
    [
        ("balance", 100.0, 104.9, True),
        ("balance", 100.0, 105.1, False),
        ("balance", -100.0, -104.9, True),
        ("balance", -100.0, -106.0, False),
        ("balance", -100.0, 100.0, False),
        ("balance", 100.0, -5000.0, False),
        ("balance", 0.0, 0.0, True),
        ("balance", 0.0, 0.1, False),
        ("balance", np.nan, np.nan, True),
        ("balance", np.nan, 100.0, False),
        ("balance", 100.0, np.nan, False),
        ("visits", 10.0, 10.0, True),
        ("visits", 14.0, 13.0, False),
        ("town", "a", "a", True),
        ("town", "a", "b", False),
        ("smoker", "yes", "no", False),
        ("joined", pd.Timestamp("2001-05-05"), pd.Timestamp("2001-05-06"), True),
        ("joined", pd.Timestamp("2001-05-05"), pd.Timestamp("2001-05-07"), False),
    ],
)
def test_what_counts_as_right(column, truth, guess, right):
    asked, said = TRUE.copy(), TRUE.copy()
    asked.loc[0, column], said.loc[0, column] = truth, guess
    said.loc[1:, column] = TRUE.loc[1:, column]
    gaps = people(50, 3)  # so that missing cells are known to exist
    space = Space(SCHEMA, pd.concat([said, gaps]), asked, [gaps])
    found = secret_of(column, space).right(space.place(said), space.place(asked))
    assert found.tolist() == [right, *[True] * 6]


@pytest.mark.parametrize("column", ["age", "town", "balance"])
def test_a_forest_remembers_what_it_has_seen_and_guesses_the_rest_worse(column):
    seen, other = people(300, 1), people(300, 2)
    space = Space(SCHEMA, seen, other)
    secret = secret_of(column, space)
    known = [name for name in TRUE.columns if name != column]
    forest = Forest(space.place(seen), secret, known, space, np.random.default_rng(0))
    (right, ease), (blind, _) = forest.tried(space.place(seen)), forest.tried(space.place(other))
    assert right.mean() > 0.85
    assert blind.mean() < 0.5
    assert ((ease >= 0) & (ease <= 1)).all()


def grown(frame, column, known=None):
    space = Space(SCHEMA, frame, frame)
    secret = secret_of(column, space)
    names = known or [name for name in TRUE.columns if name != column]
    return Forest(space.place(frame), secret, names, space, np.random.default_rng(0)), space.place(frame)


def test_a_forest_guesses_what_is_missing_as_missing():
    """Whoever is in one town never says a balance; nobody else leaves it out."""
    frame = people(400, 1)
    silent = (frame["town"] == "b").to_numpy()
    frame["balance"] = np.where(silent, np.nan, frame["age"] * 10)
    forest, points = grown(frame, "balance", ["town", "age"])
    right, ease = forest.tried(points)
    assert right[silent].all()
    assert right[~silent].mean() > 0.9
    assert ease[silent].mean() > 0.9


def test_a_number_that_is_often_missing_is_still_guessed():
    right, _ = (forest := grown(people(400, 2), "balance"))[0].tried(forest[1])
    assert right.mean() > 0.9


def test_a_category_with_very_many_levels_is_cut_to_the_common_ones():
    frame = people(2000, 3)
    towns = np.r_[np.repeat("common", 1000), [f"village {i}" for i in range(1000)]]
    schema = replace(SCHEMA, columns=tuple(replace(c, levels=()) if c.name == "town" else c for c in SCHEMA.columns))
    frame["town"] = pd.Series(towns, dtype=object)
    space = Space(schema, frame, frame)
    secret = Secret.of(next(column for column in schema.columns if column.name == "town"), space)
    points = space.place(frame)
    forest = Forest(points, secret, ["age", "balance", "joined"], space, np.random.default_rng(0))
    assert len(forest._model.classes_) == MOST_LEVELS + 1
    right, _ = forest.tried(points)
    assert right[:1000].mean() > 0.9
    assert right[1000:].sum() == MOST_LEVELS - 1  # those that it tells apart, and remembers


@pytest.mark.parametrize("column", ["town", "age"])
def test_a_secret_that_everyone_shares_is_always_guessed(column):
    frame = people(50, 4)
    frame[column] = frame[column].iloc[0]
    forest, points = grown(frame, column)
    assert forest.tried(points)[0].all()
