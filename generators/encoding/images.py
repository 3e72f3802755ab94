"""Images with labels to rows of numbers and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from generators.datasets.payload import payload_column
from generators.datasets.schema import Schema
from generators.encoding.labels import LabelEncoder
from generators.errors import InputError
from generators.privacy.ledger import Ledger

Shape = tuple[int, int, int]
"""Height, width and channels."""


def to_tensor(cells: pd.Series[Any], shape: Shape) -> Tensor:
    """Turn uint8 images into numbers from -1 (black) to 1 (white).

    Args:
        cells: Arrays of shape (height, width, channels).
        shape: What their shape must be.

    Returns:
        Shape (images, channels, height, width), float32.

    Raises:
        InputError: An image has another shape.
    """
    for position, cell in enumerate(cells):
        if cell.shape != shape:
            sizes = [f"{height} x {width} with {channels} channels" for height, width, channels in (cell.shape, shape)]
            raise InputError(
                f"column '{cells.name}': image {position + 1} is {sizes[0]}, expected {sizes[1]}; "
                "bring all images to one size"
            )
    pixels = np.stack(cells.to_list()) if len(cells) else np.zeros((0, *shape), dtype=np.uint8)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1).contiguous()


def to_cells(images: Tensor) -> npt.NDArray[Any]:
    """Turn numbers from -1 to 1 (beyond: clipped), shape (images, channels, height, width), into uint8 images."""
    levels = ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    cells = np.empty(len(images), dtype=object)
    cells[:] = [*levels.permute(0, 2, 3, 1).contiguous().numpy()]
    return cells


def split_rows(rows: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Part rows of an `ImageEncoder` into images and labels.

    Returns:
        Images, shape (rows, channels, height, width), and labels one-hot, shape (rows, width of the labels).
    """
    height, width, channels = shape
    images, labels = rows.tensor_split([height * width * channels], dim=1)
    return images.reshape(-1, channels, height, width), labels


class ImageEncoder:
    """Rows of an image's numbers, channel by channel, followed by its labels one-hot.

    One tensor holds both, so that a batch of rows is all that a training loop, a canary or an attack needs to know.

    Args:
        public_only: Whether to use public domains alone, as differential privacy needs.

    Attributes:
        shape_: Height, width and channels of every image.
        labels_: Encoder of the label columns; there may be none.

    Example:
        >>> from generators.datasets.payload import payload_frame
        >>> from generators.datasets.columns import Column
        >>> column = Column("image", "image", shape=(2, 3, 1))
        >>> frame = payload_frame(column, np.zeros((4, 2, 3, 1), dtype=np.uint8))
        >>> ImageEncoder().fit(frame, Schema((column,))).encode(frame).shape
        torch.Size([4, 6])
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self.public_only = public_only

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Learn the levels of labels; the size of images stands in the schema.

        Raises:
            InputError: The size of images is not known, or a label column cannot be used.
        """
        self.schema = schema
        column = payload_column(schema)
        if column.kind != "image":
            raise InputError(f"column '{column.name}' holds {column.kind}, expected images")
        if column.shape is None:
            raise InputError(f"column '{column.name}': the schema gives no shape: height, width and channels")
        self.name_, self.shape_ = column.name, column.shape
        self.labels_ = LabelEncoder(public_only=self.public_only).fit(frame, schema)
        return self

    def encode(self, frame: pd.DataFrame) -> Tensor:
        """Return rows, shape (records, channels * height * width + width of the labels), float32."""
        images = to_tensor(frame[self.name_], self.shape_).flatten(1)
        return torch.cat([images, torch.from_numpy(self.labels_.one_hot(frame))], dim=1)

    def decode(self, images: Tensor, codes: npt.NDArray[np.int64]) -> pd.DataFrame:
        """Make a canonical frame.

        Args:
            images: Shape (records, channels, height, width), from -1 to 1.
            codes: Codes of the labels, shape (records, label columns).
        """
        columns = {self.name_: pd.Series(to_cells(images), dtype=object), **self.labels_.decode(codes)}
        blank = pd.Series([""] * len(codes), dtype=object)
        return pd.DataFrame({name: columns.get(name, blank) for name in self.schema.names})

    def record(self, ledger: Ledger) -> None:
        """Write into the ledger what was learnt from the data, or was public."""
        height, width, channels = self.shape_
        ledger.add(
            "the size of images",
            "public",
            parameters={"height": height, "width": width, "channels": channels},
            public="the data holder, by training with this schema",
        )
        self.labels_.record(ledger)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state."""
        return {"public_only": self.public_only, "labels": self.labels_.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schema: Schema) -> Self:
        """Build a fitted encoder from `to_dict` state and the schema that it was fitted with."""
        encoder = cls(public_only=data["public_only"])
        column = payload_column(schema)
        if column.shape is None:
            raise InputError(f"column '{column.name}': the schema gives no shape")
        encoder.schema, encoder.name_, encoder.shape_ = schema, column.name, column.shape
        encoder.labels_ = LabelEncoder.from_dict(data["labels"])
        return encoder
