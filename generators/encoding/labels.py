"""The labels beside an image, a text or a recording, as one-hot vectors, and drawn as they occur together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from generators.datasets.columns import LEVEL_KINDS
from generators.datasets.schema import Schema
from generators.encoding.blocks import UNSEEN, LevelBlock
from generators.errors import InputError
from generators.privacy.ledger import Ledger

_MOST_COMBINATIONS = 100_000


class LabelEncoder:
    """Codes for the label columns of image, text and audio records; there may be none.

    Sampling needs labels too: they are drawn in the combinations that train shows, as often as it shows them. With
    `public_only` nothing is learnt: levels come from the schema, and combinations are as likely as the shares of their
    levels there make them, or equally likely.

    Args:
        public_only: Whether to use public domains alone, as differential privacy needs.

    Example:
        >>> from generators.datasets.columns import Column
        >>> frame = pd.DataFrame({"digit": pd.Series(["0", "1", "1"], dtype=object)})
        >>> schema = Schema((Column("digit", "categorical", levels=("0", "1")),))
        >>> LabelEncoder().fit(frame, schema).one_hot(frame).tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self.public_only = public_only

    def fit(self, frame: pd.DataFrame, schema: Schema) -> Self:
        """Learn levels and how often they occur together.

        Raises:
            InputError: A label column is no category, or, with `public_only`, its levels are not public or do not
                cover the frame.
        """
        blocks = []
        for column in schema.modelled:
            if column.kind not in LEVEL_KINDS:
                raise InputError(f"label column '{column.name}' is {column.kind}; labels are categories")
            if self.public_only and not column.domain_is_known:
                raise InputError(
                    f"column '{column.name}': private training needs a public domain; declare levels and public: WHO "
                    "for it in a schema file, or pay for it with a share of the budget (preprocessing)"
                )
            shown = tuple(sorted(frame[column.name].dropna().unique().tolist()))
            levels = (column.levels or ()) if self.public_only else shown
            missing = column.missing if self.public_only else bool(frame[column.name].isna().any())
            blocks.append(LevelBlock(column.name, levels, missing))
        self.blocks_: tuple[LevelBlock, ...] = tuple(blocks)
        self.declared_by_ = tuple(None if column.paid else column.public for column in schema.modelled)
        codes = self.encode(frame)
        if self.public_only:
            if np.any(codes == UNSEEN):
                row, place = (int(found[0]) for found in np.nonzero(codes == UNSEEN))
                raise InputError(
                    f"column '{blocks[place].name}': row {row + 1} lies outside the domain declared public"
                )
            if math.prod(block.size for block in blocks) > _MOST_COMBINATIONS:
                raise InputError("the label columns have too many combinations to draw from; drop some")
            self.combinations_ = np.array(list(product(*(range(block.size) for block in blocks))), dtype=np.int64)
            even = [np.full(block.size, 1 / block.size) for block in blocks]
            shares = [np.array(c.shares) if c.shares else e for c, e in zip(schema.modelled, even, strict=True)]
            self.weights_ = np.ones(len(self.combinations_))
            for place, share in enumerate(shares):
                self.weights_ *= share[self.combinations_[:, place]]
        else:
            self.combinations_, counts = np.unique(codes, axis=0, return_counts=True)
            self.weights_ = counts / counts.sum()
        return self

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each label column."""
        return tuple(block.size for block in self.blocks_)

    @property
    def width(self) -> int:
        """Length of the one-hot encoding; 0 without labels."""
        return sum(self.sizes)

    def encode(self, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return codes, shape (records, label columns); -1 for levels that train did not show."""
        if not self.blocks_:
            return np.zeros((len(frame), 0), dtype=np.int64)
        return np.stack([block.encode(frame[block.name]) for block in self.blocks_], axis=1)

    def one_hot(self, frame_or_codes: pd.DataFrame | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the one-hot encoding, shape (records, width); zeros for an unknown level."""
        codes = self.encode(frame_or_codes) if isinstance(frame_or_codes, pd.DataFrame) else frame_or_codes
        parts = [np.eye(size + 1, dtype=np.float32)[:, :size][codes[:, place]] for place, size in enumerate(self.sizes)]
        return np.concatenate([np.zeros((len(codes), 0), dtype=np.float32), *parts], axis=1)

    def codes_of(self, one_hot: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the codes of one-hot labels, or of numbers near them: the place of each column's largest number.

        Args:
            one_hot: Shape (records, width).

        Returns:
            Shape (records, label columns).
        """
        parts = np.split(one_hot, np.cumsum(self.sizes)[:-1], axis=1) if self.blocks_ else []
        codes = [part.argmax(axis=1) for part in parts]
        return np.stack(codes, axis=1) if codes else np.zeros((len(one_hot), 0), dtype=np.int64)

    def parted(self, latents: npt.NDArray[Any], length: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Part latent points from the labels that stand behind them.

        Args:
            latents: Shape (records, length + width).
            length: How many numbers make a point.

        Returns:
            Points, shape (records, length), and label codes, shape (records, label columns).

        Raises:
            InputError: The latents have another shape.
        """
        whole = length + self.width
        if latents.ndim != 2 or latents.shape[1] != whole:
            raise InputError(f"latents have shape {latents.shape}, expected (records, {whole}): a point, then labels")
        return latents[:, :length], self.codes_of(latents[:, length:])

    def draw(
        self,
        n: int,
        generator: torch.Generator,
        conditions: Mapping[str, Any],
        weights: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Draw labels for n records.

        Args:
            n: How many.
            generator: Where the randomness comes from.
            conditions: {column: canonical value}; these columns have these values. The others are drawn as they occur
                together with them, or, where train shows no such record, as they occur at all.
            weights: How often each combination occurs, if a model knows better, shape (combinations,).

        Returns:
            Codes, shape (n, label columns).

        Raises:
            InputError: Train shows no record with one of the values at all.
        """
        fixed = {
            place: int(block.encode(pd.Series([conditions[block.name]], dtype=object))[0])
            for place, block in enumerate(self.blocks_)
            if block.name in conditions
        }
        for place, code in fixed.items():
            if code == UNSEEN:
                name = self.blocks_[place].name
                raise InputError(f"condition {name}={conditions[name]}: train has no such record, so none can be made")
        fits = np.ones(len(self.combinations_), dtype=bool)
        for place, code in fixed.items():
            fits &= self.combinations_[:, place] == code
        pool = np.flatnonzero(fits) if fits.any() else np.arange(len(fits))
        likely = torch.from_numpy((self.weights_ if weights is None else weights)[pool])
        # Noise may have hidden that there are any: then nothing is known of how often each occurs.
        likely = likely if likely.sum() > 0 else torch.ones_like(likely)
        chosen = torch.multinomial(likely, n, replacement=True, generator=generator).numpy()
        codes: npt.NDArray[np.int64] = self.combinations_[pool[chosen]].copy()
        for place, code in fixed.items():
            codes[:, place] = code
        return codes

    def decode(self, codes: npt.NDArray[np.int64]) -> dict[str, pd.Series[Any]]:
        """Turn codes into canonical columns by name."""
        blank = np.zeros(len(codes))
        cells = {block.name: block.decode(codes[:, place], blank) for place, block in enumerate(self.blocks_)}
        return {name: pd.Series(values, dtype=values.dtype) for name, values in cells.items()}

    def record(self, ledger: Ledger) -> None:
        """Write into the ledger what was learnt from the data, or was public."""
        names = [block.name for block in self.blocks_]
        if not self.public_only:
            if names:
                ledger.add(f"levels of {', '.join(names)}, and how often they occur together", "none")
            return
        for name, who in zip(names, self.declared_by_, strict=True):
            if who is None:
                continue  # paid for, and written down then
            ledger.add(f"levels of {name}", "public", parameters={"columns": [name]}, public=who)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state."""
        return {
            "public_only": self.public_only,
            "blocks": [[block.name, list(block.levels), block.missing] for block in self.blocks_],
            "combinations": self.combinations_.tolist(),
            "weights": self.weights_.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a fitted encoder from `to_dict` state."""
        encoder = cls(public_only=data["public_only"])
        encoder.blocks_ = tuple(LevelBlock(name, tuple(levels), missing) for name, levels, missing in data["blocks"])
        rows = len(data["combinations"])
        encoder.combinations_ = np.array(data["combinations"], dtype=np.int64).reshape(rows, len(encoder.blocks_))
        encoder.weights_ = np.array(data["weights"])
        return encoder
