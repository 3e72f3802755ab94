from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import Column, InputError, Ledger, Schema, load_dataset
from generators.encoding import TabularEncoder
from generators.encoding.blocks import grid_of

NUMBERS = {
    "integer": st.integers(-50, 10**6).map(float),
    "cents": st.integers(0, 10**5).map(lambda cents: cents / 100),
    "real": st.floats(-1e3, 1e3, width=32),
}


@pytest.mark.parametrize("flavour", NUMBERS)
@pytest.mark.parametrize("bins", [2, 5, 32])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_decoded_cells_lie_in_their_bins(flavour: str, bins: int, data: st.DataObject) -> None:
    values = data.draw(
        st.lists(st.one_of(NUMBERS[flavour], st.just(0.0), st.just(float("nan"))), min_size=2, max_size=80)
    )
    frame = pd.DataFrame({"x": values, "c": pd.Series(["a", "b"] * 40, dtype=object)[: len(values)]})
    schema = Schema((Column("x", "integer" if flavour == "integer" else "numeric"), Column("c", "categorical")))
    encoder = TabularEncoder(bins).fit(frame, schema)
    codes = encoder.encode(frame)
    assert codes.min() >= 0
    assert (codes < np.array(encoder.sizes)).all()
    uniform = np.random.default_rng(0).random(codes.shape)
    decoded = encoder.decode(codes, uniform)
    if flavour != "real":  # between reals there may be no room that rounding leaves alone
        assert (encoder.encode(decoded) == codes).all()
    assert (decoded["c"] == frame["c"]).all()
    assert (decoded["x"].isna() == frame["x"].isna()).all()
    if frame["x"].notna().any():
        assert decoded["x"].min() >= frame["x"].min() - 1e-6
        assert decoded["x"].max() <= frame["x"].max() + 1e-6


def test_frequent_values_get_categories_of_their_own() -> None:
    rng = np.random.default_rng(0)
    gains = np.where(rng.random(5000) < 0.9, 0.0, rng.integers(1, 10**5, 5000))
    frame = pd.DataFrame({"gain": gains})
    encoder = TabularEncoder().fit(frame, Schema((Column("gain", "integer"),)))
    decoded = encoder.decode(encoder.encode(frame), rng.random((5000, 1)))
    assert (decoded["gain"] == 0).mean() == (gains == 0).mean()
    copied = np.isin(decoded["gain"][gains > 0], gains[gains > 0]).mean()
    assert copied < 0.05


def test_unknown_levels_have_no_category() -> None:
    schema = Schema((Column("c", "categorical"),))
    train = pd.DataFrame({"c": pd.Series(["a", "b"], dtype=object)})
    encoder = TabularEncoder().fit(train, schema)
    codes = encoder.encode(pd.DataFrame({"c": pd.Series(["b", "z", np.nan], dtype=object)}))
    assert codes[:, 0].tolist() == [1, -1, -1]
    assert encoder.one_hot(codes).tolist() == [[0, 1], [0, 0], [0, 0]]


def test_state_round_trip() -> None:
    data = load_dataset("affairs")
    encoder = TabularEncoder(bins=8).fit(data.records, data.schema)
    again = TabularEncoder.from_dict(encoder.to_dict(), data.schema)
    assert again.blocks_ == encoder.blocks_


@pytest.mark.parametrize("name", ["affairs", "randhie", "breast-cancer", "digits"])
def test_public_encoding_ignores_the_data(name: str) -> None:
    data = load_dataset(name)
    few = TabularEncoder(public_only=True).fit(data.records.head(3), data.schema)
    all_of_them = TabularEncoder(public_only=True).fit(data.records, data.schema)
    assert few.blocks_ == all_of_them.blocks_
    ledger = Ledger()
    few.record(ledger)
    assert {entry.mechanism for entry in ledger} == {"public"}


def test_learnt_encoding_is_recorded_as_unprotected() -> None:
    data = load_dataset("affairs")
    ledger = Ledger()
    TabularEncoder().fit(data.records, data.schema).record(ledger)
    assert [entry.mechanism for entry in ledger] == ["none"]


BAD = [
    (Column("x", "numeric", low=0, high=9), "declare low/high and public: WHO for it"),
    (Column("x", "numeric", low=0, public="me"), "declare low/high and public: WHO for it"),
    (Column("x", "ordinal", levels=(1.0, 2.0)), "declare levels and public: WHO for it"),
    (Column("x", "ordinal", levels=(1.0, 2.0), public="me"), "row 3 lies outside the domain declared public by me"),
    (Column("x", "text"), "column 'x' holds free text"),
    (Column("x", "identifier"), "no column to model"),
]


@pytest.mark.parametrize(("column", "message"), BAD, ids=[message for _, message in BAD])
def test_what_cannot_be_encoded(column: Column, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TabularEncoder(public_only=True).fit(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), Schema((column,)))


def test_values_beyond_public_bounds_stand_on_them() -> None:
    schema = Schema((Column("x", "numeric", low=0, high=10, public="me"),))
    encoder = TabularEncoder(bins=5, public_only=True).fit(pd.DataFrame({"x": [-3.0, 99.0]}), schema)
    assert encoder.encode(pd.DataFrame({"x": [-3.0, 99.0]}))[:, 0].tolist() == [0, 4]


