"""A folder as a data set: one file a record, whose labels are its subfolder's name or stand in `labels.csv`."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from generators.datasets.files import whole_folder
from generators.datasets.reading import read_table
from generators.errors import InputError

LABEL = "label"
"""The label column that subfolders stand for."""
TABLE = "labels.csv"
FILE = "file"
"""The column of `labels.csv` that names the files, so that no label column can be called so."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,98}[A-Za-z0-9_+-])?")


@dataclass(frozen=True)
class Listing:
    """The records' files of a folder.

    Attributes:
        files: One a record: in the order of `labels.csv`, or of their names.
        labels: Text by label column.
        notes: What was left out.
    """

    files: Sequence[Path]
    labels: Mapping[str, Sequence[str]]
    notes: tuple[str, ...]


def files_in(folder: Path) -> list[Path]:
    """Return all files in a folder and below it, without hidden ones, by name and then by subfolder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    visible = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(visible, key=lambda path: (path.name, path.parent.as_posix()))


def list_folder(folder: Path, suffixes: tuple[str, ...]) -> Listing:
    """Find the records of a folder and their labels.

    Args:
        folder: Records' files, all in it, or all in subfolders named by their label; `labels.csv`, with a column `file`
            and one for each label, names them instead where it exists.
        suffixes: How the records' files end, in lower case.

    Raises:
        InputError: There are no such files, they lie too deep or both loose and in subfolders, or `labels.csv` does not
            name each of them once.
    """
    everything = files_in(folder)
    files = [path for path in everything if path.suffix.lower() in suffixes]
    if not files:
        raise InputError(f"{folder}: holds no {' or '.join(suffixes)} file")
    left = (path for path in everything if path.suffix.lower() not in suffixes and path.name != TABLE)
    strange = Counter(path.suffix or path.name for path in left)
    notes = tuple(f"{folder.name}: left out {count} {suffix} file(s)" for suffix, count in sorted(strange.items()))
    if (folder / TABLE).is_file():
        files, labels = _labels_from_table(folder, files)
        return Listing(files, labels, notes)
    return Listing(files, _labels_from_subfolders(folder, files), notes)


def _labels_from_subfolders(folder: Path, files: Sequence[Path]) -> dict[str, list[str]]:
    depths = [len(path.relative_to(folder).parts) for path in files]
    for path, depth in zip(files, depths, strict=True):
        if depth > 2:
            raise InputError(
                f"{path}: lies too deep; put records into the folder, or into one subfolder for each label"
            )
        if depth != depths[0]:
            loose = path if depth == 1 else files[0]
            raise InputError(f"{loose}: lies beside subfolders that hold records too; put it into the one of its label")
    return {LABEL: [path.parent.name for path in files]} if depths[0] == 2 else {}


def _labels_from_table(folder: Path, files: Sequence[Path]) -> tuple[list[Path], dict[str, list[str]]]:
    table = read_table(folder / TABLE)
    if FILE not in table.columns:
        raise InputError(f"{folder / TABLE}: has no column '{FILE}', which names each record's file")
    known = {path.relative_to(folder).as_posix(): path for path in files}
    named: dict[str, Path] = {}
    for row, name in enumerate(table[FILE], start=1):
        if name not in known or name in named:
            problem = "twice" if name in named else "which is not there"
            raise InputError(f"{folder / TABLE}: row {row} names '{name}', {problem}")
        named[name] = known[name]
    for name in known:
        if name not in named:
            raise InputError(f"{folder / TABLE}: does not name '{name}', which lies in the folder")
    return list(named.values()), {name: table[name].tolist() for name in table.columns if name != FILE}


def write_folder(
    folder: Path, contents: Iterable[bytes], count: int, suffix: str, labels: Mapping[str, Sequence[str]]
) -> None:
    """Write one file a record, numbered in order; `list_folder` gives files and labels back.

    Records with one label column go to subfolders of its values, as far as these can be names of folders. Subfolders
    alone mean the column `label`; with any other, or with several, `labels.csv` stands beside them.

    Raises:
        InputError: The folder exists and is not empty.
    """
    only = next(iter(labels.values())) if len(labels) == 1 else None
    nested = only is not None and _can_be_folders(set(only))
    width = len(str(count))
    names = [
        PurePosixPath(only[number] if only is not None and nested else "") / f"{number + 1:0{width}d}{suffix}"
        for number in range(count)
    ]
    with whole_folder(folder) as beside:
        for name, content in zip(names, contents, strict=True):
            (beside / name).parent.mkdir(exist_ok=True)
            (beside / name).write_bytes(content)
        if labels and not (nested and LABEL in labels):
            with (beside / TABLE).open("w", encoding="utf-8", newline="") as file:
                # Quotes everywhere keep blanks at the edges of a cell.
                rows = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
                rows.writerow([FILE, *labels])
                rows.writerows(zip(map(str, names), *labels.values(), strict=True))


def _can_be_folders(values: set[str]) -> bool:
    """Whether values are names of folders on every system, also where case does not count."""
    plain = {value.casefold() for value in values}
    return all(map(_NAME.fullmatch, values)) and len(plain) == len(values) and TABLE not in plain
