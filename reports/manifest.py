"""The manifest of an audited folder: one fingerprint a file, so that a later change shows."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reports.errors import DocumentError

MANIFEST_NAME = "MANIFEST.json"
SIGNATURE_NAME = "MANIFEST.sig"
# A signature is over the manifest, so the manifest cannot list it.
_UNLISTED = (MANIFEST_NAME, f".{MANIFEST_NAME}.part", SIGNATURE_NAME)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str
    files: dict[str, _File]


def write_manifest(folder: str | Path) -> Path:
    """Fingerprint every file below `folder`, the manifest and its signature excepted, into `MANIFEST.json`.

    A manifest shows that files changed since it was written; it does not show who wrote it, because whoever can
    change a file can also write a new manifest.

    Args:
        folder: the folder of one audit. Symbolic links are refused: their contents may change from outside.

    Returns:
        The path of the manifest.

    Raises:
        DocumentError: the folder does not exist or holds a symbolic link.

    Example:
        >>> write_manifest("runs/2026-01-01")  # doctest: +SKIP
        PosixPath('runs/2026-01-01/MANIFEST.json')
    """
    folder = Path(folder)
    return _write(folder, {name: _File(sha256=one[0], bytes=one[1]) for name, one in _fingerprints(folder).items()})


def relist(folder: str | Path, name: str) -> bool:
    """Put the present fingerprint of one file, written anew, into the manifest, and leave all others as they are.

    A signed manifest is not touched: whoever signed it did not see the new file.

    Args:
        folder: a folder that `write_manifest` has seen; without a manifest nothing happens.
        name: the file, relative to the folder.

    Returns:
        Whether the manifest now agrees with the file.
    """
    folder = Path(folder)
    if not (folder / MANIFEST_NAME).exists():
        return False
    files, (digest, size) = _read(folder / MANIFEST_NAME).files, _fingerprint(folder / name)
    if files.get(name) == _File(sha256=digest, bytes=size):
        return True
    if (folder / SIGNATURE_NAME).exists():
        return False
    _write(folder, dict(sorted((files | {name: _File(sha256=digest, bytes=size)}).items())))
    return True


def verify_manifest(folder: str | Path) -> list[str]:
    """Compare a folder with its manifest.

    Args:
        folder: a folder that `write_manifest` has seen.

    Returns:
        One line for each file that was changed, is missing or was added, in order of name; empty where all agree.

    Raises:
        DocumentError: the folder or its manifest is missing, or the manifest cannot be read.

    Example:
        >>> verify_manifest("runs/2026-01-01")  # doctest: +SKIP
        ['report.html: changed since the manifest was written']
    """
    folder = Path(folder)
    found = _fingerprints(folder)
    recorded = _read(folder / MANIFEST_NAME).files
    differences: list[str] = []
    for name in sorted(found.keys() | recorded.keys()):
        if name not in found:
            differences.append(f"{name}: missing, but listed in the manifest")
        elif name not in recorded:
            differences.append(f"{name}: added after the manifest was written")
        elif found[name][0] != recorded[name].sha256:
            was, now = recorded[name].bytes, found[name][1]
            size = f" ({was} bytes then, {now} now)" if was != now else ""
            differences.append(f"{name}: changed since the manifest was written{size}")
        elif found[name][1] != recorded[name].bytes:
            differences.append(
                f"{name}: the manifest gives {recorded[name].bytes} bytes, the file has {found[name][1]}"
            )
    return differences


def _write(folder: Path, files: dict[str, _File]) -> Path:
    path = folder / MANIFEST_NAME
    # Written beside and moved into place, so that a crash leaves the earlier manifest whole.
    draft = folder / f".{MANIFEST_NAME}.part"
    listed = {name: file.model_dump() for name, file in files.items()}
    draft.write_text(json.dumps({"version": "1.0", "files": listed}, indent=2, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)
    return path


def _fingerprint(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def _fingerprints(folder: Path) -> dict[str, tuple[str, int]]:
    if not folder.is_dir():
        raise DocumentError(f"{folder}: no such folder; give the folder that holds audit.json")
    result: dict[str, tuple[str, int]] = {}
    for base, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            if (Path(base) / name).is_symlink():
                raise DocumentError(f"{Path(base) / name}: is a symbolic link; put the file itself into the folder")
        for name in names:
            path = Path(base) / name
            relative = path.relative_to(folder).as_posix()
            if relative in _UNLISTED:
                continue
            result[relative] = _fingerprint(path)
    return dict(sorted(result.items()))


def _read(path: Path) -> _Manifest:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # JSON readers differ on which of two equal keys counts, so a manifest with two says nothing.
        keys = [key for key, _ in pairs]
        if doubled := next((key for key in keys if keys.count(key) > 1), None):
            raise DocumentError(f"{path}: {doubled!r} is listed twice; write the manifest again")
        return dict(pairs)

    try:
        raw = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except FileNotFoundError:
        raise DocumentError(f"{path}: no such file; an audited folder holds a {MANIFEST_NAME}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{path}: not valid JSON ({error}); the file may be truncated") from None
    if not isinstance(raw, dict) or raw.get("version") != "1.0":
        raise DocumentError(f"{path}: $.version is not '1.0'; upgrade genassay if the file is newer")
    try:
        return _Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{key!r}]" if "." in str(key) else f".{key}" for key in first["loc"])
        raise DocumentError(f"{path}: ${where}: {first['msg']}") from None
