from __future__ import annotations

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from generators import Column, Dataset, InputError, PrivacyBudget, Schema
from generators.models.tabular.marginal import TabularMarginal, _blur, conditional
from generators.models.tabular.reconciling import Measurement, exact_tables, reconciled_tables
from generators.privacy import zcdp
from generators.training import Checkpoints

LEVELS = ("a", "b", "c")


def discrete(rows: int = 900, target: str | None = "y") -> Dataset:
    """Four columns of levels: a chain w - x - z, and y, which depends on x and z."""
    rng = np.random.default_rng(0)
    w = rng.integers(0, 3, rows)
    x = np.where(rng.random(rows) < 0.8, w, rng.integers(0, 3, rows))
    z = np.where(rng.random(rows) < 0.8, x, rng.integers(0, 3, rows))
    y = np.where(rng.random(rows) < 0.9, (x + z) % 3, rng.integers(0, 3, rows))
    codes = {"w": w, "x": x, "y": y, "z": z}
    frame = pd.DataFrame({name: pd.Series([LEVELS[c] for c in cells], dtype=object) for name, cells in codes.items()})
    columns = tuple(Column(name, "categorical", levels=LEVELS, public="the test") for name in codes)
    return Dataset("discrete", Schema(columns, target=target), {"records": frame}).split(seed=0)


@pytest.mark.parametrize("target", ["y", None])
def test_probabilities_of_all_records_sum_to_one(target: str | None) -> None:
    model = TabularMarginal().fit(discrete(target=target))
    everything = pd.DataFrame(list(itertools.product(LEVELS, repeat=4)), columns=list("wxyz"), dtype=object)
    assert np.exp(model.log_likelihood(everything)).sum() == pytest.approx(1, abs=1e-9)


def test_probabilities_of_whole_numbers_and_gaps_sum_to_one_too() -> None:
    rng = np.random.default_rng(0)
    ages = np.where(rng.random(400) < 0.1, np.nan, rng.integers(0, 90, 400).astype(float))
    sick = pd.Series(np.where(rng.random(400) < 0.3, "yes", "no"), dtype=object)
    schema = Schema((Column("age", "integer", missing=True), Column("sick", "boolean")), target="sick")
    train = pd.DataFrame({"age": ages, "sick": sick})
    model = TabularMarginal(bins=8).fit(Dataset("ages", schema, {"train": train}))
    whole = [*np.arange(np.nanmin(ages), np.nanmax(ages) + 1), np.nan]
    everything = pd.DataFrame(list(itertools.product(whole, ["no", "yes"])), columns=["age", "sick"])
    everything["sick"] = everything["sick"].astype(object)
    assert np.exp(model.log_likelihood(everything)).sum() == pytest.approx(1, abs=1e-9)


def test_samples_have_the_probabilities_that_the_model_states() -> None:
    model = TabularMarginal().fit(discrete())
    counts = model.sample(40_000, seed=1).value_counts()
    records = counts.index.to_frame(index=False).astype(object)
    expected = 40_000 * np.exp(model.log_likelihood(records))
    distances = (counts.to_numpy() - expected) / np.sqrt(expected)
    assert np.abs(distances).max() < 5


def test_the_tree_follows_the_data() -> None:
    model = TabularMarginal().fit(discrete(target=None))
    names = [column.name for column in model.schema_.modelled]
    edges = {frozenset((names[c], names[p])) for c, parents in model.tree_ for p in parents}
    assert {frozenset("wx"), frozenset("xz")} <= edges
    assert len(edges) == 3


def test_every_column_may_depend_on_the_target() -> None:
    model = TabularMarginal().fit(discrete())
    assert model.tree_[0] == (2, ())
    assert all(parents[0] == 2 for _, parents in model.tree_[1:])


def test_columns_that_tell_nothing_about_each_other_are_not_joined() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: pd.Series(rng.choice(list(LEVELS), 900), dtype=object) for name in "wxyz"})
    data = discrete(target=None)
    model = TabularMarginal().fit(replace(data, parts={"train": frame}))
    assert all(parents == () for _, parents in model.tree_)


def test_large_tables_are_not_counted() -> None:
    model = TabularMarginal(largest_table=8).fit(discrete())
    assert all(parents == () for _, parents in model.tree_)
    assert len(model.sample(3)) == 3


def test_conditional_probabilities_are_smoothed_by_fewer_parents() -> None:
    table = conditional(np.array([[0.0, 0.0], [6.0, 2.0]]), smoothing=1.0)
    without = (np.array([6.0, 2.0]) + 0.5) / 9
    np.testing.assert_allclose(table[0], without)
    np.testing.assert_allclose(table[1], (np.array([6.0, 2.0]) + without) / 9)


def test_blur_is_about_the_distance_that_chance_makes() -> None:
    rng = np.random.default_rng(0)
    expected = rng.gamma(2, 20, 400)
    draws = [np.abs(rng.poisson(expected) + rng.normal(0, 0, 400) - expected).sum() for _ in range(50)]
    assert _blur(expected, 0.0) == pytest.approx(np.mean(draws), rel=0.05)


