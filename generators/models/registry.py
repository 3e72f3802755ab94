"""The model families by kind. Nothing here imports a model, or torch, before one is asked for.

Other packages add theirs through the entry point group `genassay.generators`, in their pyproject.toml:

    [project.entry-points."genassay.generators"]
    tabular-copula = "their_package.copula:TabularCopula"
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generators.errors import InputError

if TYPE_CHECKING:
    from generators.models.base import Generator

_FAMILIES: dict[str, str] = {
    "audio-transformer": "generators.models.audio.transformer:AudioTransformer",
    "audio-vae": "generators.models.audio.vae:AudioVAE",
    "image-diffusion": "generators.models.image.diffusion:ImageDiffusion",
    "image-gan": "generators.models.image.gan:ImageGAN",
    "image-gaussian": "generators.models.image.gaussian:ImageGaussian",
    "image-vae": "generators.models.image.vae:ImageVAE",
    "tabular-diffusion": "generators.models.tabular.diffusion:TabularDiffusion",
    "tabular-flow": "generators.models.tabular.flow:TabularFlow",
    "tabular-gan": "generators.models.tabular.gan:TabularGAN",
    "tabular-marginal": "generators.models.tabular.marginal:TabularMarginal",
    "tabular-transformer": "generators.models.tabular.transformer:TabularTransformer",
    "tabular-vae": "generators.models.tabular.vae:TabularVAE",
    "text-recurrent": "generators.models.text.recurrent:TextRecurrent",
    "text-transformer": "generators.models.text.transformer:TextTransformer",
    "text-transformer-xl": "generators.models.text.transformer_xl:TextTransformerXL",
}


GROUP = "genassay.generators"


def kinds() -> tuple[str, ...]:
    """Return the kinds of generator that can be created."""
    return tuple(sorted({**_installed(), **_FAMILIES}))


def locations() -> dict[str, str]:
    """Return `module:Class` of every kind."""
    return {**_installed(), **_FAMILIES}


def register(kind: str, location: str) -> None:
    """Make another family known.

    Args:
        kind: Its name, as in `genassay train KIND`.
        location: `module:Class`, imported on first use.

    Raises:
        InputError: The kind is taken by another class.
    """
    taken = locations().get(kind, location)
    if taken != location:
        raise InputError(f"generator kind '{kind}' is taken by {taken}")
    _FAMILIES[kind] = location


def family(kind: str) -> type[Generator]:
    """Return the class of a kind.

    Raises:
        InputError: There is no such kind, or it cannot be loaded.
    """
    location = locations().get(kind)
    if location is None:
        raise InputError(f"no generator kind '{kind}'; there are {', '.join(kinds())}")
    module, _, name = location.partition(":")
    try:
        found: type[Generator] = getattr(importlib.import_module(module), name)
    except Exception as error:  # importing runs another package's code, which may raise anything
        problem = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"generator kind '{kind}' cannot be loaded from {location}: {problem}") from error
    from generators.models.base import Generator

    if not (isinstance(found, type) and issubclass(found, Generator)):
        raise InputError(f"generator kind '{kind}' cannot be loaded from {location}: it is no Generator")
    return found


def create(kind: str, **parameters: Any) -> Generator:
    """Create an unfitted generator.

    Args:
        kind: One of `kinds()`.
        parameters: Its hyper-parameters.

    Raises:
        InputError: The kind or a hyper-parameter is unknown.
    """
    return family(kind)(**parameters)


def load_generator(path: str | Path) -> Generator:
    """Load any saved generator, whatever its kind.

    Raises:
        InputError: The folder is no saved generator, or is damaged.
    """
    from generators.models.storage import read_description

    return family(str(read_description(Path(path))["kind"])).load(path)


@cache
def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