def test_public_dates_fall_on_days() -> None:
    day = 86400.0
    column = Column("d", "datetime", low=0.0, high=99 * day, public="me")
    frame = pd.DataFrame({"d": pd.to_datetime(["1970-01-01", "1970-04-10"]).astype("datetime64[ns]")})
    for public_only in (True, False):
        encoder = TabularEncoder(bins=7, public_only=public_only).fit(frame, Schema((replace(column),)))
        decoded = encoder.decode(encoder.encode(frame), np.full((2, 1), 0.999))
        assert (decoded["d"] == decoded["d"].dt.normalize()).all()
        assert decoded["d"].max() <= pd.Timestamp("1970-04-10")


@pytest.mark.parametrize("flavour", NUMBERS)
@pytest.mark.parametrize("bins", [2, 5, 32])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_each_cell_decodes_from_its_own_part_of_its_category(flavour: str, bins: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.one_of(NUMBERS[flavour], st.just(float("nan"))), min_size=2, max_size=80))
    frame = pd.DataFrame({"x": values, "c": pd.Series(["a", "b"] * 40, dtype=object)[: len(values)]})
    schema = Schema((Column("x", "integer" if flavour == "integer" else "numeric"), Column("c", "categorical")))
    encoder = TabularEncoder(bins).fit(frame, schema)
    parts = encoder.within(frame)
    assert parts.shape == (len(frame), 2, 2)
    decoded = encoder.decode(encoder.encode(frame), parts.mean(axis=2))
    np.testing.assert_allclose(decoded["x"].astype(float), frame["x"], rtol=1e-9, atol=1e-6)
    assert (decoded["c"] == frame["c"]).all()


def test_spreads_of_a_category_sum_to_one() -> None:
    """Over its values for a grid, as an integral for real numbers; and a value alone in its category is certain."""
    count = np.r_[np.repeat(5.0, 60), np.arange(0.0, 40.0)]
    frame = pd.DataFrame({"count": count, "real": count / 3 + 1 / 7})
    schema = Schema((Column("count", "integer"), Column("real", "numeric")))
    encoder = TabularEncoder(bins=4).fit(frame, schema)
    points = pd.DataFrame({"count": np.arange(0.0, 40.0), "real": np.linspace(1 / 7, 39 / 3 + 1 / 7, 40)})
    spread, codes = np.exp(encoder.log_spread(points)), encoder.encode(points)
    for code in np.unique(codes[:, 0]):
        assert spread[codes[:, 0] == code, 0].sum() == pytest.approx(1)
    assert spread[5, 0] == 1
    widths = 1 / spread[:, 1]
    assert widths[np.unique(codes[:, 1], return_index=True)[1]].sum() == pytest.approx(13)
    unknown = pd.DataFrame({"count": [np.nan], "real": [np.nan]})
    assert encoder.log_spread(unknown).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("kind", "dtype"), [("numeric", "float64"), ("datetime", "datetime64[ns]"), ("boolean", "object")]
)
def test_a_column_that_train_leaves_empty_keeps_its_type(kind: str, dtype: str) -> None:
    empty = pd.Series([np.nan] * 5, dtype="float64").astype(dtype)
    frame = pd.DataFrame({"x": empty, "y": [1.0, 2.0, 1.0, 2.0, 1.0]})
    schema = Schema((Column("x", kind, missing=True), Column("y", "ordinal")))  # type: ignore[arg-type]
    encoder = TabularEncoder().fit(frame, schema)
    decoded = encoder.decode(encoder.encode(frame), np.zeros((5, 2)))
    assert decoded["x"].dtype == dtype
    assert decoded["x"].isna().all()


TINY = np.random.default_rng(0).lognormal(size=400) * 2e-8
SPACINGS = [
    ("whole numbers", np.array([0.0, 3.0, 1e12]), 1.0),
    ("a zero among halves", np.array([0.0, 0.5, 1.5]), 0.1),
    ("cents of large amounts", np.array([123456.78, 0.0, 99999999.99]), 0.01),
    ("the finest grid", np.array([1e-5, 3e-5]), 1e-5),
    ("zeros alone", np.zeros(3), 1.0),
    ("tiny numbers", TINY, 0.0),
    ("tiny numbers and zeros", np.r_[TINY, 0.0], 0.0),
    ("tiny numbers below zero, beside whole ones", np.r_[-TINY, 1.0, 2.0], 0.0),
    ("a little more than whole numbers", np.array([1.0000002, 2.0000005]), 0.0),
]


@pytest.mark.parametrize(("values", "step"), [row[1:] for row in SPACINGS], ids=[row[0] for row in SPACINGS])
def test_the_spacing_of_values_is_found(values: np.typing.NDArray[np.float64], step: float) -> None:
    assert grid_of(values, moment=False) == pytest.approx(step, rel=1e-12)


def test_tiny_values_stay_what_they_are() -> None:
    frame = pd.DataFrame({"x": TINY})
    encoder = TabularEncoder().fit(frame, Schema((Column("x", "numeric"),)))
    decoded = encoder.decode(encoder.encode(frame), np.full((len(TINY), 1), 0.5))["x"]
    assert decoded.min() > 0
    assert decoded.median() == pytest.approx(np.median(TINY), rel=0.2)
