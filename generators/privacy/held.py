"""A file that one process at a time may read, change and write back."""

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
