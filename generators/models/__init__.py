"""Model families. Classes, and what works on them, are imported on first use, because torch takes seconds to load."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from generators.models.registry import create, kinds, load_generator, locations, register

if TYPE_CHECKING:
    from generators.models.audio.transformer import AudioTransformer
    from generators.models.audio.vae import AudioVAE
    from generators.models.base import Generator
    from generators.models.compression import compress
    from generators.models.image.diffusion import ImageDiffusion
    from generators.models.image.gan import ImageGAN
    from generators.models.image.vae import ImageVAE
    from generators.models.neural import NeuralGenerator
    from generators.models.tabular.diffusion import TabularDiffusion
    from generators.models.tabular.flow import TabularFlow
    from generators.models.tabular.gan import TabularGAN
    from generators.models.tabular.marginal import TabularMarginal
    from generators.models.tabular.transformer import TabularTransformer
    from generators.models.tabular.vae import TabularVAE
    from generators.models.text.recurrent import TextRecurrent
    from generators.models.text.transformer import TextTransformer
    from generators.models.text.transformer_xl import TextTransformerXL

__all__ = [
    "AudioTransformer",
    "AudioVAE",
    "Generator",
    "ImageDiffusion",
    "ImageGAN",
    "ImageVAE",
    "NeuralGenerator",
    "TabularDiffusion",
    "TabularFlow",
    "TabularGAN",
    "TabularMarginal",
    "TabularTransformer",
    "TabularVAE",
    "TextRecurrent",
    "TextTransformer",
    "TextTransformerXL",
    "compress",
    "create",
    "kinds",
    "load_generator",
    "register",
]


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
