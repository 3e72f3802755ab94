"""From names and files to data sets, and back to files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from generators.datasets.builtin import builtin_names, read_builtin, read_openml
from generators.datasets.dataset import Dataset
from generators.datasets.reading import TABLE_SUFFIXES, as_text, read_table
from generators.datasets.schema import Schema, read_declaration
from generators.errors import InputError

SchemaSource = Schema | str | Path | Mapping[str, Any] | None
"""A whole schema, or a schema file or mapping that overrides part of what is inferred."""


def load_dataset(
    source: str | Path, *, schema: SchemaSource = None, unit: str | None = None, target: str | None = None
) -> Dataset:
    """Load an unsplit data set.

    Args:
        source: A built-in name (`affairs`, `randhie`, `breast-cancer`, `digits`), a table file, or `openml:NAME`.
        schema: What is known about the columns; the rest is inferred.
        unit: Column that names the person.
        target: Column to predict.

    Returns:
        A data set with one part, `records`; call `.split()` next.

    Raises:
        InputError: The source does not exist or cannot be used; the message names file, column and row.

    Example:
        >>> data = load_dataset("affairs")
        >>> data.schema.target, len(data.records)
        ('yrs_married', 6366)
    """
    name = str(source)
    if name in builtin_names():
        frame, public = read_builtin(name)
        cells = as_text(frame, name)
        schema = _overridden(public, schema)
    elif name.startswith("openml:"):
        frame, found = read_openml(name.removeprefix("openml:"))
        cells, target = as_text(frame, name), target or found
    else:
        if not Path(name).exists() and not name.endswith(TABLE_SUFFIXES):
            raise InputError(f"'{name}' is neither a built-in data set ({', '.join(builtin_names())}) nor a file")
        cells = read_table(name)
    resolved = _resolve(schema, cells, unit, target)
    return Dataset(Path(name).name, resolved, {"records": resolved.coerce(cells, name)})


def load_parts(
    train: str | Path,
    holdout: str | Path,
    reference: str | Path | None = None,
    *,
    schema: SchemaSource = None,
    unit: str | None = None,
    target: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Load a data set whose parts are separate files.

    Args:
        train: Table of the records that the generator was trained on.
        holdout: Table of records of the same population that it has not seen.
        reference: Table of what an attacker may know; without it, half of the holdout.
        schema: What is known about the columns; the rest is inferred from train and holdout together.
        unit: Column that names the person.
        target: Column to predict.
        seed: Which half of the holdout becomes the reference.

    Returns:
        A data set with the parts train, holdout and reference.

    Raises:
        InputError: A file cannot be used, or the parts are not disjoint.
    """
    files = {"train": str(train), "holdout": str(holdout)} | ({"reference": str(reference)} if reference else {})
    cells = {part: read_table(path) for part, path in files.items()}
    resolved = _resolve(schema, _stacked(cells["train"], cells["holdout"]), unit, target)
    frames = {part: resolved.coerce(table, files[part]) for part, table in cells.items()}
    return Dataset.from_parts(
        Path(train).name,
        train=frames["train"],
        holdout=frames["holdout"],
        reference=frames.get("reference"),
        schema=resolved,
        seed=seed,
        sources=files,
    )


def read_like(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read a table whose columns are known already, such as a file of synthetic records, as a canonical frame.

    A unit or identifier column that the file leaves out is filled with missing cells: synthetic records name nobody.

    Raises:
        InputError: The file cannot be read or does not have the schema's columns and kinds.
    """
    # A column without a name is the row index that some writers add.
    cells = read_table(path).drop(columns="" if "" not in schema.names else [], errors="ignore")
    absent = [c.name for c in schema.columns if c.kind == "identifier" and c.name not in cells.columns]
    present = Schema(tuple(column for column in schema.columns if column.name not in absent))
    frame = present.coerce(cells, str(path))
    for name in absent:
        frame[name] = pd.Series([float("nan")] * len(frame), dtype=object)
    return frame.loc[:, list(schema.names)]


def write_table(frame: pd.DataFrame, path: str | Path, schema: Schema) -> None:
    """Write a canonical frame as `.csv`, `.tsv` (also with `.gz`) or `.parquet`; an existing file is replaced whole.

    Cells are written exactly: nothing is escaped for spreadsheet programs.

    Raises:
        InputError: The suffix is none of these, or the folder cannot be written.
    """
    path = Path(path)
    if not path.name.endswith(TABLE_SUFFIXES):
        raise InputError(f"{path}: cannot write this type; use one of {', '.join(TABLE_SUFFIXES)}")
    shown = schema.restore(frame)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.name)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from error
    os.close(handle)
    try:
        if path.suffix == ".parquet":
            shown.to_parquet(beside, index=False)
        else:
            shown.to_csv(beside, index=False, sep="\t" if ".tsv" in path.suffixes else ",")
        # Temporary files are private to their owner; a result takes the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, 0o666 & ~umask)
        os.replace(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _resolve(schema: SchemaSource, cells: pd.DataFrame, unit: str | None, target: str | None) -> Schema:
    if isinstance(schema, Schema):
        return _with_roles(schema, unit, target)
    declared = read_declaration(schema) if isinstance(schema, str | Path) else schema
    return Schema.infer(cells, unit=unit, target=target, declared=declared)


def _overridden(public: Schema, schema: SchemaSource) -> Schema:
    """Return a built-in schema with the columns that the user declares replaced by theirs."""
    if schema is None or isinstance(schema, Schema):
        return schema or public
    declared = read_declaration(schema) if isinstance(schema, str | Path) else dict(schema)
    base = public.to_dict()
    return Schema.from_dict({**base, **declared, "columns": {**base["columns"], **declared.get("columns", {})}})


def _with_roles(schema: Schema, unit: str | None, target: str | None) -> Schema:
    if unit is not None and unit in schema.names and schema[unit].kind != "identifier":
        raise InputError(f"unit column '{unit}' is {schema[unit].kind} in the schema; a unit is an identifier")
    return Schema(schema.columns, unit or schema.unit, target or schema.target)


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Stack the columns that both tables have; a column that only one has is left for `coerce` to complain about."""
    shared = [name for name in first.columns if name in second.columns]
    both = pd.concat([first[shared], second[shared]], ignore_index=True)
    only = {name: pd.concat([first[name], pd.Series([""] * len(second), dtype=object)]) for name in first.columns}
    return pd.DataFrame(
        {name: both[name].to_numpy() if name in shared else only[name].to_numpy() for name in first.columns},
        dtype=object,
    )
