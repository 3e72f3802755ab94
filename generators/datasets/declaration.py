"""What people state about a table's columns, in a schema file or as plain data, checked word by word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from generators.datasets.columns import MOST_HERTZ, Column
from generators.errors import InputError


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
