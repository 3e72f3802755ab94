"""What the columns of a table are: their kinds, domains and who declared those public."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import yaml

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


@dataclass(frozen=True)
class Schema:
    """The columns of a table, its privacy unit and its target.

    Attributes:
        columns: One `Column` each, in the table's order.
        unit: The column that names the person a record belongs to; None if every record is its own person.
        target: The column that models on this table usually predict; None if there is none.

    Example:
        >>> frame = pd.DataFrame({"age": [str(20 + i % 25) for i in range(40)], "sex": ["f", "m"] * 20})
        >>> [column.kind for column in Schema.infer(frame).columns]
        ['integer', 'categorical']
    """

    columns: tuple[Column, ...]
    unit: str | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        """Check that names are unique and that unit and target are columns."""
        if len(set(self.names)) != len(self.names):
            raise InputError("schema: a column name is used twice")
        for role, name in (("unit", self.unit), ("target", self.target)):
            if name is not None and name not in self.names:
                raise InputError(f"{role} column '{name}' is not in the table, which has {', '.join(self.names)}")

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(f"column '{name}' is not in the table, which has {', '.join(self.names)}")

    def __str__(self) -> str:
        header = ("column", "kind", "domain", "missing", "domain public by")
        rows = [
            header,
            *((c.name, c.kind, _domain_text(c), "yes" if c.missing else "", c.public or "") for c in self.columns),
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        roles = [f"{role}: {name}" for role, name in (("unit", self.unit), ("target", self.target)) if name]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *roles])

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def modelled(self) -> tuple[Column, ...]:
        """The columns that carry values to model: all but identifiers and free text."""
        return tuple(column for column in self.columns if column.is_modelled)

    @classmethod
    def infer(
        cls,
        frame: pd.DataFrame,
        *,
        unit: str | None = None,
        target: str | None = None,
        declared: Mapping[str, Any] | None = None,
    ) -> Schema:
        """Guess what the columns of a table of strings are.

        Args:
            frame: Cells as `read_table` returns them: strings, '' where nothing stood.
            unit: Column that names the person; it becomes an identifier.
            target: Column to predict.
            declared: What is known already, as in a schema file: {"columns": {name: {field: value}}}. It wins over
                every guess, and what it leaves out is guessed.

        Returns:
            A schema whose domains are learnt from the frame, except where `declared` states them.
        """
        from generators.datasets.inference import infer_schema  # it builds Schemas, so it imports this module

        return infer_schema(frame, unit=unit, target=target, declared=declared)

    def coerce(self, frame: pd.DataFrame, source: str) -> pd.DataFrame:
        """Turn a table of strings into canonical cells; see `generators.datasets.coercion`."""
        from generators.datasets.coercion import coerce

        return coerce(self, frame, source)

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Turn canonical cells into presentable ones (whole numbers as Int64); the inverse of `coerce`."""
        from generators.datasets.coercion import restore

        return restore(self, frame)

    def learnt_from(self, frame: pd.DataFrame) -> Schema:
        """Return this schema with every domain that is not public learnt anew from a canonical frame.

        A generator keeps this one: its saved files then tell nothing about records that it was not trained on.
        """
        from generators.datasets.inference import learn_domain

        return replace(
            self,
            columns=tuple(c if c.domain_is_known else learn_domain(c, frame[c.name]) for c in self.columns),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON-ready data; `from_dict` reads it back."""
        roles = {"unit": self.unit, "target": self.target}
        return {
            **{key: value for key, value in roles.items() if value is not None},
            "columns": {column.name: column.to_dict() for column in self.columns},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "schema", saved: bool = False) -> Schema:
        """Build a whole schema from plain data; every column needs its kind.

        Args:
            data: See `to_dict`.
            source: Where it comes from, for messages.
            saved: Whether it was saved with a model, whose ledger says what was `paid` for.

        Raises:
            InputError: A field is unknown or of the wrong type, or a kind is missing.
        """
        declared = checked_declaration(data, source, saved=saved)
        columns = []
        for name, given in declared.get("columns", {}).items():
            if "kind" not in given:
                raise InputError(f"{source}: column '{name}' has no kind, choose one of {', '.join(KINDS)}")
            columns.append(Column(name=name, **given))
        return cls(tuple(columns), declared.get("unit"), declared.get("target"))

    def to_yaml(self, path: str | Path) -> None:
        """Write the schema as a file that people can edit."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def from_yaml(cls, path: str | Path, *, frame: pd.DataFrame | None = None) -> Schema:
        """Read a schema file.

        Args:
            path: A YAML file with `columns` (name -> fields), and optionally `unit` and `target`.
            frame: Table of strings from which to infer whatever the file leaves out. Without it, the file must be
                complete.

        Raises:
            InputError: The file cannot be read or does not describe a schema.
        """
        declared = read_declaration(path)
        if frame is None:
            return cls.from_dict(declared, source=str(path))
        return cls.infer(frame, declared=declared)


def read_declaration(path: str | Path) -> dict[str, Any]:
    """Read a schema file as a declaration for `Schema.infer`."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as a YAML schema: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: a schema file is a mapping with 'columns', and optionally 'unit' and 'target'")
    return checked_declaration(data, str(path))


def checked_declaration(data: Mapping[str, Any], source: str, *, saved: bool = False) -> dict[str, Any]:
    """Check the shape of a schema given as plain data and bring its values to the types of `Column`.

    Whoever declares a column public must state its kind in the same breath, and its domain, unless that is to be paid
    for: what inference would fill in comes from the data, and calling it public would void a privacy guarantee. That
    something was paid for only a schema `saved` with a model can say, beside its ledger.
    """
    unknown = set(data) - {"columns", "unit", "target"}
    if unknown:
        raise InputError(f"{source}: unknown key '{sorted(unknown)[0]}', expected columns, unit or target")
    entries = data.get("columns") or {}
    if not isinstance(entries, Mapping):
        raise InputError(f"{source}: 'columns' maps each column's name to its fields")
    columns: dict[str, dict[str, Any]] = {}
    for name, entry in entries.items():
        given = {"kind": entry} if isinstance(entry, str) else dict(entry or {})
        columns[str(name)] = _checked_column(given, f"{source}: column '{name}'")
        if given.get("paid") and not saved:
            raise InputError(
                f"{source}: column '{name}' says paid: true, which only a model's own schema can say, beside its "
                "ledger; declare the domain public, or leave it out and pay for it"
            )
    roles = {role: str(data[role]) for role in ("unit", "target") if data.get(role) is not None}
    return {**roles, "columns": columns}


def _checked_column(given: dict[str, Any], where: str) -> dict[str, Any]:
    unknown = set(given) - {field.name for field in fields(Column)} | ({"name"} & set(given))
    if unknown:
        raise InputError(f"{where}: unknown field '{sorted(unknown)[0]}'")
    for bound in ("low", "high"):
        if given.get(bound) is not None:
            given[bound] = _bound(given[bound], f"{where}: {bound}")
    for flag in ("missing", "constant", "paid"):
        if not isinstance(given.get(flag, False), bool):
            raise InputError(f"{where}: {flag} is true or false")
    if given.get("levels") is not None:
        given["levels"] = _levels(given["levels"], given.get("kind"), where)
    for numbers in ("frequent", "quantiles", "shares"):
        if numbers in given:
            if not isinstance(given[numbers], list | tuple):
                raise InputError(f"{where}: {numbers} is a list of values")
            given[numbers] = tuple(_bound(value, f"{where}: {numbers}") for value in given[numbers])
    given["missing_codes"] = tuple(str(code) for code in given.get("missing_codes", ()))
    if given.get("public") is not None:
        given["public"] = str(given["public"])
        if "kind" not in given:
            raise InputError(f"{where}: public needs the kind beside it, which would else be guessed from the records")
        if given["kind"] == "boolean" and given.get("levels") is None:
            given["levels"] = ("false", "true")  # else spelt as the first record spells them
    if given.get("shape") is not None:
        sides = given["shape"]
        if not isinstance(sides, list | tuple) or len(sides) != 3 or not all(map(_is_count, sides)):
            raise InputError(f"{where}: shape is three whole numbers: height, width and channels")
        given["shape"] = tuple(sides)
    if given.get("rate") is not None and (not _is_count(given["rate"]) or given["rate"] > MOST_HERTZ):
        raise InputError(f"{where}: rate is a whole number of samples a second, from 1 to {MOST_HERTZ:,}")
    if not given["missing_codes"]:
        del given["missing_codes"]
    return given


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _bound(value: Any, where: str) -> float:
    if isinstance(value, str | date):
        try:
            moment = value if isinstance(value, date) else datetime.fromisoformat(value)
        except ValueError as error:
            raise InputError(f"{where} is '{value}', expected a number or an ISO date") from error
        return float(pd.Timestamp(moment).timestamp())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where} is '{value}', expected a number or an ISO date")
    return float(value)


def _levels(values: Any, kind: str | None, where: str) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise InputError(f"{where}: levels is a list")
    if any(isinstance(value, bool) for value in values):
        raise InputError(f"{where}: put yes, no, true and false in quotes, YAML reads them as truth values")
    if kind != "ordinal":
        return tuple(str(value) for value in values)
    try:
        return tuple(sorted(float(value) for value in values))
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: levels of an ordinal column are numbers") from error


def _domain_text(column: Column) -> str:
    if column.levels is not None:
        shown = [f"{level:g}" if isinstance(level, float) else level for level in column.levels[:6]]
        return ", ".join(shown) + (f", ... ({len(column.levels)} levels)" if len(column.levels) > 6 else "")
    if column.low is None or column.high is None:
        return ""
    if column.kind == "datetime":
        low, high = (pd.Timestamp(bound, unit="s").isoformat() for bound in (column.low, column.high))
        return f"{low} to {high}"
    return f"{column.low:g} to {column.high:g}"
