from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from generators import Column, InputError, Ledger, Schema
from generators.encoding import LabelEncoder


def labelled(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


FRAME = labelled(digit=["0", "1", "1", "1"], who=["ann", "bob", "bob", "eve"])
SCHEMA = Schema((Column("digit", "categorical"), Column("who", "categorical"), Column("audio", "audio", rate=8000)))
PUBLIC = Schema(
    (
        Column("digit", "categorical", levels=("0", "1", "2"), public="the test"),
        Column("who", "categorical", levels=("ann", "bob", "eve"), public="the speakers"),
    )
)


def draw(encoder: LabelEncoder, n: int = 4000, **conditions: str) -> pd.DataFrame:
    return pd.DataFrame(encoder.decode(encoder.draw(n, torch.Generator().manual_seed(0), conditions)))


def test_one_hot_and_back() -> None:
    encoder = LabelEncoder().fit(FRAME, SCHEMA)
    assert encoder.sizes == (2, 3)
    assert encoder.one_hot(FRAME).tolist()[3] == [0, 1, 0, 0, 1]
    assert pd.DataFrame(encoder.decode(encoder.encode(FRAME))).equals(FRAME)


def test_an_unknown_level_is_all_zeros() -> None:
    encoder = LabelEncoder().fit(FRAME, SCHEMA)
    assert encoder.one_hot(labelled(digit=["7"], who=["bob"])).tolist() == [[0, 0, 0, 1, 0]]


def test_labels_are_drawn_as_they_occur_together() -> None:
    drawn = draw(LabelEncoder().fit(FRAME, SCHEMA)).value_counts(normalize=True)
    assert len(drawn) == 3
    assert drawn["1", "bob"] == pytest.approx(0.5, abs=0.03)


def test_conditions_fix_a_column_and_the_others_follow() -> None:
    encoder = LabelEncoder().fit(FRAME, SCHEMA)
    assert set(draw(encoder, digit="1")["who"]) == {"bob", "eve"}
    assert draw(encoder, digit="0", who="ann").drop_duplicates().to_numpy().tolist() == [["0", "ann"]]


def test_a_combination_that_train_does_not_show_can_be_asked_for() -> None:
    drawn = draw(LabelEncoder().fit(FRAME, SCHEMA), digit="0", who="eve")
    assert drawn.drop_duplicates().to_numpy().tolist() == [["0", "eve"]]


def test_a_value_that_train_does_not_show_is_refused() -> None:
    with pytest.raises(InputError, match="condition digit=7: train has no such record"):
        draw(LabelEncoder().fit(FRAME, SCHEMA), digit="7")


def test_missing_labels_are_a_category() -> None:
    frame = labelled(digit=["0", np.nan, "1"])
    encoder = LabelEncoder().fit(frame, Schema((Column("digit", "categorical", missing=True),)))
    assert encoder.one_hot(frame).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert pd.isna(encoder.decode(np.array([[2]]))["digit"][0])


def test_no_labels_at_all() -> None:
    frame = labelled(audio=[np.zeros(3), np.ones(2)])
    encoder = LabelEncoder().fit(frame, Schema((Column("audio", "audio", rate=8000),)))
    assert encoder.width == 0
    assert encoder.one_hot(frame).shape == (2, 0)
    assert encoder.draw(5, torch.Generator(), {}).shape == (5, 0)
    assert encoder.decode(np.zeros((5, 0), dtype=np.int64)) == {}
    assert LabelEncoder.from_dict(encoder.to_dict()).draw(2, torch.Generator(), {}).shape == (2, 0)


def test_saved_encoders_draw_the_same() -> None:
    encoder = LabelEncoder().fit(FRAME, SCHEMA)
    again = LabelEncoder.from_dict(encoder.to_dict())
    assert draw(again, 50).equals(draw(encoder, 50))


def test_under_a_budget_nothing_is_learnt() -> None:
    encoder = LabelEncoder(public_only=True).fit(FRAME, PUBLIC)
    other = LabelEncoder(public_only=True).fit(FRAME.iloc[:1], PUBLIC)
    assert encoder.to_dict() == other.to_dict()
    assert draw(encoder)["digit"].value_counts(normalize=True)["2"] == pytest.approx(1 / 3, abs=0.03)
    ledger = Ledger()
    encoder.record(ledger)
    assert [(entry.what, entry.mechanism, entry.public) for entry in ledger] == [
        ("levels of digit", "public", "the test"),
        ("levels of who", "public", "the speakers"),
    ]


@pytest.mark.parametrize(
    ("frame", "schema", "message"),
    [
        (FRAME, SCHEMA, "column 'digit': private training needs a public domain"),
        (labelled(digit=["0", "9"], who=["ann", "bob"]), PUBLIC, "column 'digit': row 2 lies outside"),
    ],
)
def test_under_a_budget_domains_must_be_public_and_hold(frame: pd.DataFrame, schema: Schema, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelEncoder(public_only=True).fit(frame, schema)


def test_labels_are_categories() -> None:
    frame = pd.DataFrame({"loudness": [0.1, 0.2]})
    with pytest.raises(InputError, match="label column 'loudness' is numeric"):
        LabelEncoder().fit(frame, Schema((Column("loudness", "numeric"),)))


def test_ordinal_labels_come_back_as_numbers() -> None:
    frame = pd.DataFrame({"stars": [1.0, 3.0, 1.0]})
    encoder = LabelEncoder().fit(frame, Schema((Column("stars", "ordinal", levels=(1.0, 3.0)),)))
    pd.testing.assert_series_equal(encoder.decode(encoder.encode(frame))["stars"], frame["stars"], check_names=False)


@pytest.mark.parametrize("columns", [17, 64, 70])
def test_too_many_public_combinations_are_one_line(columns: int) -> None:
    """Also where the number of combinations is beyond 64 bits."""
    names = [f"label {number}" for number in range(columns)]
    schema = Schema(tuple(Column(name, "boolean", levels=("no", "yes"), public="me") for name in names))
    with pytest.raises(InputError, match="too many combinations"):
        LabelEncoder(public_only=True).fit(labelled(**{name: ["no"] for name in names}), schema)
