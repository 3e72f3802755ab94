"""Small data sets of every modality, on which every kind of generator is tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from generators import Dataset
from generators.datasets.columns import Column
from generators.datasets.payload import payload_frame, payload_schema
from generators.datasets.schema import Schema

DIGITS = ("0", "1", "2")


def tabular(rows: int = 240) -> Dataset:
    """Every kind of column, with gaps; colour depends on size."""
    rng = np.random.default_rng(0)
    size = np.round(rng.gamma(2, 3, rows), 2)
    colour = np.where(size + rng.normal(0, 1, rows) > 6, "blue", np.where(rng.random(rows) < 0.5, "red", "green"))
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.1, np.nan, size),
            "count": rng.poisson(3, rows).astype(float),
            "colour": pd.Series(colour, dtype=object),
            "grade": rng.integers(1, 4, rows).astype(float),
            "seen": pd.Series(np.where(rng.random(rows) < 0.3, "yes", "no"), dtype=object),
            "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), unit="D"),
        }
    )
    frame["day"] = frame["day"].astype("datetime64[ns]")
    who = "the test"
    schema = Schema(
        (
            Column("size", "numeric", low=0, high=60, missing=True, public=who),
            Column("count", "integer", low=0, high=20, public=who),
            Column("colour", "categorical", levels=("blue", "green", "red"), public=who),
            Column("grade", "ordinal", levels=(1.0, 2.0, 3.0), public=who),
            Column("seen", "boolean", levels=("no", "yes"), public=who),
            Column("day", "datetime", low=1704067200.0, high=1735603200.0, public=who),
        ),
        target="colour",
    )
    return Dataset("toy table", schema, {"records": frame}).split(seed=0)


def image(records: int = 120, side: int = 16, channels: int = 1) -> Dataset:
    """Bright bars whose place tells the digit."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(DIGITS), records)
    pixels = rng.integers(0, 40, (records, side, side, channels)).astype(np.uint8)
    for number, label in enumerate(labels):
        pixels[number, :, 4 * label + 2 : 4 * label + 5] = 220
    column = Column("image", "image", shape=(side, side, channels))
    digits = {"digit": [DIGITS[label] for label in labels]}
    return _dataset("toy images", "image", column, pixels, digits)


def text(records: int = 160) -> Dataset:
    """Short sentences from a small grammar, with their mood."""
    rng = np.random.default_rng(0)
    who, does, what = ["the cat", "a dog", "my aunt"], ["sees", "eats", "hates"], ["a fish.", "the moon.", "no one!"]
    texts = [" ".join(str(rng.choice(part)) for part in (who, does, what)) for _ in range(records)]
    mood = {"mood": ["angry" if "hates" in one else "calm" for one in texts]}
    return _dataset("toy texts", "text", Column("text", "text"), texts, mood)


def audio(records: int = 60, rate: int = 8000) -> Dataset:
    """Short tones of unequal length whose pitch tells the digit."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(DIGITS), records)
    cells = []
    for label in labels:
        time = np.arange(int(rate * rng.uniform(0.2, 0.4))) / rate
        tone = 0.5 * np.sin(2 * np.pi * 300 * (label + 1) * time) + 0.01 * rng.normal(size=len(time))
        cells.append(tone.astype(np.float32))
    digits = {"digit": [DIGITS[label] for label in labels]}
    return _dataset("toy recordings", "audio", Column("audio", "audio", rate=rate), cells, digits)


def _dataset(name: str, modality: str, column: Column, cells: object, labels: dict[str, list[str]]) -> Dataset:
    frame = payload_frame(column, cells, labels)  # type: ignore[arg-type]
    learnt = payload_schema(column, labels)
    public = tuple(replace(one, public="the test") for one in learnt.columns)
    schema = replace(learnt, columns=public)
    return Dataset(name, schema, {"records": frame}, modality=modality).split(seed=0)  # type: ignore[arg-type]


BY_MODALITY = {"tabular": tabular, "image": image, "text": text, "audio": audio}
