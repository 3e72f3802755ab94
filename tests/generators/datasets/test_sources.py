"""Images, texts and recordings as users have them: every form is recognised, read, and written without harm."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from generators import InputError, Schema, load_dataset, load_parts, read_like, require_writable, write_records
from generators.datasets import Modality
from generators.datasets.columns import Column
from generators.datasets.images import grid
from generators.datasets.payload import payload_frame
from tests.generators.datasets.making import NOISE, RNG, TONE, idx, png, table, wav, wav24


def test_grey_and_colour_files(tmp_path: Path) -> None:
    grey = NOISE[:, :, 0]
    png(tmp_path / "grey" / "b.PNG", grey)
    png(tmp_path / "grey" / "a.png", grey > 127, "1")
    data = load_dataset(tmp_path / "grey")
    assert data.schema.columns == (Column("image", "image", shape=(12, 9, 1)),)
    assert data.records["image"].iloc[1].dtype == np.uint8
    assert np.array_equal(data.records["image"].iloc[1][:, :, 0], grey)
    assert np.array_equal(data.records["image"].iloc[0][:, :, 0], np.where(grey > 127, 255, 0))
    png(tmp_path / "colour" / "a.png")
    png(tmp_path / "colour" / "b.jpeg", quality=95)
    png(tmp_path / "colour" / "c.png", mode="P")
    (tmp_path / "colour" / "readme.md").write_text("about")
    (tmp_path / "colour" / ".hidden.png").write_text("no image")
    data = load_dataset(tmp_path / "colour")
    assert data.modality == "image"
    assert [cell.shape for cell in data.records["image"]] == [(12, 9, 3)] * 3
    assert np.array_equal(data.records["image"].iloc[0], NOISE)
    assert data.notes == ("colour: left out 1 .md file(s)",)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_photographs_stand_upright(tmp_path: Path, suffix: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # "the camera lay on its side": show it turned by a quarter, clockwise
    half = np.zeros((8, 16, 3), dtype=np.uint8)
    half[:, :8] = 255
    for number in range(2):
        png(tmp_path / f"{number}.{suffix}", half, exif=turned)
    data = load_dataset(tmp_path)
    assert data.schema["image"].shape == (16, 8, 3)
    assert (data.records["image"].iloc[0] > 127).mean(axis=(1, 2)).tolist() == [1.0] * 8 + [0.0] * 8


def test_subfolders_are_labels(tmp_path: Path) -> None:
    for number in range(6):
        png(tmp_path / "f" / ["cat", "dog"][number % 2] / f"{number}.png", NOISE + np.uint8(number))
    data = load_dataset(tmp_path / "f", modality="image")
    assert data.records["label"].tolist() == ["cat", "dog"] * 3
    assert (data.schema.target, data.schema["label"].levels) == ("label", ("cat", "dog"))
    assert len(data.split(seed=0).train) == 3


def test_a_schema_speaks_of_labels(tmp_path: Path) -> None:
    for number in range(30):
        png(tmp_path / "f" / f"{number:02}.png", NOISE + np.uint8(number))
    rows = [f"{number:02}.png,p{number // 2},{number % 3},{number}" for number in range(30)]
    table(tmp_path / "f" / "labels.csv", "\n".join(["file,person,grade,take", *rows]))
    schema = load_dataset(tmp_path / "f").schema
    assert [(column.name, column.kind) for column in schema.columns] == [
        ("image", "image"),
        ("person", "categorical"),
        ("grade", "categorical"),
        ("take", "identifier"),  # every record has another one
    ]
    declared = table(
        tmp_path / "schema.yaml",
        "target: grade\ncolumns:\n  image: image\n  grade: {kind: ordinal, levels: [0, 1, 2, 3], public: the lab}\n",
    )
    data = load_dataset(tmp_path / "f", schema=declared, unit="person")
    assert data.schema["grade"].domain_is_known
    assert not data.schema["grade"].missing
    assert data.records["grade"].tolist()[:4] == [0.0, 1.0, 2.0, 0.0]
    parts = data.split(seed=0).parts
    assert not set(parts["train"]["person"]) & set(parts["holdout"]["person"])
    with pytest.raises(InputError, match="holds the image itself, not categorical"):
        load_dataset(tmp_path / "f", schema={"columns": {"image": "categorical"}})
    with pytest.raises(InputError, match="column 'colour' is not in the table"):
        load_dataset(tmp_path / "f", schema={"columns": {"colour": "categorical"}})
    with pytest.raises(InputError, match="target column 'colour' is not in the table"):
        load_dataset(tmp_path / "f", target="colour")


def test_a_schema_says_how_recordings_and_images_are_made(tmp_path: Path) -> None:
    for number in range(2):
        wav(tmp_path / "f" / f"{number}.wav", TONE + np.int16(number), 8000)
        wav(tmp_path / "g" / f"{number}.wav", TONE + np.int16(number + 2), 16000)
        png(tmp_path / "i" / f"{number}.png", NOISE + np.uint8(number))
    declared = table(tmp_path / "schema.yaml", "columns:\n  audio: {kind: audio, rate: 16000}\n")
    data = load_dataset(tmp_path / "f", schema=declared)
    assert data.schema["audio"].rate == 16000
    assert [len(cell) for cell in data.records["audio"]] == [1600, 1600]
    assert data.notes == ("recordings of 8000 Hz were resampled to 16000 Hz",)
    again = load_dataset(tmp_path / "f", schema=data.schema)  # a whole schema says it too
    assert again.fingerprint("records") == data.fingerprint("records")
    parts = load_parts(tmp_path / "f", tmp_path / "g", schema={"columns": {"audio": {"rate": 4000}}})
    assert {len(cell) for frame in parts.parts.values() for cell in frame["audio"]} == {400, 200}
    image = {"columns": {"image": {"kind": "image", "shape": [12, 9, 3]}}}
    assert load_dataset(tmp_path / "i", schema=image).schema["image"].shape == (12, 9, 3)
    assert load_dataset("digits-images", schema={"columns": {"image": "image"}}).schema["image"].shape == (8, 8, 1)


PAYLOADS = [
    # (source, what is declared of its column, what the line says)
    ("i", {"kind": "image", "shape": [4, 4, 1]}, "column 'image': shape is declared as 4x4x1, but .*i holds 12x9x3"),
    (
        "digits-images",
        {"kind": "image", "shape": [4, 4, 1]},
        "shape is declared as 4x4x1, but digits-images holds 8x8x1",
    ),
    ("i", {"shape": [4, 4]}, "shape is three whole numbers"),
    ("i", {"shape": "large"}, "shape is three whole numbers"),
    ("i", {"rate": 8000}, "column 'image': rate cannot be declared of image, only kind, shape"),
    ("i", {"levels": ["a"]}, "levels cannot be declared of image"),
    ("i", {"kind": "audio"}, "column 'image' holds the image itself, not audio"),
    ("i", {"colour": "blue"}, "unknown field 'colour'"),
    ("f", {"rate": "fast"}, "rate is a whole number of samples a second"),
    ("f", {"rate": 0}, "rate is a whole number of samples a second"),
    ("f", {"rate": 10**9}, "rate is a whole number of samples a second, from 1 to 1,000,000"),
    ("t.txt", {"missing": True}, "missing cannot be declared of text, only kind"),
]


@pytest.mark.parametrize(("source", "about", "message"), PAYLOADS, ids=[message for _, _, message in PAYLOADS])
def test_what_cannot_be_declared(tmp_path: Path, source: str, about: dict[str, Any], message: str) -> None:
    for number in range(2):
        wav(tmp_path / "f" / f"{number}.wav", TONE)
        png(tmp_path / "i" / f"{number}.png", NOISE + np.uint8(number))
    table(tmp_path / "t.txt", "one\ntwo\n")
    name = {"f": "audio", "t.txt": "text"}.get(source, "image")
    place = source if source == "digits-images" else tmp_path / source
    with pytest.raises(InputError, match=message):
        load_dataset(place, schema={"columns": {name: about}})


def test_archives_of_images(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    np.savez(tmp_path / "m.npz", x=pixels, y=np.array([3, 1, 3, 1, 2, 2]), names=np.array(["one", "two"]))
    data = load_dataset(tmp_path / "m.npz")
    assert data.records["label"].tolist() == ["3", "1", "3", "1", "2", "2"]
    assert list(data.records.columns) == ["image", "label"]
    assert np.array_equal(np.stack(data.records["image"].tolist())[:, :, :, 0], pixels)
    note = "m.npz: left out the array 'names' of shape (2,), which is not one label for each of 6 records"
    assert data.notes == (note,)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_find_their_labels(tmp_path: Path, suffix: str) -> None:
    pixels = RNG.integers(0, 256, (4, 5, 6), dtype=np.uint8)
    images = idx(tmp_path / f"train-images-idx3-ubyte{suffix}", pixels)
    assert "no labels, since no train-labels-idx1-ubyte" in load_dataset(images).notes[0]
    idx(tmp_path / "train-labels-idx1-ubyte", [7, 0, 7, 1])
    data = load_dataset(images)
    assert data.records["label"].tolist() == ["7", "0", "7", "1"]
    assert np.array_equal(data.records["image"].iloc[2][:, :, 0], pixels[2])


def test_plain_texts(tmp_path: Path) -> None:
    lines = table(tmp_path / "lines.txt", "\ufeffone\r\ntwo\n three \n\n")
    assert load_dataset(lines).records["text"].tolist() == ["one", "two", " three "]
    assert load_dataset(lines).notes == ()
    papers = table(tmp_path / "papers.txt", "\none\ntwo\n \t\n\nthree\n")
    data = load_dataset(papers)
    assert data.records["text"].tolist() == ["one\ntwo", "three"]
    assert data.notes[0].startswith("papers.txt: read as 2 documents")
    assert load_dataset(papers, documents=False).records["text"].tolist() == ["one", "two", "three"]
    (tmp_path / "p.txt.gz").write_bytes(gzip.compress(papers.read_bytes()))
    assert load_dataset(tmp_path / "p.txt.gz").fingerprint("records") == data.fingerprint("records")


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {"mood": "calm", "text": "a\nb", "stars": 4, "seen": True},
        {"text": "", "mood": None, "stars": 4.5, "seen": False},
    ]
    path = table(tmp_path / "t.jsonl", "\n".join(["", *map(json.dumps, rows), ""]))
    data = load_dataset(path)
    assert list(data.records.columns) == ["text", "mood", "stars", "seen"]
    assert data.records["text"].tolist() == ["a\nb", ""]
    assert data.records["stars"].tolist() == ["4", "4.5"]
    assert data.records["mood"].isna().tolist() == [False, True]


DEPTHS: dict[str, Callable[[Path], Any]] = {
    "8 bits": lambda path: wav(path, (TONE / 256 + 128).astype(np.uint8)),
    "16 bits": lambda path: wav(path, TONE),
    "24 bits": lambda path: wav24(path, TONE.astype(int) * 256),
    "32 bits": lambda path: wav(path, TONE.astype(np.int32) * 65536),
    "float": lambda path: wav(path, (TONE / 32768).astype(np.float32)),
    "double": lambda path: wav(path, TONE / 32768),
    "stereo": lambda path: wav(path, np.stack([TONE, TONE // 2], axis=1)),
    "24 bits stereo": lambda path: wav24(path, np.stack([TONE, TONE // 2], axis=1).astype(int) * 256, channels=2),
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_wav_of_any_depth(tmp_path: Path, depth: str) -> None:
    for number in range(2):
        DEPTHS[depth](tmp_path / f"{number}.wav")
    data = load_dataset(tmp_path)
    assert data.schema.columns == (Column("audio", "audio", rate=8000),)
    expected = TONE / 32768 * (0.75 if "stereo" in depth else 1)
    for cell in data.records["audio"]:
        assert cell.dtype == np.float32
        np.testing.assert_allclose(cell, expected, atol=0.01 if depth == "8 bits" else 4e-5)


def test_the_commonest_rate_wins(tmp_path: Path) -> None:
    seconds = {rate: np.arange(rate) / rate for rate in (8000, 11025)}
    for number, rate in enumerate([8000, 11025, 11025]):
        wav(tmp_path / f"{number}.wav", np.sin(2 * np.pi * 200 * seconds[rate]).astype(np.float32) * 0.5, rate)
    data = load_dataset(tmp_path)
    assert data.schema["audio"].rate == 11025
    assert data.notes == (f"{tmp_path.name}: 1 recordings of another rate were resampled to 11025 Hz",)
    cells = data.records["audio"]
    assert [len(cell) for cell in cells] == [11025] * 3
    np.testing.assert_allclose(cells[0][500:-500], cells[1][500:-500], atol=0.01)


def test_loud_recordings_are_clipped_with_a_note(tmp_path: Path) -> None:
    wav(tmp_path / "a.wav", np.array([0.5, -3, 2], dtype=np.float32))
    wav(tmp_path / "b.wav", np.array([0.5, 0.1], dtype=np.float32))
    data = load_dataset(tmp_path)
    assert data.records["audio"][0].tolist() == [0.5, -1, 1]
    assert "1 recordings went beyond full scale" in data.notes[0]


def test_archives_of_recordings(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "f.npz",
        audio=np.array([1, 2, 3, 16384, 5], dtype=np.int16),
        offsets=np.array([0, 3, 5]),
        digit=np.array([7, 1], dtype=np.uint8),
        speakers=np.array(["a", "b", "c"]),
        rate=np.int64(8000),
    )
    data = load_dataset(tmp_path / "f.npz")
    assert data.modality == "audio"
    assert [len(cell) for cell in data.records["audio"]] == [3, 2]
    assert data.records["audio"][1][0] == 0.5
    assert data.records["digit"].tolist() == ["7", "1"]
    assert list(data.records.columns) == ["audio", "digit"]
    assert ["'speakers'" in note for note in data.notes] == [True]


def test_public_sets_read(shared_data: Path) -> None:
    speech = load_dataset(shared_data / "fsdd" / "fsdd_takes0_14.npz", schema={"columns": {"take": "identifier"}})
    assert [(one.name, one.kind, one.rate) for one in speech.schema.columns] == [
        ("audio", "audio", 8000),
        ("digit", "categorical", None),
        ("speaker", "categorical", None),
        ("take", "identifier", None),
    ]
    assert len(speech.records) == 900
    mnist = load_dataset(shared_data / "mnist" / "mnist_test10000.npz")
    assert (len(mnist.records), mnist.schema["image"].shape, mnist.schema.target) == (10_000, (28, 28, 1), "label")
    plays = load_dataset(shared_data / "tinyshakespeare" / "input.txt.gz")
    assert plays.records["text"].iloc[0] == "First Citizen:\nBefore we proceed any further, hear me speak."


def test_parts_of_any_modality(tmp_path: Path) -> None:
    data = load_dataset("digits-images").split(seed=0)
    for name, frame in data.parts.items():
        write_records(frame, tmp_path / name, data.schema, "image")
    loaded = load_parts(tmp_path / "train", tmp_path / "holdout", tmp_path / "reference")
    assert loaded.modality == "image"
    assert [loaded.fingerprint(name) for name in data.parts] == [data.fingerprint(name) for name in data.parts]
    half = load_parts(tmp_path / "train", tmp_path / "holdout", seed=1)
    assert len(half.holdout) + len(half.reference) == len(data.holdout)
    with pytest.raises(InputError, match=r"rows are equal to rows of .*train \(first: row 1\)"):
        load_parts(tmp_path / "train", tmp_path / "train")


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    texts = table(tmp_path / "t.txt", "one\ntwo\nthree\n")
    rows = table(tmp_path / "t.csv", "text\none\ntwo\n")
    for number in range(3):
        png(tmp_path / "small" / f"{number}.png", NOISE[:5] + np.uint8(number))
        png(tmp_path / "large" / f"{number}.png", NOISE + np.uint8(number))
        png(tmp_path / "labelled" / "a" / f"{number}.png", NOISE - np.uint8(number))
    large = load_dataset(tmp_path / "large").schema
    for train, holdout, message in [
        (texts, "large", r"large: holds images, but .*t.txt holds texts"),
        (texts, rows, r"t.csv: holds a table, but .*t.txt holds texts"),
        ("large", "small", "small: its images are 5x9 with 3 channel.*those of the data set 12x9"),
        ("large", "labelled", "labelled: unexpected column 'label'"),
        ("labelled", "large", "large: column 'label' is missing"),
    ]:
        with pytest.raises(InputError, match=message):
            load_parts(tmp_path / train, tmp_path / holdout)
    with pytest.raises(InputError, match=r"t.txt: holds texts, but the data set holds images"):
        read_like(texts, large, "image")
    with pytest.raises(InputError, match=r"t.csv: holds a table, not texts"):
        load_dataset(rows, modality="text")
    with pytest.raises(InputError, match="small: its images are 5x9"):
        read_like(tmp_path / "small", large, "image")
    with pytest.raises(InputError, match="unexpected column 'label'"):
        read_like(tmp_path / "labelled", large, "image")
    labelled = load_dataset(tmp_path / "labelled").schema
    assert read_like(tmp_path / "large", labelled, "image")["label"].isna().all()


def test_synthetic_recordings_take_the_rate_of_the_data(tmp_path: Path) -> None:
    for number in range(2):
        wav(tmp_path / "fast" / f"{number}.wav", TONE, 16000)
        wav(tmp_path / "slow" / f"{number}.wav", TONE + np.int16(number), 8000)
        wav(tmp_path / "more" / f"{number}.wav", TONE + np.int16(number + 2), 8000)
    slow = load_dataset(tmp_path / "slow").schema
    assert [len(cell) for cell in read_like(tmp_path / "fast", slow, "audio")["audio"]] == [400, 400]
    parts = load_parts(tmp_path / "slow", tmp_path / "more", tmp_path / "fast")
    assert [len(cell) for cell in parts.reference["audio"]] == [400, 400]
    assert "recordings of 16000 Hz were resampled to 8000 Hz" in parts.notes[0]


def test_free_text_in_a_table_stays_a_column(tmp_path: Path) -> None:
    rows = "\n".join(f"{number},sentence number {number} of a long and winding story" for number in range(50))
    data = load_dataset(table(tmp_path / "t.csv", f"age,story\n{rows}\n"))
    assert (data.modality, data.schema["story"].kind) == ("tabular", "text")


def test_a_grid_shows_every_image() -> None:
    cells = [np.full((3, 2, 1), number, dtype=np.uint8) for number in range(5)]
    sheet = grid(cells)
    assert set(np.unique(sheet)) == {0, 1, 2, 3, 4, 128}
    assert [(sheet == number).sum() for number in range(5)] == [6] * 5
    assert sheet.shape == (2 * (3 + 2) + 2, 3 * (2 + 2) + 2, 1)


def test_grids_are_written_and_have_an_end(tmp_path: Path) -> None:
    data = load_dataset("digits-images")
    notes = write_records(data.records.head(7), tmp_path / "g.png", data.schema, "image")
    assert "a grid to look at" in notes[0]
    with Image.open(tmp_path / "g.png") as image:
        assert image.size == (3 * 10 + 2, 3 * 10 + 2)
    with pytest.raises(InputError, match=r"g2.png: a grid shows at most 1,024 images, not 1,797"):
        write_records(data.records, tmp_path / "g2.png", data.schema, "image")
    assert [path.name for path in tmp_path.iterdir()] == ["g.png"]


def test_texts_without_their_labels_say_so(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path / "t.jsonl", '{"text": "a", "mood": "x"}\n{"text": "b", "mood": "y"}\n'))
    assert write_records(data.records, tmp_path / "t.txt", data.schema, "text") == (
        "t.txt: holds no mood; a .jsonl file would",
    )


def test_nothing_foreign_is_overwritten(tmp_path: Path) -> None:
    data = load_dataset("digits-images")
    few = data.records.head(3)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder.npz").mkdir()
    for name, message in [
        ("mine", "already exists and is not empty"),
        ("file", "already exists and is not empty"),
        ("folder.npz", "is a folder, where a file would be written"),
        ("a.csv", r"cannot write images as this type; use a folder, .npz, .png"),
        ("a.wav", "cannot write images as this type"),
    ]:
        with pytest.raises(InputError, match=message):
            write_records(few, tmp_path / name, data.schema, "image")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["diary.txt", "file", "folder.npz", "mine"]
    assert (mine / "diary.txt").read_text() == (tmp_path / "file").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    write_records(few, tmp_path / "empty", data.schema, "image")
    assert len(read_like(tmp_path / "empty", data.schema, "image")) == 3
    with pytest.raises(InputError, match=r"cannot write texts as this type; use \.txt"):
        require_writable(tmp_path / "folder", "text", 3)
    with pytest.raises(InputError, match=r"cannot write a table as this type; use \.csv"):
        require_writable(tmp_path / "a.txt", "tabular", 3)


def test_a_failing_write_leaves_nothing(tmp_path: Path) -> None:
    column = Column("audio", "audio", rate=8000)
    good, empty = np.zeros(3, dtype=np.float32), np.zeros(0, dtype=np.float32)
    with pytest.raises(InputError, match="recording 2 holds no samples"):
        write_records(payload_frame(column, [good, empty]), tmp_path / "f", Schema((column,)), "audio")
    assert list(tmp_path.iterdir()) == []


TAKEN: list[tuple[Modality, str, str]] = [
    ("audio", "x.npz", "rate"),
    ("audio", "x.npz", "offsets"),
    ("audio", "x", "file"),
    ("image", "x.npz", "x"),
    ("image", "x.npz", "y"),
    ("image", "x", "file"),
    ("text", "x.jsonl", "text"),
    ("text", "x.jsonl.gz", "text"),
]


@pytest.mark.parametrize(("modality", "name", "label"), TAKEN)
def test_names_that_a_form_keeps_are_refused_before_there_are_records(
    tmp_path: Path, modality: Modality, name: str, label: str
) -> None:
    schema = Schema((Column("content", modality), Column(label, "categorical")))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"{name}: a label column cannot be called '{label}' there"):
        require_writable(tmp_path / name, modality, 2, schema)
    with pytest.raises(InputError, match="a label column cannot be called"):
        write_records(pd.DataFrame({"content": [], label: []}), tmp_path / name, schema, modality)
    assert list(tmp_path.iterdir()) == []


def test_digits_as_images_are_the_digits_of_the_table() -> None:
    table_, images = load_dataset("digits"), load_dataset("digits-images")
    assert images.records["digit"].tolist() == table_.records["digit"].tolist()
    assert images.schema["digit"].domain_is_known
    shades = np.stack(images.records["image"].tolist()).reshape(len(images.records), 64)
    pixels = table_.records.drop(columns="digit").to_numpy()
    assert np.array_equal(shades, np.round(pixels * 255 / 16))
    named = load_dataset("digits-images", schema={"columns": {"digit": {"kind": "ordinal"}}}).records
    assert named["digit"].dtype == np.float64
