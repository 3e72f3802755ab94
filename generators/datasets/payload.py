"""Records whose content is one large cell: an image, a text or a recording, with labels in ordinary columns beside it.

Canonical cells: an image is a uint8 array of shape (height, width, channels), channels 1 or 3; a recording a float32
array of shape (samples,) in [-1, 1]; a text a Python string. Sizes and sample rates stand in the column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.columns import PAYLOAD_KINDS, Column
from generators.datasets.schema import Schema
from generators.errors import InputError


@dataclass(frozen=True)
class Payload:
    """What a file or folder of images, texts or recordings holds, before its labels get a schema.

    Attributes:
        column: The payload's column: its kind and size or rate.
        cells: One canonical cell a record.
        labels: Text by label column, one a record each; '' where there is none.
        notes: What a user should know about how it was read, one sentence each.
    """

    column: Column
    cells: Sequence[Any]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def payload_column(schema: Schema) -> Column:
    """Return the column that holds the content of image, text or audio records.

    Raises:
        InputError: There is none, or more than one.
    """
    found = [column for column in schema.columns if column.kind in PAYLOAD_KINDS]
    if len(found) != 1:
        raise InputError(f"expected one column of images, texts or recordings, found {len(found)}")
    return found[0]


def payload_frame(
    column: Column, cells: Sequence[Any] | npt.NDArray[Any], labels: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Make a canonical frame of payload cells and labels.

    Args:
        column: The payload column.
        cells: One array or string a record.
        labels: Text labels by column, one a record each.
    """
    content = np.empty(len(cells), dtype=object)
    content[:] = list(cells) if not isinstance(cells, np.ndarray) or cells.dtype == object else [*cells]
    columns = {column.name: pd.Series(content, dtype=object)}
    for name, values in (labels or {}).items():
        columns[name] = pd.Series([str(value) for value in values], dtype=object)
    return pd.DataFrame(columns)


def payload_schema(column: Column, labels: Mapping[str, Sequence[str]] | None = None) -> Schema:
    """Make the schema of `payload_frame`: the payload, and a categorical column for each label; the first is target."""
    known = {
        name: Column(name, "categorical", levels=tuple(sorted({str(v) for v in values})))
        for name, values in (labels or {}).items()
    }
    return Schema((column, *known.values()), target=next(iter(known), None))


def cell_bytes(cell: Any) -> bytes:
    """Return a payload cell's content, shape included, as bytes that differ if the cells differ."""
    if isinstance(cell, np.ndarray):
        return f"{cell.dtype.str}{cell.shape}".encode() + np.ascontiguousarray(cell).tobytes()
    return str(cell).encode()
