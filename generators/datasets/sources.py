"""What a file or folder is: a table, images, texts or recordings; and which reader and writer deal with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generators.datasets.arrays import array_names
from generators.datasets.columns import PAYLOAD_KINDS
from generators.datasets.dataset import Modality
from generators.datasets.files import require_free
from generators.datasets.folders import FILE, files_in
from generators.datasets.images import IMAGE_ARRAYS, IMAGE_SUFFIXES, is_idx, read_images, require_grid, write_images
from generators.datasets.payload import Payload
from generators.datasets.reading import TABLE_SUFFIXES
from generators.datasets.recordings import AUDIO_ARRAYS, AUDIO_SUFFIXES, read_recordings, write_recordings
from generators.datasets.schema import Schema
from generators.datasets.texts import KEY, TEXT_SUFFIXES, read_texts, write_texts
from generators.errors import InputError


@dataclass(frozen=True)
class Form:
    """How records of one modality lie in files.

    Attributes:
        things: What the records are called.
        files: Suffixes of files that are written.
        folder: Whether they are also written as folders.
        kept: What their files name themselves, by suffix, so that no label column can be called so.
        read: Reads a file or folder of them.
        write: Writes them, and returns notes about what was left out.
    """

    things: str
    files: tuple[str, ...]
    folder: bool
    kept: Mapping[str, tuple[str, ...]]
    read: Callable[[Path], Payload]
    write: Callable[[Payload, Path], tuple[str, ...]]


FORMS: dict[Modality, Form] = {
    "image": Form("images", (".npz", ".png"), True, {".npz": IMAGE_ARRAYS}, read_images, write_images),
    "text": Form("texts", TEXT_SUFFIXES, False, {".jsonl": (KEY,)}, read_texts, write_texts),
    "audio": Form("recordings", (".npz",), True, {".npz": AUDIO_ARRAYS}, read_recordings, write_recordings),
}
"""Of every modality but tables, which have their own."""


def things(modality: Modality) -> str:
    """Return what records of a modality are called."""
    return FORMS[modality].things if modality in FORMS else "a table"


def recognise(path: Path) -> Modality:
    """Tell what kind of records a file or folder holds, by its suffix, its arrays' names or its files.

    Raises:
        InputError: It does not exist, holds nothing that is read here, or both images and recordings.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    if path.name.endswith(TABLE_SUFFIXES):
        return "tabular"
    if path.name.endswith(TEXT_SUFFIXES):
        return "text"
    if is_idx(path):
        return "image"
    if path.suffix == ".npz":
        return _of_archive(path)
    if path.suffix.lower() in (*IMAGE_SUFFIXES, *AUDIO_SUFFIXES):
        raise InputError(f"{path}: is a single record; name the folder that holds all of them")
    raise InputError(
        f"{path}: not a type read here: tables are {', '.join(TABLE_SUFFIXES)}; texts {', '.join(TEXT_SUFFIXES)}; "
        f"images a folder of {', '.join(IMAGE_SUFFIXES)}, .npz or *-images-idx3-ubyte; recordings a folder of .wav or "
        ".npz"
    )


def _of_folder(folder: Path) -> Modality:
    suffixes = {path.suffix.lower() for path in files_in(folder)}
    images, sounds = suffixes & set(IMAGE_SUFFIXES), suffixes & set(AUDIO_SUFFIXES)
    if images and sounds:
        raise InputError(f"{folder}: holds both images and recordings; keep them in folders of their own")
    if not images and not sounds:
        raise InputError(f"{folder}: holds no images ({', '.join(IMAGE_SUFFIXES)}) and no recordings (.wav)")
    return "image" if images else "audio"


def _of_archive(path: Path) -> Modality:
    names = array_names(path)
    if "x" in names:
        return "image"
    if "audio" in names:
        return "audio"
    found = ", ".join(names) or "nothing"
    raise InputError(f"{path}: has neither an array 'x' (images) nor 'audio' (recordings); it has {found}")


def require_writable(path: Path, modality: Modality, records: int, schema: Schema | None = None) -> None:
    """Refuse a place or a form in which so many records of a modality cannot be written, before they are made.

    Args:
        path: The file or folder to be.
        modality: What a record is.
        records: How many there will be.
        schema: The columns, to check the names of labels too.

    Raises:
        InputError: The suffix is of another modality, the folder is taken, a grid would be too large, or a label column
            is called as the form calls something of its own.
    """
    files = FORMS[modality].files if modality in FORMS else TABLE_SUFFIXES
    if path.name.endswith(files):
        if path.is_dir():
            raise InputError(f"{path}: is a folder, where a file would be written; choose another name")
        if path.suffix == ".png":
            require_grid(path, records)
        kept = FORMS[modality].kept if modality in FORMS else {}
        _require_names(path, schema, kept.get(Path(path.name.removesuffix(".gz")).suffix, ()))
        return
    if modality not in FORMS or not FORMS[modality].folder or _is_of_a_file(path):
        choices = f"{'a folder, ' if modality in FORMS and FORMS[modality].folder else ''}{', '.join(files)}"
        raise InputError(f"{path}: cannot write {things(modality)} as this type; use {choices}")
    require_free(path)
    _require_names(path, schema, (FILE,))


def _require_names(path: Path, schema: Schema | None, kept: Sequence[str]) -> None:
    labels = (column.name for column in schema.columns if column.kind not in PAYLOAD_KINDS) if schema else ()
    taken = next((name for name in labels if name in kept), None)
    if taken is not None:
        raise InputError(
            f"{path}: a label column cannot be called '{taken}' there, which stands for something else; rename it, or "
            "write another form"
        )


def _is_of_a_file(path: Path) -> bool:
    known = (*TABLE_SUFFIXES, *TEXT_SUFFIXES, *IMAGE_SUFFIXES, *AUDIO_SUFFIXES, ".npz", ".gz", ".json", ".zip")
    return path.name.lower().endswith(known)
