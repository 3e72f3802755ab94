"""What stands beside images, texts and recordings gets a schema, and together they become canonical frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from generators.datasets.columns import Column
from generators.datasets.declaration import checked_declaration
from generators.datasets.payload import Payload, payload_frame
from generators.datasets.recordings import at_rate
from generators.datasets.schema import Schema
from generators.errors import InputError

MOST_SURE_LEVELS = 20
"""A column with at most so many values groups records, however few records there are."""


def labelled_schema(
    payload: Payload,
    declared: Mapping[str, Any] | None = None,
    *,
    unit: str | None = None,
    target: str | None = None,
) -> Schema:
    """Make a schema of a payload's column and its labels.

    Labels are categories, unless declared otherwise; a column of which most values occur once names records, and is an
    identifier. The first label that is modelled is the target, unless another one is named.

    Args:
        payload: Its column and labels; the cells do not matter.
        declared: What is known about the columns, as in a schema file; see `as_declared` for the payload's own.
        unit: Column that names the person; it becomes an identifier.
        target: Column to predict.

    Raises:
        InputError: A declared column, the unit or the target is not there.
    """
    known = dict(declared or {})
    columns = dict(known.get("columns") or {})
    columns.pop(payload.column.name, None)
    for name, values in payload.labels.items():
        given = columns.get(name) or {}
        given = {"kind": given} if isinstance(given, str) else dict(given)
        if given.get("public") is not None:
            # What is declared must not depend on the data: not the kind, nor whether the label may be missing.
            columns[name] = {"kind": "categorical", "missing": False, **given}
        else:
            names_records = "levels" not in given and _names_records(values)
            columns[name] = {"kind": "identifier" if names_records else "categorical", **given}
    labels = Schema.infer(label_table(payload), unit=unit, declared={**known, "target": None, "columns": columns})
    target = target or known.get("target") or next((column.name for column in labels.modelled), None)
    return Schema((payload.column, *labels.columns), labels.unit, target)


def _names_records(values: Sequence[str]) -> bool:
    distinct = len(set(values))
    return distinct > MOST_SURE_LEVELS and 2 * distinct > len(values)


def labelled_frame(payload: Payload, schema: Schema, source: str) -> pd.DataFrame:
    """Turn a payload into a canonical frame; see `generators.datasets.coercion` for its labels.

    Raises:
        InputError: A label column is missing or unexpected, or a label is not of its column's kind.
    """
    labels = Schema(tuple(column for column in schema.columns if column.name != payload.column.name), schema.unit)
    frame = payload_frame(payload.column, payload.cells)
    return pd.concat([frame, labels.coerce(label_table(payload), source)], axis=1).loc[:, list(schema.names)]


def label_table(payload: Payload) -> pd.DataFrame:
    """Return the labels as a table of strings."""
    return pd.DataFrame({name: pd.Series(list(values), dtype=object) for name, values in payload.labels.items()})


def as_declared(payload: Payload, declared: Mapping[str, Any] | None, source: str) -> Payload:
    """Return a payload as a schema file describes its column: who made it public, and recordings at the declared rate.

    Raises:
        InputError: The column is declared to be of another kind, images have another shape than the declared one,
            something is declared that belongs to columns of cells only, or it is public and its shape or rate, which
            were read from the files, are not declared with it.
    """
    column, where = payload.column, f"schema: column '{payload.column.name}'"
    own_entry = {name: entry for name, entry in ((declared or {}).get("columns") or {}).items() if name == column.name}
    about = checked_declaration({"columns": own_entry}, "schema")["columns"].get(column.name, {})
    if about.get("kind", column.kind) != column.kind:
        raise InputError(f"{where} holds the {column.kind} itself, not {about['kind']}")
    own = {"image": ("kind", "shape", "public"), "audio": ("kind", "rate", "public")}.get(
        column.kind, ("kind", "public")
    )
    strange = next((name for name, value in about.items() if value and name not in own), None)
    if strange is not None:
        raise InputError(f"{where}: {strange} cannot be declared of {column.kind}, only {', '.join(own)}")
    shape = about.get("shape") or column.shape
    if shape != column.shape:
        raise InputError(f"{where}: shape is declared as {_sides(shape)}, but {source} holds {_sides(column.shape)}")
    public = about.get("public")
    for need, known in (("shape", column.shape), ("rate", column.rate)):
        if public is not None and known is not None and about.get(need) is None:
            raise InputError(f"{where}: public needs {need} beside it, which was read from the files")
    if column.rate is not None:
        payload = at_rate(payload, about.get("rate") or column.rate)
    return replace(payload, column=replace(payload.column, public=public)) if public is not None else payload


def _sides(shape: Sequence[int] | None) -> str:
    return "x".join(map(str, shape or ()))


def made_like(payload: Payload, column: Column, source: str) -> Payload:
    """Return a payload as one of a data set whose payload's column is known: recordings at its rate.

    Raises:
        InputError: They are of another kind, or images have another size or number of channels.
    """
    if payload.column.kind != column.kind:
        raise InputError(f"{source}: holds {payload.column.kind} records, but the schema says {column.kind}")
    if payload.column.shape != column.shape:
        forms = [
            f"{s[0]}x{s[1]} with {s[2]} channel(s)" if s else "of no size" for s in (payload.column.shape, column.shape)
        ]
        raise InputError(f"{source}: its images are {forms[0]}, those of the data set {forms[1]}")
    if column.rate is not None:
        payload = at_rate(payload, column.rate)
    return replace(payload, column=column)
