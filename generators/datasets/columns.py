"""What one column of a table is: its kind, its domain, and who declared that public."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import pandas as pd

from generators.errors import InputError

Kind = Literal[
    "numeric", "integer", "categorical", "ordinal", "boolean", "datetime", "identifier", "text", "image", "audio"
]
KINDS: tuple[str, ...] = get_args(Kind)
NUMBER_KINDS = frozenset({"numeric", "integer", "ordinal"})
LEVEL_KINDS = frozenset({"categorical", "ordinal", "boolean"})
RANGE_KINDS = frozenset({"numeric", "integer", "datetime"})
PAYLOAD_KINDS = frozenset({"text", "image", "audio"})
FREE_KINDS = PAYLOAD_KINDS | {"identifier"}
MOST_HERTZ = 1_000_000
"""No recorder takes more samples a second; resampling at such a rate would need more memory than there is."""


@dataclass(frozen=True)
class Column:
    """One column: what its cells mean and which values they may take.

    Attributes:
        name: The column's name in the header.
        kind: `numeric` (real numbers), `integer` (whole numbers), `ordinal` (few ordered numbers), `categorical`,
            `boolean`, `datetime`, `identifier` (names a record or a person, carries nothing to model), `text`, `image`,
            `audio` (the last three: see `generators.datasets.payload`).
        low: Smallest value of a numeric, integer or datetime column (datetimes: seconds since 1970, UTC).
        high: Largest value, same units.
        levels: The values of a categorical column; of a boolean one, the word for false, then the word for true; of an
            ordinal one, its numbers in order.
        frequent: Single values of a numeric or integer column that are known to be common, such as 0 for "none"; under
            a budget each has a category of its own beside the bins.
        quantiles: Values at even shares of a numeric, integer or datetime column's cells, `frequent` ones left aside,
            smallest first; under a budget they place the bins.
        shares: How often each level occurs, and last, where cells may be missing, how often none does; sums to 1. Under
            a budget, labels are drawn so.
        missing: Whether cells may be missing.
        missing_codes: Further tokens that mean "missing" in this column, beside the usual ones.
        constant: Whether all cells are equal.
        shape: Height, width and channels of an image column.
        rate: Samples per second of an audio column.
        public: Who declared the kind, and the domain (`low`, `high`, `levels`, `missing`, `frequent`, `quantiles`,
            `shares`) as far as it is given, public knowledge; None if all that was learnt from the data. Training under
            differential privacy uses public domains, and what it pays for.
        paid: Whether the domain was learnt under differential privacy and paid for.
    """

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] | tuple[float, ...] | None = None
    frequent: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    missing: bool = False
    missing_codes: tuple[str, ...] = ()
    constant: bool = False
    shape: tuple[int, int, int] | None = None
    rate: int | None = None
    public: str | None = None
    paid: bool = False

    def __post_init__(self) -> None:
        """Refuse contradictions early, where the column can still be named."""
        where = f"schema column '{self.name}'"
        if self.kind not in KINDS:
            raise InputError(f"{where}: unknown kind '{self.kind}', choose one of {', '.join(KINDS)}")
        for bound in (self.low, self.high):
            if bound is not None and not math.isfinite(bound):
                raise InputError(f"{where}: low and high must be finite numbers")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(f"{where}: low {self.low:g} is above high {self.high:g}")
        if self.levels is not None and len(set(self.levels)) != len(self.levels):
            raise InputError(f"{where}: levels repeat a value")
        if self.frequent and (self.kind not in RANGE_KINDS or not all(map(self._within, self.frequent))):
            raise InputError(f"{where}: frequent values belong to a column with a range, and lie within low and high")
        if list(self.quantiles) != sorted(self.quantiles):
            raise InputError(f"{where}: quantiles are not in ascending order")
        if self.shares and (
            self.levels is None
            or len(self.shares) != len(self.levels) + self.missing
            or min(self.shares) < 0
            or not math.isclose(sum(self.shares), 1, abs_tol=1e-6)
        ):
            raise InputError(f"{where}: shares are one number a level (and one for missing cells), and sum to 1")
        if self.kind == "boolean" and self.levels is not None and len(self.levels) != 2:
            raise InputError(f"{where}: a boolean column has two levels, [the word for false, the word for true]")

    def _within(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def is_number(self) -> bool:
        """Whether canonical cells are float64."""
        return self.kind in NUMBER_KINDS

    @property
    def is_modelled(self) -> bool:
        """Whether the column carries values to model as a cell of a table; identifiers, texts, images do not."""
        return self.kind not in FREE_KINDS

    @property
    def domain_is_known(self) -> bool:
        """Whether the whole domain was declared public, or paid for, so that training need not look at the data."""
        if self.public is None:
            return False
        return self.levels is not None if self.kind in LEVEL_KINDS else None not in (self.low, self.high)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, without the name."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("name", "kind")}
        kept = {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
        return {
            "kind": self.kind,
            **{key: value for key, value in kept.items() if value is not None and value is not False and value != []},
        }

    @property
    def domain_in_words(self) -> str:
        """The levels or the range, as a person reads it; empty where nothing is known."""
        if self.levels is not None:
            shown = [f"{level:g}" if isinstance(level, float) else level for level in self.levels[:6]]
            return ", ".join(shown) + (f", ... ({len(self.levels)} levels)" if len(self.levels) > 6 else "")
        if self.low is None or self.high is None:
            return ""
        if self.kind == "datetime":
            low, high = (pd.Timestamp(bound, unit="s").isoformat() for bound in (self.low, self.high))
            return f"{low} to {high}"
        return f"{self.low:g} to {self.high:g}"
