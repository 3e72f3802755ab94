"""Records to codes and back."""

from __future__ import annotations

from generators.encoding.audio import MelCepstrum, mu_law_decode, mu_law_encode
from generators.encoding.labels import LabelEncoder
from generators.encoding.mixed import MixedEncoder
from generators.encoding.tabular import TabularEncoder

__all__ = ["LabelEncoder", "MelCepstrum", "MixedEncoder", "TabularEncoder", "mu_law_decode", "mu_law_encode"]
