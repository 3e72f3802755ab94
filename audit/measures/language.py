"""A language model that needs no training: word trigrams, by which texts of any making can be judged."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DISCOUNT = 0.75
_WORD = re.compile(r"\w+|[^\w\s]")
_START, _END = "<s>", "</s>"


def words_of(text: str) -> list[str]:
    """Words and signs of a text, in lower case.

    Example:
        >>> words_of("Yes, it is.")
        ['yes', ',', 'it', 'is', '.']
    """
    return _WORD.findall(text.lower())


class Trigrams:
    """Interpolated word trigrams with absolute discounting.

    The probability of a word after two others is what is left of its count when .75 is taken off, plus what was taken
    off shared out by the probability after the last word alone, and so on down to one share for every known word and
    one for all unknown ones.

    Args:
        texts: What to learn from.

    Example:
        >>> model = Trigrams(["the cat sat", "the cat ran"])
        >>> model.perplexity(["the cat sat"]) < model.perplexity(["sat the the"])
        True

    Source: Ney, Essen and Kneser, "On structuring probabilistic dependences in stochastic language modelling" (1994).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts: list[dict[tuple[str, ...], Counter[str]]] = [defaultdict(Counter) for _ in range(3)]
        self._known: set[str] = set()
        for text in texts:
            words = [_START, _START, *words_of(text), _END]
            self._known.update(words[2:])
            for place in range(2, len(words)):
                for order in range(3):
                    self._counts[order][tuple(words[place - order : place])][words[place]] += 1
        self._totals = [{before: after.total() for before, after in counts.items()} for counts in self._counts]

    def log_likelihoods(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Nats that the model gives each text, its end included, and its words with the end, shapes (texts,)."""
        found, lengths = [], []
        for text in texts:
            words = [_START, _START, *words_of(text), _END]
            found.append(sum(math.log(self._probability(words, place)) for place in range(2, len(words))))
            lengths.append(len(words) - 2)
        return np.array(found), np.array(lengths, dtype=np.float64)

    def perplexity(self, texts: Sequence[str]) -> float:
        """Between how many words the model hesitates, from 1: exp of the mean loss per word; lower is likelier."""
        likelihoods, lengths = self.log_likelihoods(texts)
        return float(np.exp(-likelihoods.sum() / lengths.sum()))

    def _probability(self, words: list[str], place: int) -> float:
        probability = 1 / (len(self._known) + 1)
        for order in range(3):
            before = tuple(words[place - order : place])
            total = self._totals[order].get(before)
            if total is None:
                break
            after = self._counts[order][before]
            taken = DISCOUNT * len(after) / total
            probability = max(after.get(words[place], 0) - DISCOUNT, 0) / total + taken * probability
        return probability
