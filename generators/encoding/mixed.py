"""Tables as codes and numbers: what is a category stays one, what is a quantity becomes a normal score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from generators.datasets.columns import Column
from generators.datasets.schema import Schema
from generators.encoding.blocks import BinBlock, Block
from generators.encoding.tabular import TabularEncoder
from generators.privacy.ledger import Ledger

Floats = npt.NDArray[np.float64]

_RECORDS_A_KNOT = 30
_MOST_KNOTS = 1000
_SMALLEST_SHARE = 1e-5
"""Shares are kept this far from 0 and 1, so that scores stay within 4.3 of 0."""

_EVEN = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))


class MixedEncoder:
    """Turns a canonical frame into codes for all columns and normal scores for those with a range, and back.

    A range's code says which of its frequent values a cell holds, that it is missing, or that it lies elsewhere; where
    it lies then is told by its score. Scores are standard normal over the training records: the share of records below
    the value, put through the inverse of the normal distribution function (a quantile transform). Where the code tells
    all, the score is 0.

    With `public_only` nothing is learnt from the data: frequent values and bounds come from the schema, and values
    are taken to be spread as its quantiles say, or else evenly between the bounds.

    Args:
        frequent: Largest number of frequent values of a range that get a category of their own.
        public_only: Whether to use public domains alone, as differential privacy needs.

    Example:
        >>> from generators.datasets.columns import Column
        >>> frame = pd.DataFrame({"x": np.arange(1.0, 10.0)})
        >>> encoder = MixedEncoder().fit(frame, Schema((Column("x", "integer", low=1, high=9),)))
        >>> codes, scores = encoder.encode(frame)
        >>> scores[4].tolist()
        [0.0]
        >>> encoder.decode(codes, scores)["x"].tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    """

    def __init__(self, frequent: int = 31, *, public_only: bool = False) -> None:
        self.frequent = frequent
        self.public_only = public_only

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Choose every column's categories and how its values are spread.

        Args:
            frame: Canonical training frame. With `public_only` it is only checked for undeclared values.
            schema: What the columns are.

        Raises:
            InputError: As `TabularEncoder.fit`.
        """
        table = TabularEncoder(self.frequent + 1, public_only=self.public_only).fit(frame, schema)
        self._take(table)
        self.spreads_: tuple[tuple[Floats, Floats], ...] = tuple(
            _declared_spread(block, schema[block.name])
            if self.public_only
            else _spread(_placed(block, frame[block.name])[1])
            for block in self.ranges_
        )
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each modelled column; 1 for a range without frequent or missing values."""
        return self.table_.sizes

    @property
    def scores(self) -> int:
        """Number of columns that have scores."""
        return len(self.ranges_)

    def encode(self, frame: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return codes of shape (rows, modelled columns), -1 if unknown, and scores of shape (rows, ranges)."""
        scores = np.zeros((len(frame), self.scores))
        for number, (block, (places, shares)) in enumerate(zip(self.ranges_, self.spreads_, strict=True)):
            elsewhere, parts = _placed(block, frame[block.name])
            share = np.interp(parts.mean(axis=1), places, shares).clip(_SMALLEST_SHARE, 1 - _SMALLEST_SHARE)
            scores[elsewhere, number] = ndtri(share)
        return self.table_.encode(frame), scores

    def decode(self, codes: npt.NDArray[np.int64], scores: Floats) -> pd.DataFrame:
        """Turn codes, none of them -1, and scores into a canonical frame."""
        within = np.zeros(codes.shape)
        chances = ndtr(scores)
        for number, (block, (places, shares)) in enumerate(zip(self.ranges_, self.spreads_, strict=True)):
            place = np.interp(chances[:, number], shares, places)
            within[:, self.table_.blocks_.index(block)] = place.clip(0, np.nextafter(1, 0))
        return self.table_.decode(codes, within)

    def record(self, ledger: Ledger) -> None:
        """Write into the ledger what was learnt from the data and what was public."""
        self.table_.record(ledger)
        if self.ranges_ and not self.public_only:
            names = [block.name for block in self.ranges_]
            ledger.add(f"quantiles of {', '.join(names)}", "none", parameters={"columns": names})

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state, without the schema."""
        spreads = [[places.tolist(), shares.tolist()] for places, shares in self.spreads_]
        return {"frequent": self.frequent, "table": self.table_.to_dict(), "spreads": spreads}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schema: Schema) -> Self:
        """Build a fitted encoder from `to_dict` state and the schema it was fitted with."""
        table = TabularEncoder.from_dict(data["table"], schema)
        encoder = cls(data["frequent"], public_only=table.public_only)
        encoder._take(table)
        encoder.spreads_ = tuple((np.array(places), np.array(shares)) for places, shares in data["spreads"])
        return encoder

    def _take(self, table: TabularEncoder) -> None:
        """Join each range's bins into one: where in it a value lies is told by the score, not by the code."""
        table.blocks_ = tuple(map(_joined, table.blocks_))
        self.table_ = table
        self.ranges_ = tuple(block for block in table.blocks_ if isinstance(block, BinBlock) and block.bins)


def _joined(block: Block) -> Block:
    if isinstance(block, BinBlock) and block.bins:
        return replace(block, edges=(block.edges[0], block.edges[-1]))
    return block


def _placed(block: BinBlock, cells: pd.Series[Any]) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return which cells lie in the block's bin, and from where to where in it, from 0 to 1; shape (those cells, 2)."""
    elsewhere = block.encode(cells) == len(block.atoms)
    return elsewhere, block.within(cells[elsewhere])


def _declared_spread(block: BinBlock, column: Column) -> tuple[Floats, Floats]:
    """Return places from 0 to 1, and the share of cells below each, as the column's quantiles tell; even without."""
    if not column.quantiles:
        return _EVEN
    known = np.array(column.quantiles)
    cells = pd.Series((known * 1e9).astype(np.int64).astype("datetime64[ns]") if block.moment else known)
    elsewhere, parts = _placed(block, cells)
    places, shares = parts[:, 0], np.linspace(0, 1, len(known))[elsewhere]
    places, last = np.unique(places[::-1], return_index=True)  # of equal places the last, where the share is largest
    shares = shares[::-1][last]
    inside = (places > 0) & (places < 1)
    return np.array([0.0, *places[inside], 1.0]), np.array([0.0, *shares[inside], 1.0])


def _spread(parts: Floats) -> tuple[Floats, Floats]:
    """Return places from 0 to 1, ascending, and the share of cells that lie below each.

    Places are where cells start, so that a point of a grid is never cut in two.
    """
    knots = int(np.clip(len(parts) // _RECORDS_A_KNOT, 10, _MOST_KNOTS))
    starts = np.quantile(parts[:, 0], np.linspace(0, 1, knots + 1), method="lower")
    places = np.unique([0.0, *starts, 1.0])
    shares = np.searchsorted(np.sort(parts.mean(axis=1)), places) / len(parts)
    return places, np.append(shares[:-1], 1.0)
