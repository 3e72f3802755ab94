"""What an embedding is: a named, fixed way from images, texts or recordings to rows of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generators import Column, InputError, Schema
from generators.datasets.payload import payload_column

Rows = NDArray[np.float32]
Cells = Sequence[Any]
Fitted = Callable[[Cells], Rows]


@dataclass(frozen=True)
class Embedding:
    """A way to turn the contents of records into numbers that lie close where contents are alike.

    Nothing is downloaded, and nothing is ever learnt from the records that an audit asks about: what has to be learnt,
    such as which words are common, is learnt from the reference.

    Attributes:
        name: How it is asked for.
        modality: `image`, `text` or `audio`.
        describes: What the numbers are, in words.
        source: Where it was published.
        fit: Makes the embedding from the reference's cells and the column that they stand in.
    """

    name: str
    modality: str
    describes: str
    source: str
    fit: Callable[[Cells, Column], Fitted]


EMBEDDINGS: dict[str, Embedding] = {}
"""Every embedding by name, in the order of their modules."""


def known(one: Embedding) -> Embedding:
    """Make an embedding known under its name."""
    if one.name in EMBEDDINGS:
        raise ValueError(f"two embeddings are called {one.name!r}")
    EMBEDDINGS[one.name] = one
    return one


def embeddings(modality: str) -> tuple[Embedding, ...]:
    """The embeddings of one modality."""
    return tuple(one for one in EMBEDDINGS.values() if one.modality == modality)


def embedder(name: str, schema: Schema, reference: pd.DataFrame) -> Callable[[pd.DataFrame], Rows]:
    """Fit an embedding on the reference, to place any records of the same schema.

    Args:
        name: Which embedding; see `embeddings`.
        schema: Has one column of images, texts or recordings.
        reference: Canonical frame of records that an attacker knows.

    Returns:
        A function from a canonical frame of n records to an array (n, d), float32, the same d for every frame.

    Raises:
        InputError: There is no such embedding, or the schema's content is of another kind.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("digits-images").split(seed=0)
        >>> place = embedder("gradients", data.schema, data.reference)
        >>> place(data.train).shape[0] == len(data.train)
        True
    """
    column = payload_column(schema)
    if name not in EMBEDDINGS or EMBEDDINGS[name].modality != column.kind:
        there = ", ".join(one.name for one in embeddings(column.kind))
        raise InputError(f"no embedding of {column.kind} records is called {name!r}; there are {there}")
    fitted = EMBEDDINGS[name].fit(list(reference[column.name]), column)
    return lambda frame: fitted(list(frame[column.name]))


def embed(name: str, schema: Schema, reference: pd.DataFrame, frame: pd.DataFrame) -> Rows:
    """Embed one frame; see `embedder`, which embeds several alike.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("digits-images").split(seed=0)
        >>> embed("pixels", data.schema, data.reference, data.train).shape[1]
        64
    """
    return embedder(name, schema, reference)(frame)
