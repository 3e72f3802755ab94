"""What the autoregressive kinds, `tabular-transformer` and `tabular-flow`, promise: exact likelihoods, and clipping."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from generators import Column, Dataset, InputError, PrivacyBudget, PrivatePlan, Schema
from generators.models.tabular.flow import TabularFlow
from generators.models.tabular.order import target_last
from generators.models.tabular.transformer import TabularTransformer
from generators.training import train_privately

KINDS = [TabularTransformer, TabularFlow]
SMALL: dict[type, dict[str, Any]] = {
    TabularTransformer: {"width": 16, "heads": 2, "bins": 6},
    TabularFlow: {"hidden": 16, "knots": 4, "bins": 6},
}
Kind = type[TabularTransformer] | type[TabularFlow]
Model = TabularTransformer | TabularFlow
WHO = "the test"


@cache
def discrete() -> Dataset:
    """Columns with levels or on a grid alone; the target stands first."""
    rng = np.random.default_rng(0)
    rows = 400
    age = rng.binomial(23, 0.4, rows).astype(float)
    sick = np.where(age + rng.normal(0, 2, rows) > 9, "yes", "no")
    frame = pd.DataFrame(
        {
            "sick": pd.Series(sick, dtype=object),
            "age": np.where(rng.random(rows) < 0.1, np.nan, age),
            "price": np.where(rng.random(rows) < 0.5, 0.05, rng.integers(0, 26, rows) / 100),
            "colour": pd.Series(rng.choice(["red", "green", "blue", np.nan], rows), dtype=object).replace(
                "nan", np.nan
            ),
            "grade": rng.integers(1, 4, rows).astype(float),
            "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 3, rows), "D")).astype(
                "datetime64[ns]"
            ),
        }
    )
    schema = Schema(
        (
            Column("sick", "boolean", levels=("no", "yes"), public=WHO),
            Column("age", "integer", low=0, high=23, missing=True, frequent=(9.0,), public=WHO),
            Column("price", "numeric", low=0, high=1, public=WHO),
            Column("colour", "categorical", levels=("blue", "green", "red"), missing=True, public=WHO),
            Column("grade", "ordinal", levels=(1.0, 2.0, 3.0), public=WHO),
            Column("day", "datetime", low=1704067200.0, high=1704240000.0, public=WHO),
        ),
        target="sick",
    )
    return Dataset("toy", schema, {"train": frame})


def every_record(names: list[str]) -> pd.DataFrame:
    """All records that the columns of the discrete table allow."""
    ages = discrete().train["age"].dropna()
    values: dict[str, list[Any]] = {
        "sick": ["no", "yes"],
        "age": [*np.arange(ages.min(), ages.max() + 1), np.nan],
        "price": (np.arange(26) / 100).tolist(),
        "colour": ["blue", "green", "red", np.nan],
        "grade": [1.0, 2.0, 3.0],
        "day": pd.date_range("2024-01-01", periods=3).tolist(),
    }
    frame = pd.DataFrame(list(product(*(values[name] for name in names))), columns=names)
    return frame.astype({name: discrete().train[name].dtype for name in names})


def of_columns(*names: str) -> Dataset:
    whole = discrete()
    schema = Schema(tuple(whole.schema[name] for name in names), target="sick")
    return Dataset("toy", schema, {"train": whole.train[list(names)]})


@cache
def fitted(kind: Kind) -> Model:
    return kind(**SMALL[kind], epochs=30, batch_size=32, learning_rate=3e-3).fit(discrete(), progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_of_all_records_sum_to_one(kind: Kind) -> None:
    records = every_record(discrete().schema.names)
    assert len(records) > 25_000
    assert np.exp(fitted(kind).log_likelihood(records)).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_sum_to_one_over_public_domains(kind: Kind) -> None:
    data = of_columns("sick", "age", "colour", "day")
    model = kind(**SMALL[kind], epochs=2).fit(data, PrivacyBudget(5, 1e-3), progress=False)
    ages: list[float] = [*range(24), np.nan]
    colours = ["blue", "green", "red", np.nan]
    days = pd.date_range("2024-01-01", periods=3)
    records = pd.DataFrame(list(product(["no", "yes"], ages, colours, days)), columns=list(data.schema.names))
    records = records.astype({"age": float, "day": "datetime64[ns]"})
    assert np.exp(model.log_likelihood(records)).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_densities_integrate_to_one(kind: Kind) -> None:
    """One real column, skewed, with a frequent value and gaps; its density is integrated over a fine grid."""
    rng = np.random.default_rng(0)
    real = rng.gamma(2.0, 3.0, 500)
    frame = pd.DataFrame({"x": np.select([rng.random(500) < 0.2, real > 12], [1 / 3, np.nan], real)})
    frame["sick"] = pd.Series(np.where(real > 5, "yes", "no"), dtype=object)
    schema = Schema((Column("x", "numeric", missing=True), Column("sick", "boolean", levels=("no", "yes"))))
    model = kind(**SMALL[kind], epochs=12, batch_size=64).fit(Dataset("d", schema, {"train": frame}), progress=False)
    present = frame["x"].dropna()
    edges = np.linspace(present.min(), present.max(), 40_001)
    total = 0.0
    for level in ("no", "yes"):
        cells = pd.Series(np.append((edges[1:] + edges[:-1]) / 2, [1 / 3, np.nan]))
        records = pd.DataFrame({"x": cells, "sick": pd.Series([level] * len(cells), dtype=object)})
        chances = np.exp(model.log_likelihood(records))
        total += chances[:-2].sum() * (edges[1] - edges[0]) + chances[-2:].sum()
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_as_frequent_as_their_probabilities_say(kind: Kind) -> None:
    names = ["sick", "age", "colour"]
    model = kind(**SMALL[kind], epochs=12, batch_size=32).fit(of_columns(*names), progress=False)
    records = every_record(names)
    chances = np.exp(model.log_likelihood(records))
    sample = model.sample(40_000, seed=1)
    counted = pd.concat([records, sample]).fillna({"age": -1, "colour": ""}).value_counts(sort=False) - 1
    found = records.fillna({"age": -1, "colour": ""}).apply(lambda row: counted[tuple(row)], axis=1)
    expected = chances * len(sample)
    statistic = ((found - expected) ** 2 / np.maximum(expected, 1)).sum()
    assert counted.sum() == len(sample)
    assert statistic < len(records) + 5 * np.sqrt(2 * len(records))


@pytest.mark.parametrize("kind", KINDS)
def test_dependence_is_learnt(kind: Kind) -> None:
    sample = fitted(kind).sample(2000, seed=1)
    train = discrete().train
    for frame in (train, sample):
        assert frame.loc[frame["sick"] == "yes", "age"].mean() - frame.loc[frame["sick"] == "no", "age"].mean() > 2
    assert sample["age"].isna().mean() == pytest.approx(train["age"].isna().mean(), abs=0.05)
    assert (sample["price"] == 0.05).mean() == pytest.approx((train["price"] == 0.05).mean(), abs=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_scores_the_same_whatever_its_company(kind: Kind) -> None:
    model, records = fitted(kind), discrete().train
    scores = model.log_likelihood(records)
    assert np.array_equal(model.record_loss(records), -scores)
    np.testing.assert_allclose(model.log_likelihood(records.iloc[[9, 3]]), scores[[9, 3]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_levels_and_values_beyond_the_range_still_score(kind: Kind) -> None:
    odd = discrete().train.head(3).copy()
    odd["colour"] = "octarine"
    odd["age"] = [-5.0, 99.0, np.nan]
    odd["price"] = np.nan
    assert np.isfinite(fitted(kind).log_likelihood(odd)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_clipping_equals_the_textbook(kind: Kind) -> None:
    """The sum of each record's own gradient, scaled down to the clip; layer by layer in the network that ships."""
    model = kind(**SMALL[kind], dropout=0.0)
    torch.manual_seed(0)
    network, rows = model.training_problem(discrete().train, discrete().schema, public_only=True)
    rows, clip = rows[:6], 0.5
    expected = torch.zeros(sum(p.numel() for p in network.parameters()))
    for row in rows:
        own = torch.autograd.grad(network(row[None]).sum(), list(network.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in own])
        assert flat.norm() > clip
        expected += flat * clip / flat.norm()
    seen: list[torch.Tensor] = []
    train_privately(
        network,
        rows,
        PrivatePlan(6, 1.0, 1, 0.0, clip, epsilon=1.0, delta=1e-5),
        learning_rate=1e-9,
        test_seed=0,
        observe=lambda _: seen.append(torch.cat([p.grad.flatten().clone() for p in network.parameters()])),
        progress=False,
    )
    torch.testing.assert_close(seen[0], expected / 6, rtol=1e-3, atol=1e-5)


def test_the_flow_turns_records_into_noise_and_back() -> None:
    model, records = fitted(TabularFlow), discrete().train  # type: ignore[arg-type]
    noise = model.encode(records)
    pd.testing.assert_frame_equal(model.decode(noise), records)
    assert np.abs(noise.mean(axis=0)).max() < 0.3
    assert np.abs(np.corrcoef(noise.T) - np.eye(noise.shape[1])).max() < 0.3


def test_heads_must_share_the_width() -> None:
    with pytest.raises(InputError, match="width is 30, expected a multiple of twice the heads, 8"):
        TabularTransformer(width=30)


def test_the_target_comes_last() -> None:
    assert target_last(discrete().schema) == (1, 2, 3, 4, 5, 0)
    assert target_last(Schema(discrete().schema.columns)) == (0, 1, 2, 3, 4, 5)
