from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import Column, Dataset, InputError, Schema
from generators.datasets.payload import payload_frame

SCHEMA = Schema((Column("person", "identifier"), Column("x", "numeric")), unit="person")


def people(numbers: list[int], shift: float = 0.0) -> pd.DataFrame:
    frame = pd.DataFrame({"person": [str(number) for number in numbers]}, dtype=object)
    return frame.assign(x=np.arange(len(numbers)) + shift)


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(0, 30), min_size=30, max_size=90), seed=st.integers(0, 2**32 - 1))
def test_split_is_disjoint_by_person_and_loses_nobody(numbers: list[int], seed: int) -> None:
    data = Dataset("d", SCHEMA, {"records": people(numbers)})
    if len(set(numbers)) < 6:
        return
    parts = data.split(seed=seed).parts
    persons = [set(frame["person"]) for frame in parts.values()]
    assert all(persons[i].isdisjoint(persons[j]) for i in range(3) for j in range(i))
    assert sorted(pd.concat(parts.values())["x"]) == sorted(data.records["x"])


def test_split_follows_its_seed() -> None:
    data = Dataset("d", SCHEMA, {"records": people(list(range(100)))})
    marks = [data.split(seed=seed).fingerprint("train") for seed in (0, 0, 1)]
    assert marks[0] == marks[1] != marks[2]


def test_units_are_persons_or_rows() -> None:
    data = Dataset("d", SCHEMA, {"records": people([7, 3, 7])})
    assert data.units("records").tolist() == [0, 1, 0]
    alone = Dataset("d", Schema(SCHEMA.columns), {"records": people([7, 3, 7])})
    assert alone.units("records").tolist() == [0, 1, 2]


def test_parts_are_explained() -> None:
    data = Dataset("d", SCHEMA, {"records": people(list(range(10)))})
    with pytest.raises(InputError, match=r"has no part 'train'; call .split"):
        _ = data.train
    with pytest.raises(InputError, match="is split already"):
        _ = data.split().records
    with pytest.raises(InputError, match="too few people"):
        Dataset("d", SCHEMA, {"records": people([1, 1, 2])}).split()
    with pytest.raises(InputError, match="shares are three positive"):
        data.split(shares=(0.5, 0.6, 0.1))


def test_a_person_in_two_parts_stops() -> None:
    with pytest.raises(InputError, match=r"h.csv: column 'person': 2 people also stand in train"):
        Dataset.from_parts(
            "d",
            train=people([1, 2, 3]),
            holdout=people([2, 3, 4], shift=50),
            schema=SCHEMA,
            sources={"holdout": "h.csv"},
        )


def test_without_reference_half_of_the_holdout_serves() -> None:
    data = Dataset.from_parts("d", train=people([1, 2]), holdout=people([3, 3, 4, 5, 6], shift=9), schema=SCHEMA)
    assert len(data.holdout) + len(data.reference) == 5
    assert set(data.holdout["person"]).isdisjoint(data.reference["person"])
    assert "serves as reference" in data.notes[0]


def test_notes_are_published_and_name_no_folders() -> None:
    frames = [pd.DataFrame({"x": np.random.default_rng(0).integers(0, 300, 400).astype(float)}) for _ in range(2)]
    frames[1]["x"] = np.random.default_rng(1).permutation(300).repeat(2)[:400].astype(float)
    schema, sources = Schema((Column("x", "integer"),)), {"train": "/home/eve/t.csv", "holdout": "/home/eve/h.csv"}
    data = Dataset.from_parts("d", train=frames[0], holdout=frames[1], schema=schema, sources=sources)
    given = Dataset.from_parts(
        "d", train=frames[0], holdout=frames[1], reference=frames[0], schema=schema, sources={"reference": "/srv/r.csv"}
    )
    notes = " ".join(data.notes + given.notes)
    for words in ("h.csv: ", "rows of t.csv", "half of h.csv", "r.csv: 400 of 400 rows", "part of the training data"):
        assert words in notes
    assert "/home" not in notes
    assert "/srv" not in notes
    assert "(first: row" not in notes
    with pytest.raises(InputError, match=r"^/home/eve/h.csv: column 'person': 1 people also stand in /home/eve/t.csv"):
        Dataset.from_parts("d", train=people([1]), holdout=people([1]), schema=SCHEMA, sources=sources)


