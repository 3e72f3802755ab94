"""What texts could be recognised by, as numbers: passages, addresses, names.

Each is hashed to 64 bits, since millions of passages as strings would not fit into memory. Two different ones share a
number once in 2**64 pairs: a million in train against ten million published collide with probability under one in a
million.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


@dataclass(frozen=True)
class Keys:
    """What each of some texts could be recognised by.

    Attributes:
        numbers: the hash of each key, shape (keys,).
        texts: in which text it stands, shape (keys,); no key stands twice in a text.
        count: how many texts there are.
    """

    numbers: Numbers
    texts: NDArray[np.int64]
    count: int

    @classmethod
    def of(cls, numbers: Numbers, texts: NDArray[np.int64], count: int) -> Keys:
        """Keys of which some may stand in a text more than once."""
        once = ~pd.DataFrame({"text": texts, "number": numbers}).duplicated().to_numpy()
        return cls(numbers[once], texts[once], count)

    @classmethod
    def of_strings(cls, strings: Iterable[Iterable[str]]) -> Keys:
        """The strings of each text as keys."""
        found = [sorted(set(mine)) for mine in strings]
        lengths = [len(mine) for mine in found]
        return cls(
            hashed([one for mine in found for one in mine]),
            np.repeat(np.arange(len(found), dtype=np.int64), lengths),
            len(found),
        )

    def some(self, chosen: NDArray[np.bool_]) -> Keys:
        """Some of the keys of the same texts."""
        return Keys(self.numbers[chosen], self.texts[chosen], self.count)


@dataclass(frozen=True)
class Found:
    """What became of texts.

    Attributes:
        asked: which can be asked about at all, shape (texts,).
        hit: which of them were found, shape (texts,).
        common: in how many others of the texts the most common part of each stands, shape (texts,): what many write,
            chance finds more often.
    """

    asked: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    common: NDArray[np.int64]


def hashed(strings: list[str]) -> Numbers:
    """A number of 64 bits for each string, the same one in every run (SipHash with a fixed key)."""
    if not strings:
        return np.zeros(0, dtype=np.uint64)
    return np.asarray(pd.util.hash_array(np.array(strings, dtype=object), categorize=False), dtype=np.uint64)


def recognised(keys: Keys, said: Iterable[Numbers], known: Iterable[Numbers]) -> Found:
    """Which texts have something that was said and that nobody is known to share?

    Args:
        keys: what texts could be recognised by; a text without any key of its own is not asked about.
        said: what stands in the published texts, a part at a time.
        known: what stands in the reference, a part at a time: what everybody writes is nobody's.

    Example:
        >>> said = Keys.of_strings([["ann"]]).numbers
        >>> found = recognised(Keys.of_strings([["ann"], ["bob"], []]), [said], [])
        >>> found.asked.tolist(), found.hit.tolist()
        ([True, True, False], [True, False, False])
    """
    own = keys.some(~_among(keys.numbers, known))
    _, which, often = np.unique(own.numbers, return_inverse=True, return_counts=True)
    common = np.zeros(keys.count, dtype=np.int64)
    np.maximum.at(common, own.texts, often[which.reshape(-1)] - 1)
    return Found(_any(own, np.ones(len(own.numbers), dtype=bool)), _any(own, _among(own.numbers, said)), common)


def _among(numbers: Numbers, parts: Iterable[Numbers]) -> NDArray[np.bool_]:
    """Which numbers stand in any part; only one part is in memory at a time."""
    found = np.zeros(len(numbers), dtype=bool)
    for part in parts:
        found |= np.isin(numbers, part)
    return found


def _any(keys: Keys, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.bincount(keys.texts[chosen], minlength=keys.count) > 0
