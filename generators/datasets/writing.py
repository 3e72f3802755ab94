"""Records to files and folders, by modality and suffix."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from generators.datasets.dataset import Modality
from generators.datasets.files import whole_file
from generators.datasets.payload import Payload, payload_column
from generators.datasets.reading import TABLE_SUFFIXES, as_text
from generators.datasets.schema import Schema
from generators.datasets.sources import FORMS, require_writable
from generators.errors import InputError


def write_records(
    frame: pd.DataFrame, path: str | Path, schema: Schema, modality: Modality = "tabular"
) -> tuple[str, ...]:
    """Write a canonical frame of any modality in the form that the path's suffix names.

    Tables are `.csv`, `.tsv` or `.parquet`; images a folder of PNG files, `.npz`, or `.png` for a grid to look at;
    texts `.txt` or `.jsonl`; recordings a folder of 16-bit WAV files or `.npz`. `read_like` reads all but the grid.
    Everything is written whole or not at all; a file is replaced, a folder must be free.

    Returns:
        Notes about what the form leaves out, such as labels in a `.txt`.

    Raises:
        InputError: The form is of another modality or keeps a label's name for itself, or the place is taken or cannot
            be written.

    Example:
        >>> import tempfile
        >>> from generators import load_dataset, read_like
        >>> data = load_dataset("digits-images")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_records(data.records.head(5), f"{folder}/few", data.schema, "image")
        ...     len(read_like(f"{folder}/few", data.schema, "image"))
        ()
        5
    """
    path = Path(path)
    require_writable(path, modality, len(frame), schema)
    if modality not in FORMS:
        write_table(frame, path, schema)
        return ()
    content = payload_column(schema)
    beside = Schema(tuple(column for column in schema.columns if column.name != content.name))
    text = as_text(beside.restore(frame), str(path))
    labels = {name: text[name].tolist() for name in beside.names}
    return FORMS[modality].write(Payload(content, frame[content.name].tolist(), labels), path)


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
    with whole_file(path) as beside:
        if path.suffix == ".parquet":
            shown.to_parquet(beside, index=False)
        else:
            # Quotes around all that is no number keep blanks at the edges of cells and names, and every line end.
            separator = "\t" if ".tsv" in path.suffixes else ","
            shown.to_csv(beside, index=False, sep=separator, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