def test_exact_tables_answer_in_the_order_asked_for() -> None:
    counts = np.arange(24.0).reshape(2, 3, 4)
    tables = exact_tables([Measurement((1, 5, 7), counts, 0.0)])
    np.testing.assert_array_equal(tables((7, 1)), counts.sum(axis=1).T)


def test_reconciled_tables_agree_and_come_close() -> None:
    rng = np.random.default_rng(0)
    first, second = np.outer([30.0, 70.0], [0.5, 0.3, 0.2]), np.outer([50.0, 30.0, 20.0], [0.1, 0.9])
    noisy = [
        Measurement((0, 1), first + rng.normal(0, 1, first.shape), 1.0),
        Measurement((1, 2), second + rng.normal(0, 1, second.shape), 1.0),
    ]
    tables = reconciled_tables(noisy, (2, 3, 2), records=100, iterations=400)
    np.testing.assert_allclose(tables((0, 1)), first, atol=3)
    np.testing.assert_allclose(tables((0, 1)).sum(axis=0), tables((1, 2)).sum(axis=1), atol=1e-6)
    assert tables((1, 2)).sum() == pytest.approx(100)
    assert tables((0, 1)).min() >= 0


def private(data: Dataset, epsilon: float, test_seed: int | None = None) -> TabularMarginal:
    budget = PrivacyBudget(epsilon, 1e-5, deterministic_noise_for_tests=test_seed)
    return TabularMarginal(iterations=100).fit(data, budget, progress=False)


def test_a_private_fit_is_accounted_for_and_useful() -> None:
    data = discrete()
    model = private(data, 5.0)
    claim = model.ledger_.claim
    assert claim is not None
    assert 4.9 < claim["epsilon"] <= 5
    assert claim["delta"] == 1e-5
    assert "Renyi" in claim["accountant"]
    statement = model.ledger_.statement()
    for words in ("exponential mechanism", "Gaussian noise on every cell", "one record", "operating system"):
        assert words in statement
    assert "DP-SGD" not in statement
    assert model.fingerprint_ is None
    guess = -4 * math.log(3)
    assert model.log_likelihood(data.holdout).mean() > guess + 0.5


def test_noise_is_fresh_unless_a_test_asks_otherwise() -> None:
    data = discrete(300)
    runs = [private(data, 1.0, seed) for seed in (None, None, 7, 7)]
    likelihoods = [model.log_likelihood(data.holdout) for model in runs]
    assert not np.allclose(likelihoods[0], likelihoods[1])
    np.testing.assert_array_equal(likelihoods[2], likelihoods[3])
    assert runs[0].ledger_.claim is not None
    assert runs[2].ledger_.claim is None
    assert "NO privacy" in runs[2].ledger_.statement()


def test_all_that_a_budget_allows_is_spent_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[float] = []
    honest = zcdp.Counter._spend

    def noted(self: zcdp.Counter, rho: float) -> None:
        honest(self, rho)
        spent.append(rho)

    monkeypatch.setattr(zcdp.Counter, "_spend", noted)
    model = private(discrete(), 5.0)
    run = next(entry.parameters for entry in model.ledger_ if entry.mechanism == "select-measure")
    assert sum(spent) <= run["rho"] * (1 + 1e-9)
    assert len(spent) <= run["tables"] + run["choices"]
    if len(model.tree_) == 4 and all(len(parents) == 2 for _, parents in model.tree_[2:]):
        assert sum(spent) == pytest.approx(run["rho"])


def test_without_mbi_a_private_fit_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_mbi(name: str, *_: Any) -> Any:
        if name in ("jax", "mbi"):
            raise ImportError(f"No module named '{name}'")
        return original(name)

    original = __import__("importlib").import_module
    monkeypatch.setattr("importlib.import_module", without_mbi)
    model = TabularMarginal()
    with pytest.raises(InputError, match=r"pip install 'genassay\[marginal\]'"):
        model.fit(discrete(60), PrivacyBudget(1, 1e-3))
    assert len(model.fit(discrete(60)).sample(2)) == 2


def test_listing_the_kind_does_not_import_jax() -> None:
    code = "import sys; from generators.models.registry import family; family('tabular-marginal')"
    code += "; print('jax' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_checkpoints_are_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="no checkpoints"):
        TabularMarginal().fit(discrete(60), checkpoints=Checkpoints(tmp_path / "state"))


def test_one_column_is_enough() -> None:
    frame = pd.DataFrame({"y": pd.Series(["a", "b", "b"] * 20, dtype=object)})
    schema = Schema((Column("y", "categorical", levels=("a", "b")),), target="y")
    model = TabularMarginal().fit(Dataset("one", schema, {"train": frame}))
    assert set(model.sample(50)["y"]) == {"a", "b"}


def test_unknown_cells_count_as_guessed() -> None:
    model = TabularMarginal().fit(discrete())
    record = discrete().holdout.head(1).assign(w="unheard of")
    known = model.log_likelihood(discrete().holdout.head(1))
    assert np.isfinite(model.log_likelihood(record)).all()
    assert model.log_likelihood(record) != known
