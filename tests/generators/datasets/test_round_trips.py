"""Whatever is written in a form that is read at all comes back the same: cells, labels, order and types."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from generators import Column, Dataset, InputError, Schema, load_dataset, read_like, write_records
from generators.datasets import Modality
from generators.datasets.payload import Payload, payload_frame, payload_schema
from generators.datasets.texts import read_texts, write_texts
from generators.datasets.tokens import MISSING_TOKENS

# No control characters and no blanks at the edges, which no data set's labels have, but everything else.
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8).filter(
    lambda word: word not in MISSING_TOKENS and word == word.strip()
)
NAMES = st.sampled_from(["label", "digit", "Who said it?"])


@st.composite
def labels(draw: st.DrawFn, records: int) -> dict[str, list[str]]:
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    return {name: draw(st.lists(WORDS, min_size=records, max_size=records)) for name in names}


@st.composite
def images(draw: st.DrawFn) -> tuple[Column, list[Any], dict[str, list[str]]]:
    records, height, width = (draw(st.integers(low, 5)) for low in (2, 1, 1))
    shape = (height, width, draw(st.sampled_from([1, 3])))
    pixels = draw(arrays.arrays(np.uint8, (records, *shape)))
    return Column("image", "image", shape=shape), [*pixels], draw(labels(records))


@st.composite
def texts(draw: st.DrawFn) -> tuple[Column, list[Any], dict[str, list[str]]]:
    cells = draw(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=5))
    return Column("text", "text"), cells, draw(labels(len(cells)))


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Column, list[Any], dict[str, list[str]]]:
    lengths = draw(st.lists(st.integers(1, 20), min_size=2, max_size=5))
    cells = [(draw(arrays.arrays(np.int16, length)) / 32768).astype(np.float32) for length in lengths]
    return Column("audio", "audio", rate=draw(st.sampled_from([8000, 44100]))), cells, draw(labels(len(cells)))


def check(content: tuple[Column, list[Any], dict[str, list[str]]], name: str, modality: Modality) -> None:
    column, cells, beside = content
    frame, schema = payload_frame(column, cells, beside), payload_schema(column, beside)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / name
        assert write_records(frame, path, schema, modality) == ()
        assert [file.name for file in path.parent.iterdir()] == [name]
        same(read_like(path, schema, modality), frame, schema)
        found = load_dataset(path, schema={"columns": dict.fromkeys(beside, "categorical")})
    assert found.modality == modality
    assert [(one.name, one.kind, one.shape, one.rate) for one in found.schema.columns] == [
        (one.name, one.kind, one.shape, one.rate) for one in schema.columns
    ]
    same(found.records, frame, schema)


def same(one: pd.DataFrame, other: pd.DataFrame, schema: Schema) -> None:
    assert list(one.columns) == list(other.columns)
    assert one.dtypes.equals(other.dtypes)
    marks = [Dataset("x", schema, {"records": frame}).fingerprint("records") for frame in (one, other)]
    assert marks[0] == marks[1]
    for cell, real in zip(one.iloc[:, 0], other.iloc[:, 0], strict=True):
        assert type(cell) is type(real)
        assert np.array_equal(cell, real)


@pytest.mark.parametrize("name", ["images", "images.npz"])
@settings(max_examples=40, deadline=None)
@given(content=images())
def test_images(name: str, content: tuple[Column, list[Any], dict[str, list[str]]]) -> None:
    check(content, name, "image")


@pytest.mark.parametrize("name", ["recordings", "recordings.npz"])
@settings(max_examples=40, deadline=None)
@given(content=recordings())
def test_recordings(name: str, content: tuple[Column, list[Any], dict[str, list[str]]]) -> None:
    check(content, name, "audio")


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.gz"])
@settings(max_examples=40, deadline=None)
@given(content=texts())
def test_json_lines(name: str, content: tuple[Column, list[Any], dict[str, list[str]]]) -> None:
    check(content, name, "text")


LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), min_size=1).filter(
    lambda line: line.strip(" \t\v\f") != ""
)


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(st.lists(LINES, min_size=1, max_size=3).map("\n".join), min_size=2, max_size=5))
@example(cells=["one", "two"])
@example(cells=[" \x0bindented\n\u2028line", "a\x1c\x85b"])
def test_plain_text(cells: list[str]) -> None:
    for name in ("texts.txt", "texts.txt.gz"):
        check((Column("text", "text"), cells, {}), name, "text")


@settings(max_examples=200, deadline=None)
@given(cells=st.lists(st.text(st.sampled_from("a \t\r\n\ufeff\x0b")), min_size=1, max_size=4))
def test_plain_text_is_refused_or_reads_back(cells: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.txt"
        try:
            write_texts(Payload(Column("text", "text"), cells), path)
        except InputError:
            assert not path.exists()
            return
        assert read_texts(path, documents=any("\n" in cell for cell in cells)).cells == cells


def test_labels_of_every_kind_and_missing_ones(tmp_path: Path) -> None:
    schema = Schema(
        (
            Column("image", "image", shape=(2, 2, 1)),
            Column("id", "identifier"),
            Column("grade", "ordinal", levels=(1.0, 2.0)),
            Column("label", "categorical"),
            Column("old", "boolean", levels=("no", "yes")),
        )
    )
    frame = payload_frame(schema["image"], np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)).assign(
        id=pd.Series(["a", "b", "c"], dtype=object),
        grade=[1.0, np.nan, 2.0],
        label=pd.Series(["x", np.nan, "y"], dtype=object),
        old=pd.Series(["no", "yes", np.nan], dtype=object),
    )
    for name in ("folder", "archive.npz"):
        write_records(frame, tmp_path / name, schema, "image")
        back = read_like(tmp_path / name, schema, "image")
        pd.testing.assert_frame_equal(back.drop(columns="image"), frame.drop(columns="image"))


@pytest.mark.parametrize(
    ("names", "files"),
    [
        ({}, ["1.png", "2.png"]),
        ({"label": ["b", "a"]}, ["a/2.png", "b/1.png"]),
        ({"digit": ["b", "a"]}, ["a/2.png", "b/1.png", "labels.csv"]),
        ({"label": ["../b", "a"]}, ["1.png", "2.png", "labels.csv"]),
        ({"digit": ["labels.csv", "a"]}, ["1.png", "2.png", "labels.csv"]),
        ({"digit": ["Labels.CSV", "a"]}, ["1.png", "2.png", "labels.csv"]),
        ({"label": ["A", "a"]}, ["1.png", "2.png", "labels.csv"]),
        ({"label": ["b", "a"], "digit": ["1", "2"]}, ["1.png", "2.png", "labels.csv"]),
    ],
)
def test_folders_are_as_plain_as_their_labels_allow(
    tmp_path: Path, names: dict[str, list[str]], files: list[str]
) -> None:
    column = Column("image", "image", shape=(2, 2, 3))
    frame = payload_frame(column, np.zeros((2, 2, 2, 3), dtype=np.uint8), names)
    write_records(frame, tmp_path / "f", payload_schema(column, names), "image")
    found = sorted(path.relative_to(tmp_path / "f").as_posix() for path in (tmp_path / "f").rglob("*.*"))
    assert found == files
    assert (tmp_path / "f").stat().st_mode & 0o077  # like any folder, not private to its owner
