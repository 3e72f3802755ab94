"""The columns of a table together: what each is, whom a record belongs to, what is usually predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from generators.datasets.coercion import coerce, restore
from generators.datasets.columns import KINDS, Column
from generators.datasets.declaration import checked_declaration, read_declaration
from generators.datasets.inference import infer_columns, learn_domain
from generators.errors import InputError


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
            *((c.name, c.kind, c.domain_in_words, "yes" if c.missing else "", c.public or "") for c in self.columns),
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
        known = checked_declaration(declared or {}, "schema")
        unit, target = unit or known.get("unit"), target or known.get("target")
        return cls(infer_columns(frame, known["columns"], unit), unit, target)

    def coerce(self, frame: pd.DataFrame, source: str) -> pd.DataFrame:
        """Turn a table of strings into canonical cells; see `generators.datasets.coercion`."""
        return coerce(self.columns, frame, source, unit=self.unit)

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Turn canonical cells into presentable ones (whole numbers as Int64); the inverse of `coerce`."""
        return restore(self.columns, frame)

    def learnt_from(self, frame: pd.DataFrame) -> Schema:
        """Return this schema with every domain that is not public learnt anew from a canonical frame.

        A generator keeps this one: its saved files then tell nothing about records that it was not trained on.
        """
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
