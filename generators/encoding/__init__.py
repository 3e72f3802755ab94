"""Records to codes and back."""

from __future__ import annotations

from generators.encoding.audio import MelCepstrum
from generators.encoding.labels import LabelEncoder
from generators.encoding.mixed import MixedEncoder
from generators.encoding.tabular import TabularEncoder

__all__ = ["LabelEncoder", "MelCepstrum", "MixedEncoder", "TabularEncoder"]
