from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from generators import (
    Column,
    Dataset,
    InputError,
    Ledger,
    PrivacyBudget,
    Schema,
    TabularVAE,
    load_dataset,
    load_generator,
)
from generators.models import storage

SMALL: dict[str, Any] = {"epochs": 1, "hidden": 16, "latent": 4}


@pytest.fixture(scope="module")
def affairs() -> Dataset:
    return load_dataset("affairs").split(seed=0)


@pytest.fixture(scope="module")
def model(affairs: Dataset) -> TabularVAE:
    return TabularVAE(**SMALL).fit(affairs, progress=False)


@pytest.fixture(scope="module")
def private(affairs: Dataset) -> TabularVAE:
    return TabularVAE(**SMALL).fit(affairs, PrivacyBudget(3, 1e-5), progress=False)


def test_samples_are_canonical_and_follow_the_seed(model: TabularVAE, affairs: Dataset) -> None:
    one, same, other = model.sample(200, seed=1), model.sample(200, seed=1), model.sample(200, seed=2)
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    assert one.dtypes.equals(affairs.train.dtypes)
    assert set(one["occupation"]) <= set(affairs.train["occupation"])


def test_fit_follows_the_seed_and_leaves_the_global_state_alone(affairs: Dataset) -> None:
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the caller's legacy state is what is looked at
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one = TabularVAE(**SMALL).fit(affairs, progress=False)
    after = torch.random.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert (before[1] == after[1]).all()
    two = TabularVAE(**SMALL).fit(affairs, progress=False)
    three = TabularVAE(**SMALL, seed=1).fit(affairs, progress=False)
    assert one.sample(50).equals(two.sample(50))
    assert not one.sample(50).equals(three.sample(50))


def test_training_lowers_the_loss(affairs: Dataset, model: TabularVAE) -> None:
    longer = TabularVAE(**{**SMALL, "epochs": 15}).fit(affairs, progress=False)
    assert longer.record_loss(affairs.holdout).mean() < model.record_loss(affairs.holdout).mean() - 1


def test_record_loss_is_reproducible_and_per_record(model: TabularVAE, affairs: Dataset) -> None:
    losses = model.record_loss(affairs.holdout)
    assert losses.shape == (len(affairs.holdout),)
    assert np.array_equal(losses, model.record_loss(affairs.holdout))
    np.testing.assert_allclose(losses[5:9], model.record_loss(affairs.holdout.iloc[5:9]), rtol=1e-5)


def test_encode_and_decode(model: TabularVAE, affairs: Dataset) -> None:
    latents = model.encode(affairs.holdout.head(30))
    assert latents.shape == (30, 4)
    assert model.decode(latents, seed=3).equals(model.decode(latents, seed=3))
    assert list(model.decode(latents).columns) == list(affairs.schema.names)


