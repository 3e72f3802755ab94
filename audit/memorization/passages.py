"""Passages of texts: every run of ten words and signs, each as one number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from audit.memorization.recognition import Found, Keys, Numbers, hashed, recognised

SPAN = 10
"""Words and signs in a row that count as a passage: half of a usual text message, seldom shared by chance."""

MOST = 20_000_000
"""Passages of asked texts that are kept at most, about 300 MB; of more, one in so many, the same ones in every text."""

AT_A_TIME = 5_000
"""Published texts whose passages are in memory at a time."""

_WORD = re.compile(r"\w+|[^\w\s]")
_STEP = np.uint64(0x9E3779B97F4A7C15)


def repeated(texts: Sequence[str], published: Sequence[str], known: Sequence[str], one_in: int = 1) -> Found:
    """Which texts have a passage that stands in a published text and in none that is known?

    Args:
        texts: what is asked about; those shorter than a passage are not.
        published: where passages are looked for.
        known: whose passages say nothing about anybody.
        one_in: only so many passages are looked at, chosen by what they say; see `thinned`.

    Example:
        >>> text = "one two three four five six seven eight nine ten eleven"
        >>> repeated([text, "too short"], ["zero " + text], []).hit.tolist()
        [True, False]
        >>> repeated([text], [text], [text]).hit.tolist()
        [False]
    """
    parts = list(_in_parts(texts, one_in))
    first = np.cumsum([0, *(part.count for part in parts)])
    asked = Keys(
        np.concatenate([np.zeros(0, dtype=np.uint64), *(part.numbers for part in parts)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(part.texts + start for part, start in zip(parts, first))]),  # noqa: B905
        len(texts),
    )
    return recognised(asked, _numbers(published, one_in), _numbers(known, one_in))


def thinned(texts: Sequence[str], most: int = MOST) -> int:
    """One passage in how many can be looked at, if at most so many are to be kept? One in one where all can.

    Example:
        >>> thinned(["a b c d e f g h i j k l"] * 100, most=10_000), thinned(["a " * 1000] * 100, most=10_000)
        (1, 10)
    """
    letters = sum(map(len, texts))
    if letters <= most:  # fewer letters than passages allowed: no need to count words
        return 1
    return max(1, -(-sum(len(_WORD.findall(text)) for text in texts) // most))


def passages(texts: Sequence[str], one_in: int = 1) -> Keys:
    """Every run of `SPAN` words and signs of each text; upper case, spaces and line breaks make no difference.

    A run is hashed as the sum of its words' hashes, each times a power of an odd number by its place, in 64 bits.

    Example:
        >>> passages(["a b c d e f g h i j k", "A  b, c"]).texts.tolist()
        [0, 0]
    """
    words = [_WORD.findall(text.lower()) for text in texts]
    text_of = np.repeat(np.arange(len(texts), dtype=np.int64), [len(one) for one in words])
    count = len(text_of) - SPAN + 1
    if count < 1:
        return Keys.of_strings([[] for _ in texts])
    each = hashed([word for one in words for word in one])
    runs, power = np.zeros(count, dtype=np.uint64), np.uint64(1)
    with np.errstate(over="ignore"):
        for place in range(SPAN):
            runs += power * each[place : place + count]
            power = power * _STEP
    whole = text_of[:count] == text_of[SPAN - 1 :]
    if one_in > 1:
        whole &= (runs >> np.uint64(32)) % np.uint64(one_in) == 0
    return Keys.of(runs[whole], text_of[:count][whole], len(texts))


def _in_parts(texts: Sequence[str], one_in: int) -> Iterator[Keys]:
    for start in range(0, len(texts), AT_A_TIME):
        yield passages(texts[start : start + AT_A_TIME], one_in)


def _numbers(texts: Sequence[str], one_in: int) -> Iterator[Numbers]:
    return (part.numbers for part in _in_parts(texts, one_in))
