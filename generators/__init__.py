"""Generative models, the data they learn from, and the privacy they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generators import models
from generators.datasets import (
    Column,
    Dataset,
    Modality,
    Schema,
    builtin_names,
    load_dataset,
    load_parts,
    read_like,
    read_table,
    require_writable,
    write_records,
    write_table,
)
from generators.errors import InputError
from generators.models import create, kinds, load_generator, register
from generators.privacy import Ledger, PrivacyBudget, PrivatePlan, plan_training

if TYPE_CHECKING:
    from generators.models import (
        AudioTransformer,
        AudioVAE,
        Generator,
        ImageDiffusion,
        ImageGAN,
        ImageVAE,
        NeuralGenerator,
        TabularDiffusion,
        TabularFlow,
        TabularGAN,
        TabularMarginal,
        TabularTransformer,
        TabularVAE,
        TextRecurrent,
        TextTransformer,
        TextTransformerXL,
        compress,
    )

__all__ = [
    "AudioTransformer",
    "AudioVAE",
    "Column",
    "Dataset",
    "Generator",
    "ImageDiffusion",
    "ImageGAN",
    "ImageVAE",
    "InputError",
    "Ledger",
    "Modality",
    "NeuralGenerator",
    "PrivacyBudget",
    "PrivatePlan",
    "Schema",
    "TabularDiffusion",
    "TabularFlow",
    "TabularGAN",
    "TabularMarginal",
    "TabularTransformer",
    "TabularVAE",
    "TextRecurrent",
    "TextTransformer",
    "TextTransformerXL",
    "builtin_names",
    "compress",
    "create",
    "kinds",
    "load_dataset",
    "load_generator",
    "load_parts",
    "plan_training",
    "read_like",
    "read_table",
    "register",
    "require_writable",
    "write_records",
    "write_table",
]


def __getattr__(name: str) -> Any:
    # Model classes bring torch along; `models` imports them on first use.
    if name in __all__:
        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