@pytest.mark.parametrize("which", ["model", "private"])
def test_saved_models_sample_the_same(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fitted: TabularVAE = request.getfixturevalue(which)
    fitted.save(tmp_path / "m")
    fitted.save(tmp_path / "m")  # an earlier model is replaced
    assert [file.name for file in tmp_path.iterdir()] == ["m"]
    loaded = load_generator(tmp_path / "m")
    assert isinstance(loaded, TabularVAE)
    assert loaded.sample(50, seed=4).equals(fitted.sample(50, seed=4))
    assert loaded.get_params() == fitted.get_params()
    assert loaded.ledger_.to_list() == fitted.ledger_.to_list()
    assert (loaded.rows_, loaded.fingerprint_) == (fitted.rows_, fitted.fingerprint_)


def test_ledger_is_written_before_the_weights(
    model: TabularVAE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def crash(_: object, path: Path) -> None:
        seen.extend(file.name for file in path.parent.iterdir())
        raise OSError("disk full")

    model.save(tmp_path / "m")
    kept = (tmp_path / "m" / "model.json").read_text()
    monkeypatch.setattr(storage, "save_file", crash)
    with pytest.raises(OSError, match="disk full"):
        model.save(tmp_path / "m")
    assert seen == ["ledger.json"]
    assert (tmp_path / "m" / "model.json").read_text() == kept


def truncate_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:200])


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        data = json.loads((folder / "model.json").read_text())
        change(data)
        (folder / "model.json").write_text(json.dumps(data))

    return apply


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no description": (remove("model.json"), "is not a saved generator"),
    "no ledger": (remove("ledger.json"), "has no ledger.json, so that nobody knows"),
    "no weights": (remove("weights.safetensors"), "is incomplete"),
    "truncated weights": (truncate_weights, r"weights.safetensors: is damaged"),
    "truncated description": (lambda folder: (folder / "model.json").write_text("{"), r"model.json: is damaged"),
    "other kind": (edit(lambda data: data.update(kind="oracle")), "no generator kind 'oracle'"),
    "later format": (edit(lambda data: data.update(format=9)), "has format 9"),
    "other shape": (edit(lambda data: data["parameters"].update(hidden=8)), "is damaged"),
    "unknown parameter": (edit(lambda data: data["parameters"].update(colour=8)), "model.json: .* no hyper-parameter"),
    "no state": (edit(lambda data: data.pop("state")), "is damaged"),
    "other ledger": (edit(lambda data: data.update(ledger_head="0" * 64)), "do not trust this ledger"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_models(damage: Callable[[Path], None], message: str, model: TabularVAE, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    damage(tmp_path / "m")
    with pytest.raises(InputError, match=message) as caught:
        load_generator(tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_other_folders_are_not_overwritten(model: TabularVAE, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(InputError, match="is not a saved generator"):
        model.save(tmp_path / "photos")


def test_conditions_hold(model: TabularVAE) -> None:
    frame = model.sample(40, seed=2, conditions={"occupation": "3", "religious": 2})
    assert len(frame) == 40
    assert set(frame["occupation"]) == {"3"}
    assert set(frame["religious"]) == {2.0}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"colour": "blue"}, "column 'colour' is not in the table"),
        ({"occupation": "pilot"}, "never seen"),
        ({"religious": "very"}, "the column is ordinal"),
        ({"affairs": 99}, "outside the column's 0 to 60"),
        ({"occupation": ""}, "never missing"),
        ({"affairs": 1.2345678}, "ask for something less rare"),
    ],
)
def test_impossible_conditions(model: TabularVAE, conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.sample(3, conditions=conditions)


def test_a_run_without_budget_claims_nothing(model: TabularVAE, affairs: Dataset) -> None:
    assert model.ledger_.claim is None
    assert "No differential-privacy guarantee" in model.ledger_.statement()
    assert model.fingerprint_ == affairs.fingerprint("train")


def test_a_private_run_keeps_its_budget(private: TabularVAE, affairs: Dataset) -> None:
    claim = private.ledger_.claim
    assert claim is not None
    assert 0.98 * 3 <= claim["epsilon"] <= 3
    assert {entry.mechanism for entry in private.ledger_} == {"budget", "public", "dp-sgd"}
    assert private.fingerprint_ is None
    for words in (
        "not cryptographically secure",
        "all random draws inside the loss",
        "initial weights follow the public",
    ):
        assert words in private.ledger_.statement()
    assert private.plan(PrivacyBudget(3, 1e-5), len(affairs.train)).expected_batch_size == len(affairs.train) // 4


def test_private_runs_differ_with_the_same_seed(affairs: Dataset) -> None:
    budget = PrivacyBudget(3, 1e-5)
    models = [TabularVAE(**SMALL).fit(affairs, budget, progress=False) for _ in range(2)]
    latents = [model.encode(affairs.holdout.head(20)) for model in models]
    assert not np.array_equal(latents[0], latents[1])


def test_test_mode_repeats_itself_and_claims_nothing(affairs: Dataset) -> None:
    budget = PrivacyBudget(3, 1e-5, deterministic_noise_for_tests=1)
    models = [TabularVAE(**SMALL).fit(affairs, budget, progress=False) for _ in range(2)]
    latents = [model.encode(affairs.holdout.head(20)) for model in models]
    assert np.array_equal(latents[0], latents[1])
    assert models[0].ledger_.claim is None
    assert "gives NO privacy" in models[0].ledger_.statement()


def test_what_a_private_model_saves_does_not_depend_on_domains_in_the_data(
    private: TabularVAE, affairs: Dataset
) -> None:
    assert private.schema_ == affairs.schema


def people(repeats: int) -> Dataset:
    columns = (Column("p", "identifier"), Column("x", "ordinal", levels=(0.0, 1.0), public="me"))
    names = pd.Series([str(i // repeats) for i in range(40)], dtype=object)
    frame = pd.DataFrame({"p": names, "x": [0.0, 1.0] * 20})
    return Dataset("d", Schema(columns, unit="p"), {"train": frame})


def test_a_unit_column_makes_people_the_unit() -> None:
    fitted = TabularVAE(**SMALL).fit(people(2), PrivacyBudget(3, 1e-5), progress=False)
    assert fitted.sample(3)["p"].tolist() == ["1", "2", "3"]
    assert fitted.ledger_.claim is not None
    assert fitted.ledger_.claim["unit"] == "person (p)"
    assert fitted.rows_ == people(2).train["p"].nunique()
    by_record = TabularVAE(**SMALL).fit(people(2), PrivacyBudget(3, 1e-5, unit="record"), progress=False)
    assert by_record.ledger_.claim is not None
    assert by_record.ledger_.claim["unit"] == "record"
    assert by_record.rows_ == len(people(2).train)


def test_private_training_needs_public_domains(affairs: Dataset) -> None:
    learnt = Dataset.from_frame("d", affairs.records if "records" in affairs.parts else affairs.train).split()
    with pytest.raises(InputError, match="its kind was guessed from the records"):
        TabularVAE(**SMALL).fit(learnt, PrivacyBudget(3, 1e-5), progress=False)


def test_refused_data_leave_the_fitted_model_as_it_was(affairs: Dataset) -> None:
    fitted = TabularVAE(**SMALL).fit(affairs, progress=False)
    head = fitted.ledger_.head
    with pytest.raises(InputError):
        fitted.fit(people(1), PrivacyBudget(3, 1e-5, n_public=False), progress=False)
    assert isinstance(fitted.ledger_, Ledger)
    assert fitted.ledger_.head == head


def test_an_interrupted_fit_leaves_the_model_unfitted(affairs: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    fitted = TabularVAE(**SMALL).fit(affairs, progress=False)
    monkeypatch.setattr("generators.models.neural.train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(affairs, progress=False)
    with pytest.raises(InputError, match="is not fitted"):
        fitted.sample(1)


@pytest.mark.parametrize("call", [lambda m: m.sample(1), lambda m: m.save("x"), lambda m: m.encode(pd.DataFrame())])
def test_unfitted_models_say_so(call: Callable[[TabularVAE], object]) -> None:
    with pytest.raises(InputError, match="is not fitted"):
        call(TabularVAE())


@pytest.mark.slow
def test_adult_is_useful(shared_data: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    from generators import load_parts

    folder = shared_data / "anonymeter_adults"
    data = load_parts(folder / "adults_train_reconstructed.csv.gz", folder / "adults_control.csv.gz", target="income")
    synthetic = TabularVAE().fit(data, progress=False).sample(len(data.train))
    real = data.holdout.copy()
    for column in data.schema.columns:
        if not column.is_number:
            codes = {level: code for code, level in enumerate(column.levels or ())}
            synthetic[column.name], real[column.name] = synthetic[column.name].map(codes), real[column.name].map(codes)
    features = [name for name in data.schema.names if name != "income"]
    learner = HistGradientBoostingClassifier(random_state=0).fit(synthetic[features], synthetic["income"])
    assert roc_auc_score(real["income"], learner.predict_proba(real[features])[:, 1]) > 0.88
