from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from generators import Column, InputError, Ledger, Schema
from generators.datasets.payload import payload_frame, payload_schema
from generators.encoding.images import ImageEncoder, split_rows, to_cells, to_tensor


def frame_of(shape: tuple[int, int, int], records: int = 6) -> tuple[pd.DataFrame, Schema]:
    cells = np.random.default_rng(0).integers(0, 256, (records, *shape)).astype(np.uint8)
    labels = {"digit": ["3", "1"] * (records // 2), "hand": ["left", "left", "right"] * (records // 3)}
    column = Column("picture", "image", shape=shape)
    return payload_frame(column, cells, labels), payload_schema(column, labels)


def test_all_256_levels_survive_the_way_there_and_back() -> None:
    cells = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    images = to_tensor(pd.Series([*cells], dtype=object), (16, 16, 1))
    assert (images.min(), images.max()) == (-1, 1)
    assert np.array_equal(to_cells(images)[0], cells[0])


def test_numbers_beyond_black_and_white_are_clipped() -> None:
    assert to_cells(torch.tensor([[[[-3.0, 3.0]]]]))[0].tolist() == [[[0], [255]]]


@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 3, 3), (1, 7, 1)])
def test_rows_hold_images_and_labels(shape: tuple[int, int, int]) -> None:
    frame, schema = frame_of(shape)
    encoder = ImageEncoder().fit(frame, schema)
    images, labels = split_rows(encoder.encode(frame), shape)
    assert images.shape == (6, shape[2], shape[0], shape[1])
    assert labels.sum(dim=1).tolist() == [2.0] * 6
    again = encoder.decode(images, encoder.labels_.codes_of(labels.numpy()))
    assert list(again.columns) == ["picture", "digit", "hand"]
    assert again[["digit", "hand"]].equals(frame[["digit", "hand"]])
    assert all(np.array_equal(a, b) for a, b in zip(again["picture"], frame["picture"], strict=True))


def test_without_labels() -> None:
    frame, schema = frame_of((4, 4, 1))
    encoder = ImageEncoder().fit(frame[["picture"]], replace(schema, columns=schema.columns[:1], target=None))
    images, labels = split_rows(encoder.encode(frame), (4, 4, 1))
    assert labels.shape == (6, 0)
    assert encoder.labels_.codes_of(labels.numpy()).shape == (6, 0)
    assert list(encoder.decode(images, encoder.labels_.codes_of(labels.numpy())).columns) == ["picture"]


def test_a_restored_encoder_encodes_the_same() -> None:
    frame, schema = frame_of((4, 6, 3))
    encoder = ImageEncoder().fit(frame, schema)
    restored = ImageEncoder.from_dict(encoder.to_dict(), schema)
    assert torch.equal(restored.encode(frame), encoder.encode(frame))
    assert restored.to_dict() == encoder.to_dict()


def test_mixed_sizes_are_one_line_that_names_the_image() -> None:
    frame, schema = frame_of((4, 4, 1))
    frame.at[2, "picture"] = np.zeros((4, 5, 1), dtype=np.uint8)
    encoder = ImageEncoder().fit(frame, schema)
    with pytest.raises(InputError, match="'picture': image 3 is 4 x 5 with 1 channels, expected 4 x 4") as caught:
        encoder.encode(frame)
    assert "\n" not in str(caught.value)


def test_a_schema_without_size_is_refused() -> None:
    frame, _ = frame_of((4, 4, 1))
    with pytest.raises(InputError, match="gives no shape"):
        ImageEncoder().fit(frame, Schema((Column("picture", "image"),)))


def test_public_encoding_needs_public_labels_and_says_what_was_public() -> None:
    frame, schema = frame_of((4, 4, 1))
    with pytest.raises(InputError, match="needs a public domain"):
        ImageEncoder(public_only=True).fit(frame, schema)
    public = replace(schema, columns=tuple(replace(c, public="me") if c.is_modelled else c for c in schema.columns))
    ledger = Ledger()
    ImageEncoder(public_only=True).fit(frame, public).record(ledger)
    assert {entry.mechanism for entry in ledger} == {"public"}
