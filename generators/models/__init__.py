"""Model families. Classes, and what works on them, are imported on first use, because torch takes seconds to load."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from generators.models.registry import create, kinds, load_generator, locations, register

if TYPE_CHECKING:
    from generators.models.base import Generator
    from generators.models.compression import compress
    from generators.models.neural import NeuralGenerator
    from generators.models.tabular.vae import TabularVAE

__all__ = ["Generator", "NeuralGenerator", "TabularVAE", "compress", "create", "kinds", "load_generator", "register"]


def __getattr__(name: str) -> Any:
    modules = {
        "Generator": "generators.models.base",
        "NeuralGenerator": "generators.models.neural",
        "compress": "generators.models.compression",
        **{location.partition(":")[2]: location.partition(":")[0] for location in locations().values()},
    }
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(modules[name]), name)
