from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from generators import Column, InputError, Ledger, Schema
from generators.encoding import MixedEncoder

NUMBERS = {
    "integer": st.integers(-50, 10**6).map(float),
    "cents": st.integers(0, 10**5).map(lambda cents: cents / 100),
    "real": st.floats(-1e3, 1e3, width=32),
}


@pytest.mark.parametrize("flavour", NUMBERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cells_on_a_grid_come_back_and_others_nearly(flavour: str, data: st.DataObject) -> None:
    values = data.draw(
        st.lists(st.one_of(NUMBERS[flavour], st.just(0.0), st.just(float("nan"))), min_size=2, max_size=80)
    )
    frame = pd.DataFrame({"x": values, "c": pd.Series(["a", "b"] * 40, dtype=object)[: len(values)]})
    schema = Schema((Column("x", "integer" if flavour == "integer" else "numeric"), Column("c", "categorical")))
    encoder = MixedEncoder().fit(frame, schema)
    codes, scores = encoder.encode(frame)
    assert codes.min() >= 0
    assert (codes < np.array(encoder.sizes)).all()
    assert np.isfinite(scores).all()
    decoded = encoder.decode(codes, scores)
    assert (decoded["c"] == frame["c"]).all()
    span = np.nanmax([*values, 0]) - np.nanmin([*values, 0])
    # Shares are kept 1e-5 off 0 and 1, and the next value is at least the share of half a record away.
    nearly = 2e-5 * len(values) * span + 1e-6
    np.testing.assert_allclose(decoded["x"].astype(float), frame["x"], rtol=0, atol=nearly)


def test_scores_are_standard_normal_and_frequent_values_have_codes() -> None:
    rng = np.random.default_rng(0)
    gains = np.where(rng.random(20_000) < 0.9, 0.0, np.round(rng.lognormal(8, 1, 20_000)))
    frame = pd.DataFrame({"gain": gains, "hours": rng.normal(40, 9, 20_000)})
    frame.loc[:99, "gain"] = np.nan
    encoder = MixedEncoder().fit(frame, Schema((Column("gain", "integer"), Column("hours", "numeric"))))
    codes, scores = encoder.encode(frame)
    assert encoder.sizes == (3, 1)  # nothing, elsewhere, missing
    np.testing.assert_array_equal(codes[:, 0] == 0, frame["gain"] == 0)
    np.testing.assert_array_equal(codes[:, 0] == 2, frame["gain"].isna())
    assert (scores[codes[:, 0] != 1, 0] == 0).all()
    assert kstest(scores[codes[:, 0] == 1, 0], "norm").statistic < 0.03
    assert kstest(scores[:, 1], "norm").statistic < 0.01


def test_days_come_back_as_days() -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=50, freq="D")).astype("datetime64[ns]")
    frame = pd.DataFrame({"day": days})
    encoder = MixedEncoder().fit(frame, Schema((Column("day", "datetime"),)))
    pd.testing.assert_frame_equal(encoder.decode(*encoder.encode(frame)), frame)


def test_values_beyond_the_known_range_are_brought_to_its_ends() -> None:
    schema = Schema((Column("x", "integer"), Column("c", "categorical")))
    train = pd.DataFrame({"x": np.arange(10.0, 60.0), "c": pd.Series(["a", "b"] * 25, dtype=object)})
    encoder = MixedEncoder().fit(train, schema)
    other = pd.DataFrame({"x": [-5.0, 1e9, np.nan], "c": pd.Series(["a", "octarine", None], dtype=object)})
    codes, scores = encoder.encode(other)
    assert codes.tolist() == [[0, 0], [0, -1], [-1, -1]]
    assert encoder.decode(np.abs(codes[:2]), scores[:2])["x"].tolist() == [10.0, 59.0]


PUBLIC = Schema(
    (
        Column("x", "numeric", low=0, high=100, frequent=(0.0,), missing=True, public="me"),
        Column("c", "categorical", levels=("a", "b"), public="me"),
    )
)


def test_public_encoders_learn_nothing() -> None:
    rng = np.random.default_rng(0)
    one = pd.DataFrame({"x": rng.uniform(0, 100, 50), "c": pd.Series(["a"] * 50, dtype=object)})
    other = pd.DataFrame({"x": np.where(rng.random(90) < 0.5, 0.0, 7.0), "c": pd.Series(["b"] * 90, dtype=object)})
    encoders = [MixedEncoder(public_only=True).fit(frame, PUBLIC) for frame in (one, other)]
    assert encoders[0].to_dict() == encoders[1].to_dict()
    assert encoders[0].sizes == (3, 2)
    ledger = Ledger()
    encoders[0].record(ledger)
    assert {entry.mechanism for entry in ledger} == {"public"}
    np.testing.assert_allclose(encoders[0].decode(*encoders[0].encode(one))["x"], one["x"], atol=1e-2)


def test_private_training_needs_a_public_domain() -> None:
    frame = pd.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(InputError, match="private training needs a public domain"):
        MixedEncoder(public_only=True).fit(frame, Schema((Column("x", "integer"),)))


def test_state_round_trip_and_ledger() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.gamma(2, 3, 300), "n": rng.poisson(3, 300).astype(float)})
    schema = Schema((Column("x", "numeric"), Column("n", "integer")))
    encoder = MixedEncoder().fit(frame, schema)
    again = MixedEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())), schema)
    codes, scores = encoder.encode(frame)
    np.testing.assert_array_equal(again.encode(frame)[1], scores)
    assert again.decode(codes, scores).equals(encoder.decode(codes, scores))
    ledger = Ledger()
    encoder.record(ledger)
    assert "quantiles of x" in " ".join(entry.what for entry in ledger)
