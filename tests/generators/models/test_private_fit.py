"""What a budget pays for from the first question to the last step; nothing saved tells what was not paid for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from generators import (
    Column,
    Dataset,
    InputError,
    PrivacyBudget,
    Schema,
    TabularVAE,
    create,
    load_dataset,
    load_generator,
)
from generators.datasets.payload import payload_frame, payload_schema
from generators.privacy import composed_epsilon

WHO = "the test"
COLUMNS = (
    Column("visits", "integer", missing=True, public=WHO),
    Column("cost", "numeric", missing=True, public=WHO),
    Column("colour", "categorical", missing=True, public=WHO),
)
UNITS = 3119
SMALL: dict[str, Any] = {"epochs": 1, "hidden": 8, "latent": 2, "private_batch_size": 1000}


def clinic(unit: str, *, more: dict[str, Any] | None = None, times: int = 1) -> Dataset:
    """Records of so many people, one each or two, and perhaps of one more at the end."""
    rng = np.random.default_rng(0)
    rows = UNITS * (2 if unit == "person" else 1)
    frame = pd.DataFrame(
        {
            "who": pd.Series([f"p{row % UNITS}" for row in range(rows)], dtype=object),
            "visits": rng.poisson(4, rows).astype(float),
            "cost": rng.gamma(2, 100, rows),
            "colour": pd.Series(rng.choice(np.array(["red", "blue"], object), rows), dtype=object),
        }
    )
    if more is not None:
        new = {"who": "new", "visits": 4.0, "cost": 90.0, "colour": "red", **more}
        frame = pd.concat([frame, pd.DataFrame([new] * times)], ignore_index=True)
    schema = Schema((Column("who", "identifier"), *COLUMNS), unit="who")
    if unit == "record":
        schema, frame = Schema(COLUMNS), frame.drop(columns="who")
    return Dataset("clinic", schema, {"train": frame})


def budget(*, test_seed: int | None = None, n_public: bool = False) -> PrivacyBudget:
    return PrivacyBudget(4, 1e-5, preprocessing=0.3, n_public=n_public, deterministic_noise_for_tests=test_seed)


@pytest.mark.parametrize("n_public", [True, False])
@pytest.mark.parametrize("unit", ["record", "person"])
def test_all_charges_together_keep_the_budget(unit: str, n_public: bool) -> None:
    model = TabularVAE(**SMALL).fit(clinic(unit), budget(n_public=n_public), progress=False)
    events = model.ledger_.events
    # Two questions for each range, one for the colours, one for the number if it is hidden, and the training.
    assert [event.mechanism for event in events] == ["gaussian"] * (5 + (not n_public)) + ["dp-sgd"]
    assert model.ledger_.spent is not None
    spent = composed_epsilon(events, 1e-5)
    assert 0.98 * 4 <= spent <= 4
    assert spent == pytest.approx(model.ledger_.spent[0], rel=0.01)
    assert sum(event.failure for event in events) < 1e-5
    assert model.ledger_.claim is not None
    assert model.ledger_.claim["unit"] == ("record" if unit == "record" else "person (who)")


def saved(model: TabularVAE, folder: Path) -> dict[str, str]:
    model.save(folder)
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.suffix == ".json"}


@pytest.mark.parametrize("unit", ["record", "person"])
def test_a_hidden_number_is_nowhere_in_what_is_saved(unit: str, tmp_path: Path) -> None:
    model = TabularVAE(**SMALL).fit(clinic(unit), budget(test_seed=3), progress=False)
    files = saved(model, tmp_path / "m")
    assert set(files) == {"ledger.json", "model.json"}
    assert model.rows_ not in (UNITS, 2 * UNITS)
    assert abs(model.rows_ - UNITS) < 100
    for text in files.values():
        assert not {UNITS, 2 * UNITS} & set(numbers(json.loads(text)))
    assert load_generator(tmp_path / "m").schema_ == model.schema_


def numbers(value: Any) -> list[float]:
    """All numbers in JSON."""
    if isinstance(value, dict | list):
        return [one for part in (value.values() if isinstance(value, dict) else value) for one in numbers(part)]
    return [value] if isinstance(value, int | float) else []


def skeleton(value: Any) -> Any:
    """What remains of JSON without its numbers: keys, words, and how long lists are."""
    if isinstance(value, dict):
        hashes = {"hash", "previous", "ledger_head", "weights_sha256"}
        return {key: skeleton(one) for key, one in value.items() if key not in hashes}
    if isinstance(value, list):
        return [skeleton(one) for one in value]
    return "a number" if isinstance(value, int | float) and not isinstance(value, bool) else value


NEWCOMERS: dict[str, dict[str, Any]] = {
    "extreme": {"visits": 1e15, "cost": -1e200},
    "a new category": {"colour": "octarine"},
    "gaps": {"visits": np.nan, "cost": np.nan, "colour": np.nan},
    "a fraction": {"visits": 0.25},
}


@pytest.mark.parametrize("unit", ["record", "person"])
@pytest.mark.parametrize("name", NEWCOMERS)
def test_neighbours_differ_only_in_numbers_that_noise_covers(name: str, unit: str, tmp_path: Path) -> None:
    times = 40 if unit == "person" else 1
    found = []
    for number, dataset in enumerate([clinic(unit), clinic(unit, more=NEWCOMERS[name], times=times)]):
        model = TabularVAE(**SMALL).fit(dataset, budget(test_seed=1), progress=False)
        files = saved(model, tmp_path / str(number))
        weights = (tmp_path / str(number) / "weights.safetensors").stat().st_size
        found.append(({key: skeleton(json.loads(text)) for key, text in files.items()}, weights, model.schema_))
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1]
    for one, other in zip(found[0][2].modelled, found[1][2].modelled, strict=True):
        assert (one.low, one.high, one.levels, one.frequent) == (other.low, other.high, other.levels, other.frequent)


def test_what_another_run_paid_for_is_paid_for_again() -> None:
    data = clinic("record")
    first = TabularVAE(**SMALL).fit(data, budget(test_seed=1), progress=False)
    with pytest.raises(InputError, match="column 'visits': its domain was paid for by another run"):
        TabularVAE(**SMALL).fit(replace(data, schema=first.schema_), budget(), progress=False)


def test_a_size_that_was_read_from_the_images_is_refused() -> None:
    column = Column("image", "image", shape=(8, 8, 1))
    pixels = np.zeros((8, 8, 8, 1), dtype=np.uint8)
    data = Dataset("images", payload_schema(column), {"train": payload_frame(column, pixels)}, modality="image")
    with pytest.raises(InputError, match="size of its images was read from the records"):
        create("image-vae").fit(data, PrivacyBudget(1, 1e-3), progress=False)


def test_declared_images_come_from_a_schema_file(tmp_path: Path) -> None:
    labels = np.array(["odd", "even"] * 8)
    np.savez(tmp_path / "i.npz", x=np.zeros((16, 8, 8), dtype=np.uint8), parity=labels)
    image: dict[str, Any] = {"kind": "image", "shape": [8, 8, 1], "public": WHO}
    parity = {"levels": ["even", "odd"], "public": WHO}
    with pytest.raises(InputError, match="public needs shape beside it"):
        load_dataset(tmp_path / "i.npz", schema={"columns": {"image": {"kind": "image", "public": WHO}}})
    with pytest.raises(InputError, match="shape is declared as 9x9x1"):
        load_dataset(tmp_path / "i.npz", schema={"columns": {"image": {**image, "shape": [9, 9, 1]}}})
    data = load_dataset(tmp_path / "i.npz", schema={"columns": {"image": image, "parity": parity}})
    assert data.schema["image"].public == WHO
    assert data.schema["parity"] == Column("parity", "categorical", levels=("even", "odd"), public=WHO)


def test_a_declared_label_is_a_category_however_many_values_it_has(tmp_path: Path) -> None:
    lines = [json.dumps({"text": "a", "author": f"author {number}"}) for number in range(40)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    guessed = load_dataset(tmp_path / "t.jsonl")
    assert guessed.schema["author"].kind == "identifier"
    declared = load_dataset(tmp_path / "t.jsonl", schema={"columns": {"author": {"public": WHO}}})
    assert declared.schema["author"] == Column("author", "categorical", public=WHO)


def test_recordings_come_at_the_declared_rate(tmp_path: Path) -> None:
    samples = np.zeros(800, dtype=np.int16)
    np.savez(tmp_path / "r.npz", audio=samples, offsets=np.array([0, 400, 800]), rate=np.int64(8000))
    data = load_dataset(
        tmp_path / "r.npz", schema={"columns": {"audio": {"kind": "audio", "rate": 4000, "public": WHO}}}
    )
    assert data.schema["audio"] == Column("audio", "audio", rate=4000, public=WHO)
    assert [len(one) for one in data.records["audio"]] == [200, 200]


def test_no_schema_file_can_say_that_something_was_paid_for(tmp_path: Path) -> None:
    entry = {"kind": "integer", "low": 0, "high": 9, "public": WHO, "paid": True}
    (tmp_path / "schema.yaml").write_text(json.dumps({"columns": {"x": entry}}))
    with pytest.raises(InputError, match=r"schema.yaml: column 'x' says paid: true"):
        Schema.from_yaml(tmp_path / "schema.yaml")
    with pytest.raises(InputError, match="column 'x' says paid: true"):
        Schema.infer(pd.DataFrame({"x": ["1", "2"]}), declared={"columns": {"x": entry}})


def test_a_public_boolean_is_spelt_the_same_whoever_comes_first() -> None:
    frame = pd.DataFrame({"b": ["TRUE", "no", "True", "0"]})
    schemas = [
        Schema.infer(one, declared={"columns": {"b": {"kind": "boolean", "public": WHO}}})
        for one in (frame, frame[::-1])
    ]
    assert schemas[0]["b"].levels == schemas[1]["b"].levels == ("false", "true")
    assert schemas[0].coerce(frame, "b.csv")["b"].tolist() == ["true", "false", "true", "false"]
