"""Tables as integer codes, one block of categories a column, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.columns import LEVEL_KINDS, NUMBER_KINDS, Column
from generators.datasets.schema import Schema
from generators.encoding.blocks import BinBlock, Block, LevelBlock, block_from_dict, present_values
from generators.errors import InputError
from generators.privacy.ledger import Ledger


class TabularEncoder:
    """Turns each column of a canonical frame into categories, and categories into cells.

    Levels stand for themselves. Ranges become up to `bins` categories: values that many records share get one of their
    own (so that zero-inflated columns stay so), the others quantile bins. Decoding draws evenly within a bin, so that
    no single training value is repeated except those shared ones and the edges. Identifiers are not encoded; decoding
    numbers records afresh.

    With `public_only`, nothing is learnt from the data: levels and bounds come from the schema, bins have equal width.

    Args:
        bins: Largest number of categories of a range, at least 2.
        public_only: Whether to use public domains alone, as differential privacy needs.

    Example:
        >>> schema = Schema((Column("x", "integer", low=0, high=9),))
        >>> frame = pd.DataFrame({"x": np.arange(10.0).repeat(20)})
        >>> codes = TabularEncoder(bins=4).fit(frame, schema).encode(frame)
        >>> codes.shape
        (200, 1)
    """

    def __init__(self, bins: int = 32, *, public_only: bool = False) -> None:
        if bins < 2:
            raise InputError(f"bins is {bins}, expected at least 2")
        self.bins = bins
        self.public_only = public_only

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Choose every column's categories.

        Args:
            frame: Canonical training frame. With `public_only` it is only checked for undeclared values.
            schema: What the columns are.

        Raises:
            InputError: A column holds free text, nothing can be modelled, or, with `public_only`, a column's domain is
                not public or a record lies outside it.
        """
        for column in schema.columns:
            if column.kind == "text":
                raise InputError(
                    f"column '{column.name}' holds free text, which tabular generators cannot model; drop it, "
                    "or declare it categorical in a schema file"
                )
        if not schema.modelled:
            raise InputError("the table has no column to model: all are identifiers")
        self.schema_ = schema
        make = self._public_block if self.public_only else self._learnt_block
        self.blocks_: tuple[Block, ...] = tuple(make(column, frame[column.name]) for column in schema.modelled)
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each modelled column."""
        return tuple(block.size for block in self.blocks_)

    @property
    def width(self) -> int:
        """Length of a record's one-hot encoding."""
        return sum(self.sizes)

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return codes of shape (rows, modelled columns); -1 for levels that the encoder does not know."""
        return np.stack([block.encode(frame[block.name]) for block in self.blocks_], axis=1)

    def within(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the part of [0, 1] that `decode` turns into each cell, given its code.

        Returns:
            Shape (rows, modelled columns, 2), start and stop: an n-th for one of n values of a category, twice the same
            number for a real one, and all of [0, 1] for cells that are alone in their category, or missing, or unknown.
        """
        return np.stack([block.within(frame[block.name]) for block in self.blocks_], axis=1)

    def log_spread(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return how likely `decode` is to turn each code back into the very cell that it stands for.

        Returns:
            Shape (rows, modelled columns): the log-probability, or for a real number the log-density in the column's
            units; 0 for unknown levels.
        """
        spread = np.empty((len(frame), len(self.blocks_)))
        for place, block in enumerate(self.blocks_):
            cells = frame[block.name]
            chance = np.diff(block.within(cells), axis=1)[:, 0]  # 0 for real numbers, which have a density instead
            np.divide(1.0, block.widths[block.encode(cells)], out=chance, where=chance == 0)
            spread[:, place] = np.log(chance)
        return spread

    def one_hot(self, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the one-hot encoding, shape (rows, width); all zeros in the block of an unknown level."""
        rows, columns = np.nonzero(codes >= 0)
        offsets = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        dense = np.zeros((len(codes), self.width), dtype=np.float32)
        dense[rows, offsets[columns] + codes[rows, columns]] = 1.0
        return dense

    def decode(self, codes: npt.NDArray[np.int64], uniform: npt.NDArray[np.float64]) -> pd.DataFrame:
        """Turn codes into a canonical frame.

        Args:
            codes: Shape (rows, modelled columns), none of them -1.
            uniform: Random numbers in [0, 1), same shape: where in its bin each value lies.
        """
        cells: dict[str, pd.Series[Any]] = {}
        for position, block in enumerate(self.blocks_):
            values = block.decode(codes[:, position], uniform[:, position])
            # A column of which train shows no value has no levels to tell its type by; the schema can.
            kind = self.schema_[block.name].kind
            dtype = "datetime64[ns]" if kind == "datetime" else np.float64 if kind in NUMBER_KINDS else object
            cells[block.name] = pd.Series(values, dtype=dtype)
        serial = pd.Series([str(number) for number in range(1, len(codes) + 1)], dtype=object)
        return pd.DataFrame({name: cells.get(name, serial) for name in self.schema_.names})

    def record(self, ledger: Ledger) -> None:
        """Write into the ledger what was learnt from the data and what was public."""
        modelled = self.schema_.modelled
        if not self.public_only:
            ledger.add(
                f"levels, bin edges, frequent values and missingness of {len(modelled)} columns",
                "none",
                parameters={"columns": [column.name for column in modelled], "bins": self.bins},
                note="learnt from the training records without protection",
            )
            return
        free = [column for column in modelled if not column.paid]
        for who in dict.fromkeys(column.public for column in free):
            names = [column.name for column in free if column.public == who]
            listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            ledger.add(
                f"levels, bounds and missingness of {listed}", "public", parameters={"columns": names}, public=who
            )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state, without the schema."""
        blocks = [block.to_dict() for block in self.blocks_]
        return {"bins": self.bins, "public_only": self.public_only, "blocks": blocks}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schema: Schema) -> Self:
        """Build a fitted encoder from `to_dict` state and the schema it was fitted with."""
        encoder = cls(data["bins"], public_only=data["public_only"])
        encoder.schema_ = schema
        encoder.blocks_ = tuple(block_from_dict(block) for block in data["blocks"])
        if [block.name for block in encoder.blocks_] != [column.name for column in schema.modelled]:
            raise ValueError("encoder state and schema name different columns")
        return encoder

    def _learnt_block(self, column: Column, cells: pd.Series[Any]) -> Block:
        present = cells.dropna()
        missing = len(present) < len(cells)
        if column.kind in LEVEL_KINDS or present.empty:
            return LevelBlock(column.name, tuple(sorted(present.unique().tolist())), missing)
        moment = column.kind == "datetime"
        values = present_values(cells, moment=moment)
        return BinBlock.learn(column.name, values, self.bins, missing=missing, moment=moment)

    def _public_block(self, column: Column, cells: pd.Series[Any]) -> Block:
        if not column.domain_is_known:
            need = "levels" if column.kind in LEVEL_KINDS else "low/high"
            raise InputError(
                f"column '{column.name}': private training needs a public domain; declare {need} and public: WHO for "
                "it in a schema file, or pay for it with a share of the budget (preprocessing)"
            )
        block = _declared_block(column, self.bins)
        if np.any(block.encode(cells) < 0):
            row = int(np.flatnonzero(block.encode(cells) < 0)[0]) + 1
            raise InputError(
                f"column '{column.name}': row {row} lies outside the domain declared public by {column.public}; "
                "add its value (or missing: true) to the schema file, or remove the row"
            )
        return block


def _declared_block(column: Column, bins: int) -> Block:
    if column.levels is not None and column.kind in LEVEL_KINDS:
        return LevelBlock(column.name, column.levels, column.missing)
    if column.low is None or column.high is None:
        raise InputError(f"column '{column.name}': low and high are not both declared")
    return BinBlock.declared(
        column.name,
        column.low,
        column.high,
        bins,
        kind=column.kind,
        missing=column.missing,
        frequent=column.frequent,
        quantiles=column.quantiles,
    )
