"""What stands beside images, texts and recordings gets a schema, and together they become canonical frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from generators.datasets.payload import Payload, payload_frame
from generators.datasets.recordings import at_rate
from generators.datasets.schema import Column, Schema
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
        InputError: A declared column, the unit or the target is not there, or is the payload itself.
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


def as_declared(payload: Payload, declared: Mapping[str, Any] | None) -> Payload:
    """Return a payload as a schema file declares its own column: who made it public, and recordings at their rate.

    Raises:
        InputError: It is declared to be something else.
    """
    column = payload.column
    given = ((declared or {}).get("columns") or {}).get(column.name)
    about = given if isinstance(given, Mapping) else {"kind": given or column.kind}
    if about.get("kind", column.kind) != column.kind:
        raise InputError(f"schema: column '{column.name}' holds the {column.kind} itself, not {about['kind']}")
    if about.get("shape") is not None and tuple(about["shape"]) != column.shape:
        raise InputError(f"schema: column '{column.name}' is declared of shape {about['shape']}, but is {column.shape}")
    if about.get("public") is None:
        return payload
    for need, known in (("shape", column.shape), ("rate", column.rate)):
        if known is not None and about.get(need) is None:
            raise InputError(f"schema: column '{column.name}': public needs {need} beside it, which was read from it")
    if column.rate is not None:
        payload = at_rate(payload, int(about["rate"]))
    return replace(payload, column=replace(payload.column, public=str(about["public"])))


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


def made_like(payload: Payload, column: Column, source: str) -> Payload:
    """Return a payload as one of a data set whose payload's column is known: recordings at its rate.

    Raises:
        InputError: Images have another size or number of channels.
    """
    if payload.column.shape != column.shape:
        forms = [
            f"{s[0]}x{s[1]} with {s[2]} channel(s)" if s else "of no size" for s in (payload.column.shape, column.shape)
        ]
        raise InputError(f"{source}: its images are {forms[0]}, those of the data set {forms[1]}")
    if column.rate is not None:
        payload = at_rate(payload, column.rate)
    return replace(payload, column=column)
