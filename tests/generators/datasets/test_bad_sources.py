"""What is wrong with images, texts and recordings is one clear line that names the file."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generators import InputError, load_dataset
from generators.datasets.recordings import read_recordings
from tests.generators.datasets.making import NOISE, TONE, changed, idx, png, png16, table, truncated, wav


def mixed_sizes(f: Path) -> None:
    png(f / "a.png")
    png(f / "b.png", NOISE[:-1])
    png(f / "c.png")


def mixed_modes(f: Path) -> None:
    png(f / "x" / "a.png")
    png(f / "y" / "b.png", mode="L")
    png(f / "x" / "c.png")


def archive(f: Path, **arrays: Any) -> None:
    np.savez(f / "a.npz", **arrays)


X = np.zeros((4, 2, 2), dtype=np.uint8)
SOUND = {"audio": np.zeros(4, dtype=np.int16), "offsets": np.array([0, 2, 4]), "rate": np.int64(8000)}

BAD: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    # what: (how it comes about, what is loaded, what the line says)
    "no such file": (lambda _: None, "none", "neither a built-in data set .* nor a file or folder"),
    "empty folder": (lambda f: (f / "d").mkdir(), "d", "d: holds no images .* and no recordings"),
    "folder of something else": (lambda f: table(f / "a.doc", "a"), "", "holds no images .* and no recordings"),
    "images and recordings": (lambda f: (png(f / "a.png"), wav(f / "b.wav")), "", "holds both images and recordings"),
    "a single image": (lambda f: png(f / "a.png"), "a.png", "a.png: is a single record; name the folder"),
    "one image": (lambda f: png(f / "a.png"), "", r"holds 1 record\(s\); at least two"),
    "unknown type": (lambda f: table(f / "a.pdf", "a"), "a.pdf", "a.pdf: not a type read here"),
    "mixed sizes": (mixed_sizes, "", "b.png: sizes are mixed: it is 11x9 colour, most others are 12x9 colour"),
    "mixed modes": (mixed_modes, "", "b.png: grey and colour images are mixed: it is 12x9 grey"),
    "transparent": (lambda f: (png(f / "a.png", mode="RGBA"), png(f / "b.png")), "", "a.png: has mode RGBA; save it"),
    "16 bits": (lambda f: png(f / "a.png", NOISE[:, :, 0].astype(np.uint16)), "", "a.png: has mode I;16; save it"),
    "16 bits of colour": (lambda f: png16(f / "a.png"), "", "a.png: has 16 bits a channel; save it"),
    "a transparent colour": (lambda f: png(f / "a.png", transparency=(1, 2, 3)), "", "a.png: has transparent pixels"),
    "a transparent grey": (lambda f: png(f / "a.png", mode="L", transparency=7), "", "a.png: has transparent pixels"),
    "a transparent palette": (
        lambda f: png(f / "a.png", mode="P", transparency=0),
        "",
        "a.png: has transparent pixels",
    ),
    "corrupt image": (lambda f: (png(f / "a.png"), table(f / "b.png", "nonsense")), "", "b.png: cannot be read as"),
    "truncated image": (lambda f: (png(f / "a.png"), truncated(png(f / "b.png"), 60)), "", "b.png: cannot be read"),
    "truncated jpeg": (lambda f: (png(f / "a.png"), truncated(png(f / "b.jpg"), 60)), "", "b.jpg: cannot be read"),
    "another type of image": (
        lambda f: (png(f / "a.png"), png(f / "b.gif", mode="L").rename(f / "b.png")),
        "",
        "b.png: cannot be read",
    ),
    "loose beside labelled": (lambda f: (png(f / "x" / "a.png"), png(f / "b.png")), "", "b.png: lies beside"),
    "too deep": (lambda f: (png(f / "x" / "y" / "a.png"), png(f / "x" / "b.png")), "", "a.png: lies too deep"),
    "labels without file": (
        lambda f: (png(f / "a.png"), table(f / "labels.csv", "name,l\na,1\nb,2")),
        "",
        "labels.csv: has no column",
    ),
    "labels of no file": (
        lambda f: (png(f / "a.png"), table(f / "labels.csv", "file,l\na.png,1\n../b.png,2")),
        "",
        "labels.csv: row 2 names '../b.png', which is not there",
    ),
    "labels twice": (
        lambda f: (png(f / "a.png"), table(f / "labels.csv", "file,l\na.png,1\na.png,2")),
        "",
        "names 'a.png', twice",
    ),
    "file without labels": (
        lambda f: ([png(f / f"{name}.png") for name in "abc"], table(f / "labels.csv", "file,l\na.png,1\nb.png,2")),
        "",
        "labels.csv: does not name 'c.png'",
    ),
    "archive of something else": (lambda f: archive(f, z=X), "a.npz", "neither an array 'x' .* nor 'audio' .* has z"),
    "no archive": (lambda f: table(f / "a.npz", "nonsense"), "a.npz", "a.npz: not a readable .npz archive"),
    "truncated archive": (lambda f: (archive(f, x=X), truncated(f / "a.npz", 30)), "a.npz", "not a readable .npz"),
    "pickled archive": (lambda f: archive(f, x=np.array([{}, {}])), "a.npz", "not a readable .npz archive"),
    "images of floats": (lambda f: archive(f, x=X / 2), "a.npz", "'x' is float64, expected uint8"),
    "images of no shape": (lambda f: archive(f, x=X[0]), "a.npz", r"'x' has shape \(2, 2\), expected"),
    "images of two channels": (lambda f: archive(f, x=X.reshape(2, 2, 2, 2)), "a.npz", r"\(2, 2, 2, 2\), expected"),
    "too few labels": (lambda f: archive(f, x=X, y=np.zeros(3)), "a.npz", r"'y' has shape \(3,\), expected one label"),
    "a label called image": (
        lambda f: archive(f, x=X, image=np.arange(4)),
        "a.npz",
        "a.npz: a label is called 'image', as the images themselves are",
    ),
    "a label called audio": (
        lambda f: ([wav(f / f"{name}.wav") for name in "ab"], table(f / "labels.csv", "file,audio\na.wav,1\nb.wav,2")),
        "",
        "a label is called 'audio', as the recordings themselves are",
    ),
    "labels under two names": (
        lambda f: archive(f, x=X, y=np.arange(4), label=np.arange(4)),
        "a.npz",
        "a.npz: 'y' and 'label' would be the same column; rename one",
    ),
    "truncated idx": (
        lambda f: truncated(idx(f / "a-images-idx3-ubyte", X), 1),
        "a-images-idx3-ubyte",
        "is damaged: 15 bytes follow",
    ),
    "idx of something else": (
        lambda f: idx(f / "a-images-idx3-ubyte", X[0]),
        "a-images-idx3-ubyte",
        "no idx file of bytes in 3 dimensions",
    ),
    "idx with too few labels": (
        lambda f: (idx(f / "a-images-idx3-ubyte", X), idx(f / "a-labels-idx1-ubyte", [1, 2, 3])),
        "a-images-idx3-ubyte",
        "a-labels-idx1-ubyte: holds 3 labels for 4 images",
    ),
    "broken gzip": (lambda f: table(f / "a-images-idx3-ubyte.gz", "a"), "a-images-idx3-ubyte.gz", "not a readable"),
    "text not UTF-8": (lambda f: (f / "a.txt").write_bytes(b"a\nb\xff\n"), "a.txt", "a.txt: is not UTF-8: line 2"),
    "empty text": (lambda f: table(f / "a.txt", " \n\n"), "a.txt", "a.txt: is empty"),
    "no JSON": (lambda f: table(f / "a.jsonl", '{"text": "a"}\n{"text": '), "a.jsonl", "a.jsonl: line 2: is not valid"),
    "JSON not UTF-8": (lambda f: (f / "a.jsonl").write_bytes(b'{"text": "\xff"}'), "a.jsonl", "is not UTF-8: line 1"),
    "no JSON object": (lambda f: table(f / "a.jsonl", '["text"]'), "a.jsonl", "line 1: is no JSON object"),
    "no text": (lambda f: table(f / "a.jsonl", '{"text": "a"}\n\n{"txt": "a"}'), "a.jsonl", "line 3: has no key"),
    "text is a number": (lambda f: table(f / "a.jsonl", '{"text": 3}'), "a.jsonl", "line 1: 'text' is no string"),
    "a key is missing": (
        lambda f: table(f / "a.jsonl", '{"text": "a", "k": 1}\n{"text": "a"}'),
        "a.jsonl",
        "line 2: key 'k' is missing",
    ),
    "a key is new": (
        lambda f: table(f / "a.jsonl", '{"text": "a"}\n{"text": "a", "k": 1}'),
        "a.jsonl",
        "line 2: key 'k' is new",
    ),
    "a key holds a list": (lambda f: table(f / "a.jsonl", '{"text": "a", "k": [1]}'), "a.jsonl", "'k' holds a list"),
    "half a character": (lambda f: table(f / "a.jsonl", r'{"text": "\ud800"}'), "a.jsonl", "line 1: holds half"),
    "no WAV": (lambda f: table(f / "a.wav", "nonsense"), "", "a.wav: cannot be read as a WAV file"),
    "truncated WAV": (lambda f: truncated(wav(f / "a.wav"), 100), "", "a.wav: cannot be read .* ends too early"),
    "WAV cut in a sample": (lambda f: truncated(wav(f / "a.wav"), 101), "", "a.wav: cannot be read as a WAV file"),
    "WAV of its header": (lambda f: truncated(wav(f / "a.wav"), 1600), "", "a.wav: cannot be read"),
    "WAV cut in its header": (lambda f: truncated(wav(f / "a.wav"), 1615), "", "a.wav: cannot be read"),
    "WAV of blocks of no bytes": (
        lambda f: changed(wav(f / "a.wav"), 32, 0),
        "",
        "a.wav: cannot be read as a WAV file",
    ),
    "WAV of a senseless rate": (
        lambda f: wav(f / "a.wav", X.reshape(-1), 2_000_000_000),
        "",
        "a.wav: claims 2000000000 samples a second",
    ),
    "zero length": (lambda f: wav(f / "a.wav", TONE[:0]), "", "a.wav: holds no sound"),
    "not finite": (lambda f: wav(f / "a.wav", np.array([np.nan, 1])), "", "a.wav: holds samples that are no finite"),
    "no offsets": (lambda f: archive(f, audio=SOUND["audio"]), "a.npz", "has no array 'offsets'"),
    "wrong offsets": (lambda f: archive(f, **{**SOUND, "offsets": np.array([0, 4, 2])}), "a.npz", "'offsets' must"),
    "empty recording": (lambda f: archive(f, **{**SOUND, "offsets": np.array([0, 0, 4])}), "a.npz", "'offsets' must"),
    "no rate": (lambda f: archive(f, **{**SOUND, "rate": np.array([1, 2])}), "a.npz", "'rate' is one whole number"),
    "audio of booleans": (lambda f: archive(f, **{**SOUND, "audio": X[:, 0, 0] > 1}), "a.npz", "'audio' is bool"),
}


def test_a_damaged_header_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Whatever byte of a WAV file's header is wrong."""
    file = wav(tmp_path / "a.wav", TONE[:20])
    content, refused = file.read_bytes(), 0
    for position, value in product(range(44), (0, 1, 2, 24, 255)):
        file.write_bytes(content)
        changed(file, position, value)
        try:
            read_recordings(tmp_path)
        except InputError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_clear_line(tmp_path: Path, what: str, recwarn: pytest.WarningsRecorder) -> None:
    make, name, message = BAD[what]
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder)
    with pytest.raises(InputError, match=message) as caught:
        load_dataset(folder / name)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    assert not recwarn.list


def test_no_truncated_image_passes_for_whole(tmp_path: Path) -> None:
    """Wherever a PNG is cut, what is read is the whole image or nothing."""
    content = io.BytesIO()
    Image.fromarray(NOISE).save(content, "PNG")
    png(tmp_path / "a.png")
    refused = 0
    for size in range(len(content.getvalue())):
        (tmp_path / "b.png").write_bytes(content.getvalue()[:size])
        try:
            cell = load_dataset(tmp_path).records["image"].iloc[1]
        except InputError:
            refused += 1
        else:
            assert np.array_equal(cell, NOISE)
    assert refused > 0.9 * len(content.getvalue())
