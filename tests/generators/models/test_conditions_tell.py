"""A condition is not only written beside a record: the record follows it. A new kind adds one row to `TAUGHT`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from generators import create, kinds
from generators.models.registry import family
from tests.generators.models.test_every_kind import SMALL
from tests.generators.models.toy import BY_MODALITY, DIGITS

TAUGHT: dict[str, dict[str, Any]] = {
    "audio-transformer": {"epochs": 300, "learning_rate": 5e-3, "width": 64, "dropout": 0.0},
    "audio-vae": {"epochs": 600},
    "image-diffusion": {"epochs": 120},
    "image-gan": {"epochs": 40},
    "image-gaussian": {},
    "image-vae": {"epochs": 150, "learning_rate": 5e-3},
    "tabular-diffusion": {"epochs": 200, "hidden": 64, "steps": 20},
    "tabular-flow": {"epochs": 80},
    "tabular-gan": {"epochs": 400, "hidden": 64, "noise": 16},
    "tabular-marginal": {},
    "tabular-transformer": {"epochs": 60, "width": 32, "learning_rate": 5e-3},
    "tabular-vae": {"epochs": 300, "hidden": 64, "latent": 8, "learning_rate": 5e-3},
    "text-recurrent": {"epochs": 200},
    "text-transformer": {"epochs": 100},
    "text-transformer-xl": {"epochs": 100},
}
"""What is changed in `SMALL`, so that a kind learns its toy data within a minute."""

CONDITIONS = {
    "tabular": ("colour", ("blue", "red")),
    "image": ("digit", DIGITS),
    "text": ("mood", ("calm", "angry")),
    "audio": ("digit", DIGITS),
}


def size_tells(frame: pd.DataFrame) -> list[str]:
    return ["blue" if size > 6 else "red" for size in frame["size"].dropna()]


def bar_tells(frame: pd.DataFrame) -> list[str]:
    bars = [[cell[:, 4 * place + 2 : 4 * place + 5].mean() for place in range(len(DIGITS))] for cell in frame["image"]]
    return [DIGITS[int(np.argmax(one))] for one in bars]


def verb_tells(frame: pd.DataFrame) -> list[str]:
    return ["angry" if "hates" in text else "calm" for text in frame["text"]]


def pitch_tells(frame: pd.DataFrame) -> list[str]:
    found = []
    for cell in frame["audio"]:
        loudness, pitch = np.abs(np.fft.rfft(cell)), np.fft.rfftfreq(len(cell), 1 / 8000)
        near = [loudness[np.abs(pitch - 300 * (place + 1)) < 100].sum() for place in range(len(DIGITS))]
        found.append(DIGITS[int(np.argmax(near))])
    return found


TELLS: dict[str, Callable[[pd.DataFrame], list[str]]] = {
    "tabular": size_tells,
    "image": bar_tells,
    "text": verb_tells,
    "audio": pitch_tells,
}
"""Guesses the label from all else; right for at least 88% of the real records with each label."""


def right(frame: pd.DataFrame, modality: str, value: str) -> float:
    return float(np.mean([guess == value for guess in TELLS[modality](frame)]))


@pytest.mark.parametrize("modality", BY_MODALITY)
def test_real_records_tell_their_labels(modality: str) -> None:
    train = BY_MODALITY[modality]().train
    column, values = CONDITIONS[modality]
    for value in values:
        assert right(train[train[column] == value], modality, value) > 0.88


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds())
def test_records_follow_their_conditions(kind: str) -> None:
    modality = family(kind).modality
    column, values = CONDITIONS[modality]
    model = create(kind, **{**SMALL[kind], **TAUGHT[kind]}).fit(BY_MODALITY[modality](), progress=False)
    for value in values:
        assert right(model.sample(100, seed=2, conditions={column: value}), modality, value) > 0.7
