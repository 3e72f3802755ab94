"""Trained models kept in a folder, so that an interrupted audit goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from joblib import effective_n_jobs

from generators import Generator

BATCH = 32
"""Models that are trained before they are kept, for each worker that there is."""


def kept(
    folder: Path | None,
    family: type[Generator],
    count: int,
    identity: dict[str, Any],
    train: Callable[[Sequence[int]], list[Generator]],
) -> list[Generator]:
    """Train models, or load those that a folder holds already from an earlier run of the same audit.

    Args:
        folder: Where to keep them; None to keep none. A folder below it is named after the identity.
        family: Their class.
        count: How many.
        identity: All that they follow from, as JSON-ready data.
        train: Trains the models of these numbers.

    Returns:
        Fitted models, in order of their numbers.
    """
    if folder is None:
        return train(range(count))
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    place = folder / f"{family.kind}-{digest[:16]}"
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / f"{number:04d}" for number in range(count)]
    models: dict[int, Generator] = {number: family.load(path) for number, path in enumerate(paths) if path.exists()}
    missing = [number for number in range(count) if number not in models]
    batch = BATCH * effective_n_jobs(None)
    for start in range(0, len(missing), batch):
        numbers = missing[start : start + batch]
        for number, model in zip(numbers, train(numbers), strict=True):
            model.save(paths[number])
            models[number] = model
    return [models[number] for number in range(count)]
