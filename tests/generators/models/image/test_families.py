"""What all families of image generators promise beyond the one face: sizes, colours, labels of any number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generators import Dataset, Generator, InputError, PrivacyBudget, create
from tests.generators.models.test_every_kind import SMALL
from tests.generators.models.toy import image

KINDS = ("image-diffusion", "image-gan", "image-gaussian", "image-vae")
QUICK = {kind: {**SMALL[kind], **({"epochs": 1} if "epochs" in SMALL[kind] else {})} for kind in KINDS}


def unlabelled() -> Dataset:
    data = image()
    schema = replace(data.schema, columns=data.schema.columns[:1], target=None)
    return Dataset("bars", schema, {p: f[["image"]] for p, f in data.parts.items()}, modality="image")


def twice_labelled() -> Dataset:
    """Colour follows the digit, but for digit 2, which has both."""
    data = image()
    levels = replace(data.schema.columns[1], name="colour", levels=("blue", "red"))
    parts = {}
    for part, frame in data.parts.items():
        odd = np.arange(len(frame)) % 2 == 0
        red = (frame["digit"] == "1") | ((frame["digit"] == "2") & odd)
        parts[part] = frame.assign(colour=np.where(red, "red", "blue").astype(object))
    return Dataset("bars", replace(data.schema, columns=(*data.schema.columns, levels)), parts, modality="image")


def fitted(kind: str, data: Dataset, **parameters: Any) -> Generator:
    return create(kind, **{**QUICK[kind], **parameters}).fit(data, progress=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("side", "channels"), [(15, 1), (18, 3)])
def test_any_size_and_colours(kind: str, side: int, channels: int) -> None:
    frame = fitted(kind, image(side=side, channels=channels)).sample(3)
    assert all(cell.shape == (side, side, channels) and cell.dtype == np.uint8 for cell in frame["image"])


@pytest.mark.parametrize("kind", KINDS)
def test_without_labels(kind: str) -> None:
    data = unlabelled()
    model = fitted(kind, data)
    assert list(model.sample(3).columns) == ["image"]
    for ability in ("record_loss", "encode", "discriminate"):
        if hasattr(model, ability):
            assert np.isfinite(getattr(model, ability)(data.holdout)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_labels_keep_company(kind: str) -> None:
    """Labels come in the combinations that train shows, also where one of them is a condition."""
    model = fitted(kind, twice_labelled())
    pairs = set(zip(*(model.sample(60)[name] for name in ("digit", "colour")), strict=True))
    assert pairs == {("0", "blue"), ("1", "red"), ("2", "blue"), ("2", "red")}
    assert set(model.sample(40, conditions={"colour": "red"})["digit"]) == {"1", "2"}
    assert model.sample(4, conditions={"digit": "0", "colour": "red"})["digit"].tolist() == ["0"] * 4


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "image-gan"])
def test_private_training_without_labels(kind: str) -> None:
    model = create(kind, **QUICK[kind]).fit(unlabelled(), PrivacyBudget(5, 1e-3), progress=False)
    assert model.ledger_.claim is not None
    assert len(model.sample(2)) == 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "image-gan"])
def test_private_training_needs_public_labels(kind: str) -> None:
    data = image()
    learnt = replace(
        data.schema, columns=tuple(replace(c, public=None) if c.is_modelled else c for c in data.schema.columns)
    )
    with pytest.raises(InputError, match="'digit'"):
        create(kind, **QUICK[kind]).fit(replace(data, schema=learnt), PrivacyBudget(5, 1e-3), progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_another_size_are_one_line(kind: str) -> None:
    frame = image().train.copy()
    frame.at[5, "image"] = np.zeros((16, 17, 1), dtype=np.uint8)
    with pytest.raises(InputError, match="image 6 is 16 x 17 with 1 channels, expected 16 x 16"):
        fitted(kind, Dataset("mixed", image().schema, {"train": frame}, modality="image"))
