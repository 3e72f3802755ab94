"""Model families. Classes are imported on first use, because torch takes seconds to load."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from generators.models.registry import create, kinds, load_generator, register

if TYPE_CHECKING:
    from generators.models.base import Generator
    from generators.models.vae import TabularVAE

__all__ = ["Generator", "TabularVAE", "create", "kinds", "load_generator", "register"]

_LAZY = {"Generator": "generators.models.base", "TabularVAE": "generators.models.vae"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