def test_holdout_copied_from_train_stops_and_names_the_row() -> None:
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"person": np.arange(2000).astype(str).astype(object), "x": rng.normal(size=2000)})
    fresh = pd.DataFrame({"person": (np.arange(500) + 5000).astype(str).astype(object), "x": rng.normal(size=500)})
    copied = fresh.copy()
    copied.loc[10:109, "x"] = train.loc[:99, "x"].to_numpy()
    Dataset.from_parts("d", train=train, holdout=fresh, schema=SCHEMA)
    with pytest.raises(InputError, match=r"100 of 500 rows are equal to rows of train \(first: row 11\)"):
        Dataset.from_parts("d", train=train, holdout=copied, schema=SCHEMA)


NUMBERS = range(120)
PAYLOADS: dict[str, tuple[Column, list[Any]]] = {
    "images": (
        Column("c", "image", shape=(2, 3, 1)),
        [np.full((2, 3, 1), number, dtype=np.uint8) for number in NUMBERS],
    ),
    "texts": (Column("c", "text"), [f"record {number}" for number in NUMBERS]),
    "recordings": (
        Column("c", "audio", rate=8000),
        [np.full(5 + number % 3, number / 128, dtype=np.float32) for number in NUMBERS],
    ),
}


@pytest.mark.parametrize("what", PAYLOADS)
def test_large_cells_are_told_apart(what: str) -> None:
    """Splits, fingerprints and the search for shared records see images, texts and recordings cell by cell."""
    column, cells = PAYLOADS[what]
    schema = Schema((column, Column("digit", "categorical")))
    labels = {"digit": [str(number % 3) for number in NUMBERS]}
    data = Dataset("d", schema, {"records": payload_frame(column, cells, labels)})
    parts = data.split(seed=0).parts
    Dataset.from_parts("d", **parts, schema=schema)
    copied = pd.concat([parts["holdout"], parts["train"].head(20)], ignore_index=True)
    with pytest.raises(InputError, match=r"20 of 50 rows are equal to rows of train \(first: row 31\)"):
        Dataset.from_parts("d", train=parts["train"], holdout=copied, schema=schema)
    changed = [cell if isinstance(cell, str) else cell.copy() for cell in cells]
    changed[7] = "Record 7" if isinstance(changed[7], str) else changed[7] * 2
    other = Dataset("d", schema, {"records": payload_frame(column, changed, labels)})
    assert other.fingerprint("records") != data.fingerprint("records")
    again = Dataset("e", schema, {"records": payload_frame(column, cells, labels)})
    assert again.fingerprint("records") == data.fingerprint("records")


def test_the_shape_of_an_image_counts() -> None:
    pixels = np.arange(12, dtype=np.uint8)
    marks = set()
    for shape in [(2, 6, 1), (6, 2, 1), (2, 2, 3)]:
        column = Column("c", "image", shape=shape)
        data = Dataset("d", Schema((column,)), {"records": payload_frame(column, [pixels.reshape(shape)] * 2)})
        marks.add(data.fingerprint("records"))
    assert len(marks) == 3


def test_equal_rows_by_chance_are_only_noted() -> None:
    rng = np.random.default_rng(0)
    frames = [pd.DataFrame({"x": rng.integers(0, 300, rows).astype(float)}) for rows in (400, 400)]
    data = Dataset.from_parts("d", train=frames[0], holdout=frames[1], schema=Schema((Column("x", "integer"),)))
    assert "where chance explains about" in data.notes[0]


def test_real_years_of_one_survey_are_disjoint_enough(shared_data: Path) -> None:
    from generators import load_parts

    folder = shared_data / "nist_acs_excerpts"
    data = load_parts(folder / "ma2019.csv.gz", folder / "ma2018.csv.gz")
    assert len(data.train) == 7634
    assert len(data.holdout) + len(data.reference) == 7244
