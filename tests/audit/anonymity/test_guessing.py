import numpy as np
import pandas as pd
import pytest

from audit.anonymity.guessing import Forest, Secret
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
