from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from generators import Column, InputError, Ledger, PrivacyBudget, Schema
from generators.encoding.private_domains import declared_only, fitted_into, learn_domains
from generators.encoding.tabular import TabularEncoder
from generators.privacy import Curator

WHO = "the test"
Floats = npt.NDArray[np.float64]


def learnt(
    column: Column, cells: pd.Series[Any], *, epsilon: float = 3.0, shares: bool = False, seed: int = 0
) -> tuple[Column, Curator]:
    """What is learnt of one column, and who was asked."""
    budget = PrivacyBudget(epsilon, 1e-6, preprocessing=0.2, deterministic_noise_for_tests=seed)
    curator = Curator(budget, Ledger(), people=None, records=len(cells), unit="record")
    schema = learn_domains(cells.to_frame(column.name), Schema((column,)), curator, shares=shares)
    return schema[column.name], curator


def days(numbers: Floats) -> pd.Series[Any]:
    cells = pd.Series(pd.to_datetime("2019-03-01") + pd.to_timedelta(np.nan_to_num(numbers) * 86400, unit="s"))
    return cells.astype("datetime64[ns]").where(~np.isnan(numbers))


def drawn(shape: Callable[[np.random.Generator, int], Any], rows: int = 20_000) -> pd.Series[Any]:
    return pd.Series(shape(np.random.default_rng(0), rows)).astype(float)


RANGES: dict[str, tuple[Column, pd.Series[Any]]] = {
    "even": (Column("x", "numeric", public=WHO), drawn(lambda rng, n: rng.uniform(-3, 9, n))),
    "skewed": (Column("x", "numeric", public=WHO), drawn(lambda rng, n: rng.lognormal(2, 2, n))),
    "far from 0": (Column("x", "numeric", public=WHO), drawn(lambda rng, n: rng.normal(1990, 10, n))),
    "tiny numbers": (Column("x", "numeric", public=WHO), drawn(lambda rng, n: rng.normal(0, 1e-5, n))),
    "whole": (Column("x", "integer", public=WHO), drawn(lambda rng, n: rng.poisson(30, n))),
    "negative whole": (Column("x", "integer", public=WHO), drawn(lambda rng, n: -rng.poisson(3, n) - 5)),
    "zero-inflated": (
        Column("x", "integer", public=WHO),
        drawn(lambda rng, n: np.where(rng.random(n) < 0.9, 0, rng.integers(2000, 9000, n))),
    ),
    "gaps": (
        Column("x", "numeric", missing=True, public=WHO),
        drawn(lambda rng, n: np.where(rng.random(n) < 0.5, np.nan, rng.gamma(2, 50, n))),
    ),
    "moments": (Column("x", "datetime", public=WHO), days(np.random.default_rng(0).gamma(2, 100, 20_000))),
    "declared": (Column("x", "numeric", low=0, high=1e6, public=WHO), drawn(lambda rng, n: rng.lognormal(2, 1, n))),
}


def numbers_of(cells: pd.Series[Any]) -> Floats:
    present = cells.dropna()
    if present.dtype.kind == "M":
        return np.asarray(present.to_numpy(dtype="datetime64[ns]").astype(np.int64) / 1e9, dtype=np.float64)
    return present.to_numpy(dtype=np.float64)


@pytest.mark.parametrize("name", RANGES)
def test_quantiles_are_close_and_bounds_cover_the_data_without_waste(name: str) -> None:
    column, cells = RANGES[name]
    found, _ = learnt(column, cells)
    values = numbers_of(cells)
    assert found.low is not None
    assert found.high is not None
    assert ((values >= found.low) & (values <= found.high)).mean() > 0.98
    rest = np.sort(values[~np.isin(values, found.frequent)])
    # Each quantile stands at its share of the data, as far as values that many share let it.
    shares = np.linspace(0, 1, len(found.quantiles))
    below = np.searchsorted(rest, found.quantiles, side="left") / len(rest)
    upto = np.searchsorted(rest, found.quantiles, side="right") / len(rest)
    assert np.maximum(below - shares, shares - upto).max() < 0.05
    assert not found.missing or column.missing
    if column.low is None:
        assert found.paid
        assert found.high - found.low < 3 * (values.max() - values.min()) + 1
    else:
        assert (found.low, found.high, found.paid) == (column.low, column.high, False)


@pytest.mark.parametrize("name", RANGES)
def test_what_was_learnt_encodes_every_record(name: str) -> None:
    column, cells = RANGES[name]
    found, _ = learnt(column, cells)
    schema = Schema((found,))
    frame = fitted_into(cells.to_frame("x"), schema)
    encoder = TabularEncoder(16, public_only=True).fit(frame, schema)
    codes = encoder.encode(frame)
    assert codes.min() >= 0
    again = encoder.decode(codes, np.random.default_rng(0).random(codes.shape))["x"]
    middle = [np.median(numbers_of(one)) for one in (cells, again)]
    assert abs(middle[0] - middle[1]) <= 0.1 * np.ptp(np.quantile(numbers_of(cells), [0.1, 0.9])) + 1e-9


def test_values_that_many_share_get_categories_and_others_do_not() -> None:
    column, cells = RANGES["zero-inflated"]
    assert learnt(column, cells)[0].frequent == (0.0,)
    assert learnt(*RANGES["even"])[0].frequent == ()


def test_a_constant_column_is_its_value() -> None:
    found, _ = learnt(Column("x", "integer", public=WHO), pd.Series(np.full(5000, 20.0)))
    assert (found.low, found.high, found.frequent) == (20.0, 20.0, (20.0,))
    found, _ = learnt(Column("x", "categorical", public=WHO), pd.Series(["a"] * 5000, dtype=object), shares=True)
    assert found.levels == ("a",)
    assert found.shares == (1.0, 0.0)


