"""What do the embeddings of images, texts and recordings see? Makes the tables of docs/contents.md again.

    python -m benchmarks.embeddings                # everything but the attack: about two minutes on one core
    python -m benchmarks.embeddings --attack       # and an overfit image-vae attacked in each embedding

First, how often a record's nearest neighbour has the same label, by embedding. Second, how far a careless copy lies
from what it was copied from, as a share of the usual gap between neighbours: median and 90th percentile. Third, with
--attack, how well members of an overfit `image-vae` are told by how much nearer the published images lie than those of
the reference, in each embedding and in both together.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.spatial.distance import cdist

from audit.features import embedder, embeddings
from audit.spaces import ContentSpace
from audit.statistics import Floats, auc, tpr_at_fpr
from benchmarks.contents import DATA, Whole
from benchmarks.shown import data_folder
from generators import Column, Dataset, create
from generators.datasets.payload import payload_frame, payload_schema

KNOWN, ASKED, COPIED = 5000, 2000, 500


def images(folder: Path, name: str) -> Whole:
    """10,000 images of 28 by 28 pixels with their labels."""
    with np.load(folder / name) as arrays:
        shown, labels = arrays["x"][..., None], {"label": [str(label) for label in arrays["y"]]}
    column = Column("image", "image", shape=(28, 28, 1))
    return payload_frame(column, shown, labels), payload_schema(column, labels), "image"


def _jpeg(cell: Any) -> Any:
    kept = io.BytesIO()
    Image.fromarray(cell[..., 0]).save(kept, "JPEG", quality=50)
    return np.asarray(Image.open(kept))[..., None]


def _noisy(spread: float) -> Callable[[Any, np.random.Generator], Any]:
    return lambda cell, rng: np.clip(cell + rng.normal(0, spread, cell.shape), 0, 255).astype(np.uint8)


def _at(decibel: float) -> Callable[[Any, np.random.Generator], Any]:
    def noisy(cell: Any, rng: np.random.Generator) -> Any:
        spread = float(np.sqrt((cell**2).mean())) * 10 ** (-decibel / 20)
        return (cell + rng.normal(0, spread, len(cell))).astype(np.float32)

    return noisy


def _words_replaced(cell: str, rng: np.random.Generator) -> str:
    words = cell.split(" ")
    for place in rng.permutation(len(words))[: max(1, len(words) // 5)]:
        words[place] = "".join(rng.choice(list("abcdefghij"), 5))
    return " ".join(words)


def _word_left_out(cell: str, rng: np.random.Generator) -> str:
    words = cell.split(" ")
    del words[int(rng.integers(len(words)))]
    return " ".join(words)


def _misprint(cell: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(len(cell)))
    return f"{cell[:place]}x{cell[place + 1 :]}"


CHANGES: dict[str, dict[str, Callable[[Any, np.random.Generator], Any]]] = {
    "image": {
        "noise, 5 of 255": _noisy(5),
        "noise, 12 of 255": _noisy(12),
        "JPEG at 50": lambda cell, _: _jpeg(cell),
        "15% darker": lambda cell, _: (0.85 * cell).astype(np.uint8),
        "shifted by a pixel": lambda cell, _: np.roll(cell, 1, axis=1),
    },
    "audio": {
        "half as loud": lambda cell, _: cell / 2,
        "noise at 40 dB": _at(40),
        "noise at 30 dB": _at(30),
        "noise at 20 dB": _at(20),
        "a tenth cut off": lambda cell, _: cell[: int(0.9 * len(cell))],
    },
    "text": {
        "one letter": _misprint,
        "a word left out": _word_left_out,
        "a fifth of words replaced": _words_replaced,
        "cut in half": lambda cell, _: cell[: max(1, len(cell) // 2)],
        "in capitals": lambda cell, _: cell.upper(),
    },
}


def agreement(whole: Whole, label: str, known: int, asked: int, other: str | None = None) -> dict[str, float]:
    """By embedding, how often the nearest of the known records has the asked one's label.

    With `other`, only known records that differ in this label are looked at.
    """
    frame, schema, modality = whole
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))].reset_index(drop=True)
    seen, sought = frame.head(known), frame.iloc[known : known + asked]
    shares = {}
    for one in embeddings(modality):
        place = embedder(one.name, schema, seen)
        apart = cdist(place(sought), place(seen))
        if other is not None:
            apart[sought[other].to_numpy()[:, None] == seen[other].to_numpy()[None]] = np.inf
        nearest = seen[label].to_numpy()[apart.argmin(axis=1)]
        shares[one.name] = float((nearest == sought[label].to_numpy()).mean())
    return shares


def careless(whole: Whole) -> dict[str, tuple[float, float]]:
    """By change, median and 90th percentile of how far copies lie from their originals, in usual gaps."""
    frame, schema, _ = whole
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))].reset_index(drop=True)
    originals, reference = frame.head(COPIED), frame.iloc[COPIED : COPIED + 4000]
    space = ContentSpace(schema, originals, reference)
    column, found = schema.columns[0], {}
    for name, change in CHANGES[column.kind].items():
        rng = np.random.default_rng(1)
        cells = [change(cell, rng) for cell in originals[column.name]]
        copies = pd.concat([payload_frame(column, cells), originals.drop(columns=column.name)], axis=1)
        here, there = (space.place(one).content for one in (copies, originals))
        if here is None or there is None:
            raise TypeError("records without a content")
        gaps = np.linalg.norm(here.features - there.features, axis=1) / space.usual_gap
        found[name] = (float(np.median(gaps)), float(np.quantile(gaps, 0.9)))
    return found


def attacked(whole: Whole) -> dict[str, tuple[float, float]]:
    """By embedding, AUC and TPR at 1% FPR against an image-vae trained for 80 epochs on 1,000 images."""
    frame, schema, _ = whole
    parts = [frame.iloc[start : start + 1000].reset_index(drop=True) for start in (0, 1000, 2000)]
    data = Dataset("digits", schema, dict(zip(("train", "holdout", "reference"), parts, strict=True)), modality="image")
    published = create("image-vae", epochs=80).fit(data, progress=False).sample(2000, seed=0)
    space = ContentSpace(schema, published, data.reference, [data.train, data.holdout])
    points = {name: space.place(part) for name, part in (*data.parts.items(), ("published", published))}
    views: dict[str, dict[str, Floats]] = {
        one.name: {name: space.view(one.name, some).astype(np.float64) for name, some in points.items()}
        for one in embeddings("image")
    }
    views["both"] = {name: np.hstack([view[name] for view in views.values()]) for name in points}

    def closer(view: dict[str, Floats], part: str) -> Floats:
        near, usual = (cdist(view[part], view[other]).min(axis=1) for other in ("published", "reference"))
        return np.asarray(np.log(usual) - np.log(near))

    found = {}
    for name, view in views.items():
        members, others = closer(view, "train"), closer(view, "holdout")
        found[name] = (auc(members, others), tpr_at_fpr(members, others, 0.01).tpr)
    return found


def main(say: Callable[[str], None] = print) -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attack", action="store_true", help="train an image-vae and attack it")
    arguments = parser.parse_args()
    folder = data_folder(None)
    mnist = images(folder, "mnist/mnist_test10000.npz")
    fashion = images(folder, "fashion_mnist/fashion_test10000.npz")
    small, messages, recordings = (DATA[name](folder) for name in ("digits", "messages", "recordings"))
    say("| nearest has the same label | " + " | ".join(one.name for one in embeddings("image")) + " |\n|---|---|---|")
    for name, whole, known, asked in (
        ("MNIST", mnist, KNOWN, ASKED),
        ("Fashion-MNIST", fashion, KNOWN, ASKED),
        ("scikit-learn digits", small, 1000, 797),
    ):
        label = next(column.name for column in whole[1].columns if column.kind == "categorical")
        say(
            f"| {name} | "
            + " | ".join(f"{share:.3f}" for share in agreement(whole, label, known, asked).values())
            + " |"
        )
    for text, other in (("speaker", None), ("speaker, of another digit", "digit")):
        shares = agreement(recordings, "speaker", 450, 450, other)
        say(
            f"\nnearest recording is of the same {text}: {', '.join(f'{n} {share:.0%}' for n, share in shares.items())}"
        )
    for name, whole in (("MNIST", mnist), ("Fashion-MNIST", fashion), ("spoken digits", recordings), ("SMS", messages)):
        say(f"\n| {name}: change | median gap | 90th percentile |\n|---|---|---|")
        for change, (middle, high) in careless(whole).items():
            say(f"| {change} | {middle:.2f} | {high:.2f} |")
    if arguments.attack:
        say("\n| image-vae attacked in | AUC | TPR at 1% FPR |\n|---|---|---|")
        for name, (area, found) in attacked(mnist).items():
            say(f"| {name} | {area:.3f} | {found:.3f} |")


if __name__ == "__main__":
    main()
