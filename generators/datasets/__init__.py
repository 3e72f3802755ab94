"""Data sets: schemas, readers, parts."""

from __future__ import annotations

from generators.datasets.builtin import builtin_names
from generators.datasets.dataset import Dataset
from generators.datasets.loading import load_dataset, load_parts, read_like, write_table
from generators.datasets.reading import read_table
from generators.datasets.schema import Column, Kind, Schema

__all__ = [
    "Column",
    "Dataset",
    "Kind",
    "Schema",
    "builtin_names",
    "load_dataset",
    "load_parts",
    "read_like",
    "read_table",
    "write_table",
]
