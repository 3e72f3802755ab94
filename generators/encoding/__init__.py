"""Records to codes and back."""

from __future__ import annotations

from generators.encoding.labels import LabelEncoder
from generators.encoding.tabular import TabularEncoder

__all__ = ["LabelEncoder", "TabularEncoder"]
