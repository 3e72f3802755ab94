"""The folder of results: written beside its place and moved there in one step, so that no half-written one shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from generators import InputError
from generators.datasets.files import require_free
from reports import Audit, render_html, write_manifest

MODEL = "model"


def default_folder() -> Path:
    """A new dated folder under `runs/`."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    folder, number = Path("runs") / stamp, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{stamp}-{number}"
    return folder


def staging(folder: Path) -> Path:
    """Where results are put together before they are moved to `folder`."""
    return folder.with_name(f".{folder.name}.partial")


@contextmanager
def new_folder(folder: Path, *, resume: bool = False) -> Iterator[Path]:
    """Give a place beside `folder` to write to, and move it there when the block ends without an error.

    Args:
        folder: where the results will stand; must be free.
        resume: go on with what an interrupted run left beside it.

    A trained model is kept there whatever happens, since its privacy budget is spent; anything else is cleared away.

    Raises:
        InputError: `folder` is taken, or an interrupted run left a model and `resume` is not set.
    """
    require_free(folder)
    beside = staging(folder)
    if beside.exists() and not resume:
        if (beside / MODEL).exists():
            raise InputError(f"{beside}: holds the model of an interrupted run; add --resume to use it, or remove it")
        shutil.rmtree(beside)
    beside.mkdir(parents=True, exist_ok=True)
    try:
        yield beside
    except BaseException:
        if not (beside / MODEL).exists():
            shutil.rmtree(beside, ignore_errors=True)
        raise
    if folder.exists():
        folder.rmdir()
    beside.rename(folder)


def write_results(audit: Audit, folder: Path) -> None:
    """Write `audit.json`, `report.html` and `MANIFEST.json` into an existing folder."""
    audit.save(folder / "audit.json")
    render_html(audit, folder / "report.html")
    write_manifest(folder)
