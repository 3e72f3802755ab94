"""From names, files and folders to data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from generators.datasets.builtin import builtin_names, read_builtin, read_openml
from generators.datasets.coercion import notes_on_rounding
from generators.datasets.dataset import Dataset, Modality
from generators.datasets.declaration import read_declaration
from generators.datasets.labelled import as_declared, label_table, labelled_frame, labelled_schema, made_like
from generators.datasets.payload import Payload, payload_column
from generators.datasets.reading import TABLE_SUFFIXES, as_text, read_table
from generators.datasets.schema import Schema
from generators.datasets.sources import FORMS, recognise, things
from generators.datasets.texts import read_texts
from generators.errors import InputError

SchemaSource = Schema | str | Path | Mapping[str, Any] | None
"""A whole schema, or a schema file or mapping that overrides part of what is inferred."""


def load_dataset(
    source: str | Path,
    *,
    schema: SchemaSource = None,
    unit: str | None = None,
    target: str | None = None,
    modality: Modality | None = None,
    documents: bool | None = None,
) -> Dataset:
    """Load an unsplit data set.

    Args:
        source: A built-in name (such as `affairs`, `digits-images`), `openml:NAME`, a table (`.csv`, `.tsv`,
            `.parquet`), images (a folder of PNG or JPEG files, `.npz`, `*-images-idx3-ubyte`), texts (`.txt`, `.jsonl`)
            or recordings (a folder of WAV files, `.npz`). Labels of images and recordings are the names of subfolders,
            columns of a `labels.csv` in the folder, or arrays; those of texts are keys of `.jsonl`.
        schema: What is known about the columns; the rest is inferred. Of images, texts and recordings it may say what
            their labels are, which `rate` recordings shall have (others are resampled), and which `shape` images must.
        unit: Column that names the person.
        target: Column to predict.
        modality: What the source must hold; recognised by default.
        documents: Whether blank lines separate the records of a `.txt`, or line ends; recognised by default.

    Returns:
        A data set with one part, `records`; call `.split()` next.

    Raises:
        InputError: The source does not exist or cannot be used; the message names file, column and row.

    Example:
        >>> data = load_dataset("affairs")
        >>> data.schema.target, len(data.records)
        ('yrs_married', 6366)
    """
    name, roles = str(source), Roles(unit, target)
    if name in builtin_names():
        data = _builtin(name, schema, roles)
    elif name.startswith("openml:"):
        table, found = read_openml(name.removeprefix("openml:"))
        data = _tabular(name, as_text(table, name), schema, Roles(unit, target or found))
    elif not Path(name).exists():
        raise InputError(
            f"{name}: no such file"
            if name.endswith(TABLE_SUFFIXES)
            else f"'{name}' is neither a built-in data set ({', '.join(builtin_names())}) nor a file or folder"
        )
    elif recognise(Path(name)) == "tabular":
        data = _tabular(name, read_table(name), schema, roles)
    else:
        data = _labelled(Path(name), schema, roles, documents)
    if modality is not None and data.modality != modality:
        raise InputError(f"{name}: holds {things(data.modality)}, not {things(modality)}")
    return data


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
    """Load a data set whose parts are separate files or folders, of any modality.

    Args:
        train: The records that the generator was trained on; see `load_dataset` for what files and folders may be.
        holdout: Records of the same population that it has not seen.
        reference: What an attacker may know; without it, half of the holdout.
        schema: What is known about the columns; the rest is inferred from train and holdout together.
        unit: Column that names the person.
        target: Column to predict.
        seed: Which half of the holdout becomes the reference.

    Returns:
        A data set with the parts train, holdout and reference. Recordings of another rate than train's are resampled
        to that one, and a note says so.

    Raises:
        InputError: A part cannot be used or is of another modality, or the parts are not disjoint.
    """
    files = {"train": str(train), "holdout": str(holdout)} | ({"reference": str(reference)} if reference else {})
    modality = recognise(Path(train))
    for path in [*files.values()][1:]:
        _require_modality(Path(path), modality, str(train))
    roles, notes = Roles(unit, target), []
    if modality == "tabular":
        cells = {part: read_table(path) for part, path in files.items()}
        resolved = _resolve(schema, _stacked(cells["train"], cells["holdout"]), roles)
        frames = {part: resolved.coerce(table, files[part]) for part, table in cells.items()}
        notes = [*notes_on_rounding(resolved.columns, pd.concat([*cells.values()]))]
    else:
        found = {part: _read(Path(path), modality) for part, path in files.items()}
        found["train"] = _as_declared(found["train"], schema, files["train"])
        column = found["train"].column
        found = {part: made_like(payload, column, files[part]) for part, payload in found.items()}
        labels = _stacked(label_table(found["train"]), label_table(found["holdout"]))
        stacked = Payload(column, (), {name: labels[name].tolist() for name in labels.columns})
        resolved = _resolve_labels(schema, stacked, roles)
        frames = {part: labelled_frame(payload, resolved, files[part]) for part, payload in found.items()}
        notes = [note for payload in found.values() for note in payload.notes]
    data = Dataset.from_parts(
        Path(train).name,
        train=frames["train"],
        holdout=frames["holdout"],
        reference=frames.get("reference"),
        schema=resolved,
        seed=seed,
        sources=files,
        modality=modality,
    )
    return replace(data, notes=(*notes, *data.notes))


def read_like(path: str | Path, schema: Schema, modality: Modality = "tabular") -> pd.DataFrame:
    """Read records whose columns are known already, such as synthetic ones, as a canonical frame.

    A unit or identifier column that is left out is filled with missing cells: synthetic records name nobody. So are the
    labels of images, texts and recordings that have no label at all. Recordings are resampled to the schema's rate.

    Raises:
        InputError: They cannot be read, are of another modality, or do not have the schema's columns, kinds and sizes.
    """
    path = Path(path)
    if path.exists() or modality != "tabular":
        _require_modality(path, modality, "the data set")
    if modality == "tabular":
        # A column without a name is the row index that some writers add.
        cells = read_table(path).drop(columns="" if "" not in schema.names else [], errors="ignore")
        present = _without(schema, [c.name for c in schema.columns if c.kind == "identifier" and c.name not in cells])
        frame = present.coerce(cells, str(path))
    else:
        column = payload_column(schema)
        payload = made_like(_read(path, modality), column, str(path))
        absent = [c for c in schema.columns if c != column and c.name not in payload.labels]
        present = _without(schema, [c.name for c in absent if c.kind == "identifier" or not payload.labels])
        frame = labelled_frame(payload, present, str(path))
    for name in schema.names:
        if name not in present.names:
            frame[name] = pd.Series([float("nan")] * len(frame), dtype=object)
    return frame.loc[:, list(schema.names)]


@dataclass(frozen=True)
class Roles:
    """Columns that the caller gives a role."""

    unit: str | None
    target: str | None


def _builtin(name: str, schema: SchemaSource, roles: Roles) -> Dataset:
    frame, public, modality = read_builtin(name)
    resolved = _overridden(public, schema)
    if modality != "tabular":
        content = payload_column(public)
        labels = {column.name: frame[column.name].tolist() for column in public.modelled}
        payload = _as_declared(Payload(content, frame[content.name].tolist(), labels), schema, name)
        columns = tuple(payload.column if one.name == content.name else one for one in resolved.columns)
        resolved = _with_roles(replace(resolved, columns=columns), roles)
        frame = labelled_frame(payload, resolved, name)
        return Dataset(name, resolved, {"records": frame}, modality, payload.notes)
    return _tabular(name, as_text(frame, name), resolved, roles)


def _tabular(name: str, cells: pd.DataFrame, schema: SchemaSource, roles: Roles) -> Dataset:
    resolved = _resolve(schema, cells, roles)
    frame = resolved.coerce(cells, name)
    return Dataset(Path(name).name, resolved, {"records": frame}, notes=notes_on_rounding(resolved.columns, cells))


def _labelled(path: Path, schema: SchemaSource, roles: Roles, documents: bool | None) -> Dataset:
    modality = recognise(path)
    payload = _as_declared(_read(path, modality, documents), schema, str(path))
    resolved = _resolve_labels(schema, payload, roles)
    frame = labelled_frame(payload, resolved, str(path))
    return Dataset(path.name, resolved, {"records": frame}, modality, payload.notes)


def _read(path: Path, modality: Modality, documents: bool | None = None) -> Payload:
    payload = read_texts(path, documents=documents) if modality == "text" else FORMS[modality].read(path)
    if len(payload.cells) < 2:
        raise InputError(f"{path}: holds {len(payload.cells)} record(s); at least two are needed")
    name = payload.column.name
    if name in payload.labels:
        raise InputError(f"{path}: a label is called '{name}', as the {things(modality)} themselves are; rename it")
    return payload


def _as_declared(payload: Payload, schema: SchemaSource, source: str) -> Payload:
    if isinstance(schema, Schema):
        return made_like(payload, payload_column(schema), source)
    return as_declared(payload, _declared(schema), source)


def _require_modality(path: Path, modality: Modality, whose: str) -> None:
    found = recognise(path)
    if found != modality:
        raise InputError(f"{path}: holds {things(found)}, but {whose} holds {things(modality)}")


def _resolve(schema: SchemaSource, cells: pd.DataFrame, roles: Roles) -> Schema:
    if isinstance(schema, Schema):
        return _with_roles(schema, roles)
    return Schema.infer(cells, unit=roles.unit, target=roles.target, declared=_declared(schema))


def _resolve_labels(schema: SchemaSource, payload: Payload, roles: Roles) -> Schema:
    if isinstance(schema, Schema):
        return _with_roles(schema, roles)
    return labelled_schema(payload, _declared(schema), unit=roles.unit, target=roles.target)


def _declared(schema: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return read_declaration(schema) if isinstance(schema, str | Path) else schema


def _overridden(public: Schema, schema: SchemaSource) -> Schema:
    """Return a built-in schema with the columns that the user declares replaced by theirs."""
    if schema is None or isinstance(schema, Schema):
        return schema or public
    declared, base = _declared(schema) or {}, public.to_dict()
    return Schema.from_dict({**base, **declared, "columns": {**base["columns"], **declared.get("columns", {})}})


def _with_roles(schema: Schema, roles: Roles) -> Schema:
    unit = roles.unit
    if unit is not None and unit in schema.names and schema[unit].kind != "identifier":
        raise InputError(f"unit column '{unit}' is {schema[unit].kind} in the schema; a unit is an identifier")
    return Schema(schema.columns, unit or schema.unit, roles.target or schema.target)


def _without(schema: Schema, names: Sequence[str]) -> Schema:
    return Schema(tuple(column for column in schema.columns if column.name not in names))


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Stack the columns that both tables have; a column that only one has is left for `coerce` to complain about."""
    shared = [name for name in first.columns if name in second.columns]
    both = pd.concat([first[shared], second[shared]], ignore_index=True)
    only = {name: pd.concat([first[name], pd.Series([""] * len(second), dtype=object)]) for name in first.columns}
    return pd.DataFrame(
        {name: both[name].to_numpy() if name in shared else only[name].to_numpy() for name in first.columns},
        dtype=object,
    )
