"""Sequences of tokens of any length as training rows of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PAD = -1
"""Stands where a row has no token left; it is neither read nor predicted."""

Tokens = npt.NDArray[np.int64]


def one_row_each(sequences: Sequence[Tokens], length: int) -> Tokens:
    """Put every sequence into a row of its own, cut or padded: rows that are records, as a privacy unit needs.

    Args:
        sequences: Tokens of each record.
        length: Tokens of a row.

    Returns:
        Shape (sequences, length).
    """
    rows = np.full((len(sequences), length), PAD, dtype=np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return rows


def windows(sequences: Sequence[Tokens], length: int) -> Tokens:
    """Lay all sequences end to end and cut the stream into windows, so that each is read after those before it.

    A window begins where the one before ends, or at the last beginning of a sequence in that one's second half: models
    must know how a record starts from nothing, which is how they are asked for one. So windows overlap by less than
    half. The last token of a window stands in the next one too: there it is read, here it is predicted.

    Args:
        sequences: Tokens of each record.
        length: Tokens of a row, at least 2.

    Returns:
        Shape (windows, length).
    """
    stream = np.concatenate(sequences)
    beginnings = np.cumsum([0, *(len(one) for one in sequences)])
    starts = [0]
    while starts[-1] + length < len(stream):
        low, high = starts[-1] + length // 2, starts[-1] + length - 1
        inside = np.searchsorted(beginnings, [low, high], side="right")
        starts.append(int(beginnings[inside[1] - 1]) if inside[1] > inside[0] else high)
    padded = np.concatenate([stream, np.full(length, PAD, dtype=np.int64)])
    return np.stack([padded[start : start + length] for start in starts])
