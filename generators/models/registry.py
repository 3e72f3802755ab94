"""The model families by kind. Nothing here imports a model, or torch, before one is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generators.errors import InputError

if TYPE_CHECKING:
    from generators.models.base import Generator

_FAMILIES: dict[str, str] = {
    "tabular-vae": "generators.models.vae:TabularVAE",
}


def kinds() -> tuple[str, ...]:
    """Return the kinds of generator that can be created."""
    return tuple(sorted(_FAMILIES))


def register(kind: str, location: str) -> None:
    """Make another family known.

    Args:
        kind: Its name, as in `genassay train KIND`.
        location: `module:Class`, imported on first use.

    Raises:
        InputError: The kind is taken by another class.
    """
    if _FAMILIES.get(kind, location) != location:
        raise InputError(f"generator kind '{kind}' is taken by {_FAMILIES[kind]}")
    _FAMILIES[kind] = location


def family(kind: str) -> type[Generator]:
    """Return the class of a kind.

    Raises:
        InputError: There is no such kind.
    """
    if kind not in _FAMILIES:
        raise InputError(f"no generator kind '{kind}'; there are {', '.join(kinds())}")
    module, _, name = _FAMILIES[kind].partition(":")
    found: type[Generator] = getattr(importlib.import_module(module), name)
    return found


def create(kind: str, **parameters: Any) -> Generator:
    """Create an unfitted generator.

    Args:
        kind: One of `kinds()`.
        parameters: Its hyper-parameters.

    Raises:
        InputError: The kind or a hyper-parameter is unknown.
    """
    found = family(kind)
    unknown = set(parameters) - set(found.parameter_names())
    if unknown:
        known = ", ".join(found.parameter_names())
        raise InputError(f"{kind} has no hyper-parameter '{sorted(unknown)[0]}'; it has {known}")
    return found(**parameters)


def load_generator(path: str | Path) -> Generator:
    """Load any saved generator, whatever its kind.

    Raises:
        InputError: The folder is no saved generator, or is damaged.
    """
    from generators.models.storage import read_description

    return family(str(read_description(Path(path))["kind"])).load(path)
