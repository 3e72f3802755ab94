"""What must be known to run an audit again: versions, data fingerprints, seed and command."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from generators import Dataset
from reports import Provenance
from reports.document import DataPart

_PACKAGES = ("torch", "opacus", "dp-accounting", "numpy", "scipy", "scikit-learn", "pandas")


def installed(package: str) -> str:
    """The installed version of a distribution, or `not installed`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def provenance(dataset: Dataset, seed: int, command: str, synthetic_sha256: str, synthetic_rows: int) -> Provenance:
    """Describe this audit's inputs and surroundings."""
    parts = {name: DataPart(sha256=dataset.fingerprint(name), rows=len(frame)) for name, frame in dataset.parts.items()}
    parts["synthetic"] = DataPart(sha256=synthetic_sha256, rows=synthetic_rows)
    return surroundings(parts, seed, command)


def surroundings(parts: dict[str, DataPart], seed: int, command: str) -> Provenance:
    """Describe where an audit of these inputs was run."""
    return Provenance(
        genassay=installed("genassay"),
        python=platform.python_version(),
        packages={name: installed(name) for name in _PACKAGES},
        platform=f"{platform.system()} {platform.machine()}",
        git=_commit(),
        seed=seed,
        data=parts,
        command=command,
    )


def _commit() -> str | None:
    """The git commit of the working folder, if it is in a repository."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
