"""Small made-up images, texts and recordings that no chance repeats, cut for audits, with leaks planted into them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from generators import Column, Dataset
from generators.datasets.payload import payload_frame, payload_schema

ROWS = {"image": 300, "text": 300, "audio": 200}
RATE = 4000
_SYLLABLES = [first + vowel for first in "bdfgklmnprst" for vowel in "aeiou"]


def image(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A smooth blotch whose lighter half is its label."""
    blotch = gaussian_filter(rng.normal(size=(12, 12)), 1.5)
    shade = np.clip(128 + 60 * blotch / blotch.std(), 0, 255).astype(np.uint8)[:, :, None]
    return shade, "left" if shade[:, :6].mean() > shade[:, 6:].mean() else "right"


def text(rng: np.random.Generator) -> tuple[str, str]:
    """A sentence of nonsense, and whether it is a question."""
    words = ["".join(rng.choice(_SYLLABLES, 2)) for _ in range(rng.integers(12, 20))]
    mark = str(rng.choice([".", "?"]))
    return " ".join(words) + mark, "question" if mark == "?" else "statement"


def audio(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A gliding tone with overtones in a little noise, and whether it rises."""
    count = int(RATE * rng.uniform(0.15, 0.25))
    glide = np.linspace(rng.uniform(100, 400), rng.uniform(100, 400), count)
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    tone = sum(rng.uniform(0.1, 1) / k * np.sin(k * phase) for k in range(1, 5))
    sound = (0.2 * tone + 0.005 * rng.normal(size=count)).astype(np.float32)
    return np.round(sound * 32767).astype(np.float32) / 32768, "up" if glide[-1] > glide[0] else "down"


MAKERS: dict[str, Callable[[np.random.Generator], tuple[object, str]]] = {"image": image, "text": text, "audio": audio}
COLUMNS = {
    "image": Column("image", "image", shape=(12, 12, 1)),
    "text": Column("text", "text"),
    "audio": Column("audio", "audio", rate=RATE),
}


def records(modality: str, rows: int, seed: int) -> pd.DataFrame:
    """Fresh records of one modality, with their label."""
    rng = np.random.default_rng([seed, rows])
    made = [MAKERS[modality](rng) for _ in range(rows)]
    return payload_frame(COLUMNS[modality], [cell for cell, _ in made], {"label": [label for _, label in made]})


def thirds(modality: str, seed: int, rows: int | None = None) -> tuple[Dataset, pd.DataFrame]:
    """A data set in its three parts, `rows` records each, and as many fresh records."""
    rows = rows or ROWS[modality]
    everything = records(modality, 4 * rows, seed)
    parts = [everything.iloc[i * rows : (i + 1) * rows].reset_index(drop=True) for i in range(4)]
    schema = payload_schema(COLUMNS[modality], {"label": everything["label"].tolist()})
    named = dict(zip(("train", "holdout", "reference"), parts[:3], strict=True))
    return Dataset(f"made-up {modality}", schema, named, modality=modality), parts[3]  # type: ignore[arg-type]


def changed(modality: str, frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The records as a careless copy leaves them: noise on images and recordings, one letter of a text replaced."""
    rng = np.random.default_rng(seed)
    alter = {
        "image": lambda cell: np.clip(cell + rng.normal(0, 4, cell.shape), 0, 255).astype(np.uint8),
        "text": lambda cell: _misprinted(cell, rng),
        "audio": lambda cell: (cell + rng.normal(0, 0.001, len(cell))).astype(np.float32),
    }[modality]
    cells = [alter(cell) for cell in frame.iloc[:, 0]]
    return payload_frame(COLUMNS[modality], cells, {"label": frame["label"].tolist()})


def leaked(data: Dataset, fresh: pd.DataFrame, share: float, *, careless: bool = False) -> pd.DataFrame:
    """`fresh` with a share of train, exactly or carelessly copied, in the place of its first records."""
    count = round(share * len(data.train))
    members = data.train.iloc[:count]
    copies = changed(data.modality, members) if careless else members
    return pd.concat([copies, fresh.iloc[count:]], ignore_index=True)


def _misprinted(cell: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(len(cell) - 1))
    return f"{cell[:place]}x{cell[place + 1 :]}"
