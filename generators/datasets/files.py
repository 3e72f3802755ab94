"""Files as they are read, with one clear line when they are broken, and as they are written: whole or not at all."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generators.errors import InputError


def read_bytes(path: Path) -> bytes:
    """Return a file's content, unpacked if its name ends in `.gz`.

    Raises:
        InputError: There is no such file, or it is no gzip file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable gzip file ({error})") from error


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text, unpacked if its name ends in `.gz`, without a byte-order mark.

    Raises:
        InputError: The file is empty or not UTF-8; the message names the line.
    """
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: is not UTF-8: line {line} holds byte 0x{content[error.start]:02x}") from error
    if not text.strip(" \t\n\r\v\f"):
        raise InputError(f"{path}: is empty")
    return text


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a place beside `path` to write to, and move it there when the block ends; an existing file is replaced.

    Args:
        path: The file.
        private: Whether only its owner may read it.

    Raises:
        InputError: `path` is a folder, or its folder cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, where a file would be written; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.name)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # Temporary files are private to their owner; a result takes the usual permissions.
        beside.chmod(0o600 if private else 0o666 & ~_umask())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a folder beside `path` to write to, and move it there when the block ends.

    Args:
        path: The folder.
        replace: Whether an earlier folder gives way; otherwise `path` must be free.

    Raises:
        InputError: `path` holds something already, or its parent cannot be written.
    """
    if not replace:
        require_free(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from error
    new, old = beside / "new", beside / "old"
    try:
        new.mkdir()
        yield new
        if path.exists():
            os.replace(path, old)
        os.replace(new, path)
    finally:
        # If the last step failed, the earlier folder goes back to its place.
        if old.exists() and not path.exists():
            os.replace(old, path)
        shutil.rmtree(beside, ignore_errors=True)


def require_free(path: Path) -> None:
    """Refuse a place for a folder that already holds something.

    Raises:
        InputError: It is a file, or a folder that is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path}: already exists and is not empty; choose another name, or remove it first")


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