KINDS: dict[str, pd.Series[Any]] = {
    "numeric": pd.Series(np.linspace(0, 7, 50)),
    "integer": pd.Series(np.arange(50.0)),
    "ordinal": pd.Series(np.arange(50.0) % 3),
    "categorical": pd.Series(["a", "b"] * 25, dtype=object),
    "datetime": days(np.arange(50.0)),
}


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_too_little_data_is_one_line_that_names_both_ways_out(kind: str, empty: bool) -> None:
    cells = KINDS[kind].where(KINDS[kind].isna()) if empty else KINDS[kind]
    column = Column("x", kind, missing=True, public=WHO)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"column 'x': .*declare .*allow more epsilon or preprocessing") as problem:
        learnt(column, cells, epsilon=0.5)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("kind", KINDS)
def test_with_more_epsilon_the_same_data_are_enough(kind: str) -> None:
    column, cells = Column("x", kind, missing=True, public=WHO), KINDS[kind]  # type: ignore[arg-type]
    found, _ = learnt(column, cells, epsilon=1000.0)
    schema = Schema((found,))
    frame = fitted_into(cells.to_frame("x"), schema)
    assert TabularEncoder(8, public_only=True).fit(frame, schema).encode(frame).min() >= 0


def test_declared_levels_cost_nothing_unless_labels_are_drawn() -> None:
    column = Column("x", "categorical", levels=("a", "b"), missing=True, public=WHO)
    cells = pd.Series(["a"] * 600 + ["b"] * 300 + [np.nan] * 100, dtype=object)
    found, curator = learnt(column, cells)
    assert found == column
    assert not curator.events
    found, curator = learnt(column, cells, shares=True)
    assert len(curator.events) == 1
    np.testing.assert_allclose(found.shares, [0.6, 0.3, 0.1], atol=0.05)
    assert not found.paid


def test_rare_values_become_missing() -> None:
    cells = pd.Series(["a"] * 3000 + ["b"] * 2000 + ["rare"], dtype=object)
    found, _ = learnt(Column("x", "categorical", public=WHO), cells)
    assert found.levels == ("a", "b")
    assert found.missing
    frame = fitted_into(cells.to_frame("x"), Schema((found,)))
    assert frame["x"].isna().tolist() == [False] * 5000 + [True]


EXTREMES: dict[str, tuple[str, Any]] = {
    "largest": ("x", 1e300),
    "smallest": ("x", -1e300),
    "gap": ("x", np.nan),
    "fraction": ("x", 0.5),
    "category": ("colour", "octarine"),
    "colour gap": ("colour", np.nan),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_one_more_record_shows_only_through_the_noise(name: str) -> None:
    """With the same noise, nothing new appears and numbers hardly move, whatever the record holds."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.gamma(2, 10, 4000), "colour": rng.choice(np.array(["red", "blue"], object), 4000)})
    where, cell = EXTREMES[name]
    extra = pd.DataFrame({"x": [5.0], "colour": pd.Series(["red"], dtype=object)}).assign(**{where: [cell]})
    columns = (
        Column("x", "numeric", missing=True, public=WHO),
        Column("colour", "categorical", missing=True, public=WHO),
    )
    found = []
    for some in (frame, pd.concat([frame, extra], ignore_index=True)):
        budget = PrivacyBudget(3, 1e-6, preprocessing=0.2, n_public=False, deterministic_noise_for_tests=1)
        curator = Curator(budget, Ledger(), people=None, records=len(some), unit="record")
        schema = learn_domains(some, Schema(columns), curator, shares=True)
        assert not fitted_into(some, schema)["x"].isin([1e300, -1e300]).any()
        found.append((schema, curator.units))
    (one, units), (other, more) = found
    assert abs(units - more) <= 1
    assert one["colour"].levels == other["colour"].levels == ("blue", "red")
    np.testing.assert_allclose(one["colour"].shares, other["colour"].shares, atol=1e-3)
    assert (one["x"].low, one["x"].high, one["x"].frequent) == (other["x"].low, other["x"].high, other["x"].frequent)
    np.testing.assert_allclose(one["x"].quantiles, other["x"].quantiles, atol=1.0)
    for before, after in zip(one.columns, other.columns, strict=True):
        assert replace(before, quantiles=(), shares=()) == replace(after, quantiles=(), shares=())


UNDECLARED = {
    "a kind": (Column("x", "integer"), r"kind was guessed.*declare kind: integer and public: WHO"),
    "an identifier": (Column("x", "identifier"), "kind was guessed"),
    "a size": (Column("x", "image", shape=(8, 8, 1)), r"size of its images .*shape: \[8, 8, 1\]"),
    "a rate": (Column("x", "audio", rate=8000), "sample rate .*rate: 8000"),
    "paid elsewhere": (Column("x", "integer", low=0, high=9, public=WHO, paid=True), "paid for by another run"),
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_what_was_read_from_the_records_is_refused(name: str) -> None:
    column, problem = UNDECLARED[name]
    with pytest.raises(InputError, match=f"column 'x': .*{problem}"):
        declared_only(Schema((column,)))


def test_of_the_person_and_of_texts_nothing_is_kept_but_the_name() -> None:
    schema = Schema((Column("p", "identifier", missing_codes=("none",)), Column("t", "text", missing=True)), unit="p")
    assert declared_only(schema).columns == (Column("p", "identifier"), Column("t", "text"))
