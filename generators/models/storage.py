"""A saved generator: a folder with ledger.json, weights.safetensors and model.json, in the order of writing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from generators.datasets.files import whole_folder
from generators.errors import InputError
from generators.privacy.ledger import Ledger

FORMAT = 1
_DESCRIPTION, _LEDGER, _WEIGHTS = "model.json", "ledger.json", "weights.safetensors"


def save_folder(path: Path, description: dict[str, Any], ledger: Ledger, weights: dict[str, Tensor]) -> None:
    """Write a generator's folder whole or not at all; an earlier generator at the same place is replaced.

    The ledger comes first, so that no weights ever exist without the account of what they cost; model.json comes last
    and marks the folder as complete.

    Raises:
        InputError: The place is taken by something else than a generator, or cannot be written, or a weight is not
            finite.
    """
    _require_finite(weights, f"this {description['kind']}")
    if path.exists() and not (path / _DESCRIPTION).is_file() and not _is_empty_folder(path):
        raise InputError(f"{path}: exists and is not a saved generator; choose another place")
    with whole_folder(path, replace=True) as folder:
        ledger.save(folder / _LEDGER)
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, folder / _WEIGHTS)
        checks = {"ledger_head": ledger.head, "weights_sha256": _sha256(folder / _WEIGHTS)}
        described = {"format": FORMAT, **description, **checks}
        (folder / _DESCRIPTION).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_description(path: Path) -> dict[str, Any]:
    """Read a folder's model.json.

    Raises:
        InputError: The folder is no saved generator, or was written by a later version.
    """
    file = path / _DESCRIPTION
    if not file.is_file():
        raise InputError(f"{path}: is not a saved generator (it has no {_DESCRIPTION})")
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: is damaged ({' '.join(str(error).split())})") from error
    if not isinstance(description, dict) or not isinstance(description.get("kind"), str):
        raise InputError(f"{file}: is damaged (it names no kind)")
    if description.get("format") != FORMAT:
        raise InputError(f"{file}: has format {description.get('format')}, this version reads {FORMAT}")
    return description


def read_ledger(path: Path) -> Ledger:
    """Read a folder's ledger.json, whose last entry model.json names.

    Raises:
        InputError: A file is missing, damaged or altered.
    """
    head = str(read_description(path).get("ledger_head"))
    if not (path / _LEDGER).is_file():
        raise InputError(f"{path}: has no {_LEDGER}, so that nobody knows what the model learnt from; do not trust it")
    return Ledger.load(path / _LEDGER, head=head)


def load_folder(path: Path) -> tuple[dict[str, Any], Ledger, dict[str, Tensor]]:
    """Read a generator's folder back; nothing in it is executed.

    Raises:
        InputError: A file is missing, damaged or altered.
    """
    description = read_description(path)
    if not (path / _WEIGHTS).is_file():
        raise InputError(f"{path}: is incomplete (it has no {_WEIGHTS})")
    ledger = read_ledger(path)
    try:
        if _sha256(path / _WEIGHTS) != description.get("weights_sha256"):
            raise InputError(f"{path / _WEIGHTS}: is damaged, or was altered after it was written; save the model anew")
        weights = load_file(path / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path / _WEIGHTS}: is damaged ({' '.join(str(error).split())})") from error
    _require_finite(weights, str(path / _WEIGHTS))
    return description, ledger, weights


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _require_finite(weights: dict[str, Tensor], owner: str) -> None:
    for name, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            raise InputError(f"{owner}: weight '{name}' is not finite; train again, with a lower learning rate")


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
