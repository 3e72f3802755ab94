"""NumPy archives (`.npz`): arrays by name, never pickled objects."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.files import whole_file
from generators.datasets.reading import as_text
from generators.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of an archive.

    Raises:
        InputError: It is missing or damaged, or holds pickled objects.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable .npz archive ({' '.join(str(error).split())[:200]})") from error


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of an archive's arrays without reading them.

    Raises:
        InputError: It is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable .npz archive ({error})") from error


def label_arrays(
    arrays: Mapping[str, npt.NDArray[Any]], records: int, path: Path
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Return the arrays with one value a record as text, and a note about each of another shape, which is left out."""
    fitting = {name: _plain(values) for name, values in arrays.items() if values.shape == (records,)}
    text = as_text(pd.DataFrame(fitting), str(path))
    notes = tuple(
        f"{path.name}: left out the array '{name}' of shape {values.shape}, which is not one label for each of "
        f"{records} records"
        for name, values in arrays.items()
        if name not in fitting
    )
    return {str(name): text[name].tolist() for name in text.columns}, notes


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an archive, whole or not at all; text becomes fixed-width Unicode."""
    with whole_file(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
