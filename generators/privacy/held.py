"""A file that one process at a time may read, change and write back, and that outlives a loss of power."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep others that hold a file of the same folder waiting; a process that dies lets go.

    The folder is locked and not the file, which may not exist yet and is replaced when it is written. On Windows, where
    folders cannot be locked, others do not wait.
    """
    if sys.platform == "win32":
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def settle(folder: Path) -> None:
    """Have the disk know which files a folder holds: a file renamed into it could else be lost with the power."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
