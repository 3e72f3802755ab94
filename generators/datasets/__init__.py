"""Data sets: schemas, readers, parts."""

from __future__ import annotations

from generators.datasets.builtin import builtin_names
from generators.datasets.columns import Column, Kind
from generators.datasets.dataset import Dataset, Modality
from generators.datasets.loading import load_dataset, load_parts, read_like
from generators.datasets.reading import read_table
from generators.datasets.schema import Schema
from generators.datasets.sources import require_writable
from generators.datasets.writing import write_records, write_table

__all__ = [
    "Column",
    "Dataset",
    "Kind",
    "Modality",
    "Schema",
    "builtin_names",
    "load_dataset",
    "load_parts",
    "read_like",
    "read_table",
    "require_writable",
    "write_records",
    "write_table",
]
