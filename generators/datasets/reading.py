"""Reading tables as strings, so that the meaning of every cell is decided in one place and errors can name rows."""

from __future__ import annotations

import csv
import io
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from generators.datasets.files import read_text
from generators.errors import InputError

TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table with every cell as a string, '' where nothing stands.

    Args:
        path: A `.csv`, `.tsv` (both also with `.gz`) or `.parquet` file. Text is UTF-8 with a header row; blanks after
            a separator and around names are ignored unless they stand between quotes, and so are blank lines. Parquet
            cells become the shortest text that reads back as the same value.

    Returns:
        A frame of Python strings, object dtype.

    Raises:
        InputError: The file is missing, unreadable, empty, has no or a single data row, a column name twice, or a row
            of another length than the header. Rows are counted from 1, without the header and blank lines.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not path.name.endswith(TABLE_SUFFIXES):
        raise InputError(f"{path}: not a table this tool reads; use one of {', '.join(TABLE_SUFFIXES)}")
    frame = _read_parquet(path) if path.suffix == ".parquet" else _read_text(path)
    if len(frame) == 0:
        raise InputError(f"{path}: has a header but no data rows")
    if len(frame) == 1:
        raise InputError(f"{path}: has a single data row; at least two are needed")
    return frame


def as_text(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Turn a typed frame into the strings that `read_table` would have read from its file.

    Raises:
        InputError: A column name occurs twice, or cells are lists or other containers.
    """
    names = [str(name) for name in frame.columns]
    _check_names(names, source)
    cells: dict[str, Any] = {}
    for position, name in enumerate(names):
        codes, uniques = pd.factorize(_as_objects(frame.iloc[:, position], source, name))
        texts = np.array([*map(_text, uniques), ""], dtype=object)
        cells[name] = texts[codes]  # factorize marks missing cells with -1, the last text
    return pd.DataFrame(cells, columns=names, dtype=object)


def _as_objects(values: pd.Series[Any], source: str, name: str) -> Any:
    objects = values.to_numpy(dtype=object)
    for row, value in enumerate(objects):
        if isinstance(value, list | dict | tuple | set | np.ndarray):
            raise InputError(f"{source}: column '{name}' holds a {type(value).__name__} in row {row + 1}; flatten it")
    return objects


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, date | pd.Timestamp):
        return value.isoformat()
    return str(value)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({' '.join(str(error).split())[:200]})") from error
    _check_names(table.column_names, str(path))
    return as_text(table.to_pandas(integer_object_nulls=True), str(path))


def _read_text(path: Path) -> pd.DataFrame:
    text = read_text(path)
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        header = next(row for row in reader if row)
        above = "".join(islice(io.StringIO(text, newline=""), reader.line_num))
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is not valid CSV ({error})") from error
    return _to_frame([name if _is_quoted(name, above) else name.strip() for name in header], rows, path)


def _is_quoted(name: str, header: str) -> bool:
    """Tell whether a name stands between quotes, where blanks belong to it; the reader of CSV does not say so."""
    return '"{}"'.format(name.replace('"', '""')) in header


def _to_frame(names: list[str], rows: list[list[str]], path: Path) -> pd.DataFrame:
    _check_names(names, str(path))
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            where = f" (column '{names[len(row)]}' has none)" if len(row) < len(names) else ""
            raise InputError(f"{path}: row {number} has {len(row)} cells, the header has {len(names)}{where}")
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    if len(names) > 1 and all(name in values for name, values in zip(names, cells, strict=True)):
        raise InputError(f"{path}: the first row looks like data ('{names[0]}', '{names[1]}', ...); add a header row")
    return pd.DataFrame(dict(zip(names, cells, strict=True)), columns=names, dtype=object)


def _check_names(names: list[str], source: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{source}: column name '{name}' occurs twice; rename one")
        seen.add(name)
