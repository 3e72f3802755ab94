"""How much of a text stands in others: BLEU, ROUGE and distinct n-grams."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Words = list[str]
Ngrams = Counter[tuple[str, ...]]

ORDERS = 4
"""Longest n-gram of BLEU, in words."""

_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_SPLITS = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),  # punctuation, but no period, comma, dash or apostrophe
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # period and comma unless a digit precedes
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # period and comma unless a digit follows
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # dash after a digit
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def bleu_words(text: str) -> Words:
    """The words of a text as BLEU counts them: the rules of NIST's mteval-v13a.

    Example:
        >>> bleu_words("It costs 2.50, no more.")
        ['It', 'costs', '2.50', ',', 'no', 'more', '.']
    """
    line = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES:
        line = line.replace(entity, sign)
    line = f" {line} "
    for pattern, apart in _SPLITS:
        line = pattern.sub(apart, line)
    return line.split()


def ngrams(words: Words, order: int) -> Ngrams:
    """How often each n-gram of an order occurs."""
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


class BleuCounts(NamedTuple):
    """What BLEU needs to know of each text, so that any part or weighting of texts has its score.

    Attributes:
        matched: n-grams that stand in a reference, by order, shape (texts, 4).
        total: n-grams, shape (texts, 4).
        length: words, shape (texts,).
        reference: words of the reference whose length is closest, shape (texts,).
    """

    matched: Floats
    total: Floats
    length: Floats
    reference: Floats


def bleu_counts(texts: Sequence[Words], references: Sequence[Sequence[Words]]) -> BleuCounts:
    """Count what BLEU needs.

    Args:
        texts: Words of each text; see `bleu_words`.
        references: For each text at least one reference, as words.
    """
    matched, total = np.zeros((len(texts), ORDERS)), np.zeros((len(texts), ORDERS))
    closest = np.zeros(len(texts))
    known: dict[int, list[Ngrams]] = {}  # references are shared by many texts
    for row, (words, others) in enumerate(zip(texts, references, strict=True)):
        closest[row] = min((abs(len(other) - len(words)), len(other)) for other in others)[1]
        for other in others:
            if id(other) not in known:
                known[id(other)] = [ngrams(other, order) for order in range(1, ORDERS + 1)]
        for order in range(1, ORDERS + 1):
            mine = ngrams(words, order)
            seen = [known[id(other)][order - 1] for other in others]
            matched[row, order - 1] = sum(min(count, max(one[ngram] for one in seen)) for ngram, count in mine.items())
            total[row, order - 1] = max(0, len(words) - order + 1)
    return BleuCounts(matched, total, np.array([len(words) for words in texts], dtype=np.float64), closest)


def bleu(counts: BleuCounts, weights: ArrayLike | None = None) -> Floats:
    """Corpus BLEU with exponential smoothing of orders without a match.

    Args:
        counts: Of each text.
        weights: How often each text counts, shape (texts,) or (draws, texts); once each if left out.

    Returns:
        From 0 to 100 (every n-gram stands in a reference), one for each row of weights; higher is closer; no unit.

    Example:
        >>> text = bleu_words("the cat sat on the mat")
        >>> round(float(bleu(bleu_counts([text], [[text]]))), 6)
        100.0

    Source: Papineni, Roukos, Ward and Zhu, "BLEU" (ACL 2002); smoothing of Chen and Cherry (2014), method 3; equal to
    sacrebleu's default (Post 2018).
    """
    taken = np.ones(len(counts.length)) if weights is None else np.asarray(weights, dtype=np.float64)
    matched, total = taken @ counts.matched, taken @ counts.total
    length, reference = taken @ counts.length, taken @ counts.reference
    missing = np.cumsum((matched == 0) & (total > 0), axis=-1)
    smoothed = np.where(matched > 0, matched, 1.0 / 2.0**missing)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(total > 0, smoothed / np.where(total > 0, total, 1), 0.0)
        logs = np.where(precision > 0, np.log(np.where(precision > 0, precision, 1)), -np.inf)
        brevity = np.minimum(0.0, 1 - reference / np.where(length > 0, length, np.nan))
    score = 100 * np.exp(brevity + logs.mean(axis=-1))
    return np.asarray(np.where((matched.sum(axis=-1) > 0) & (length > 0), score, 0.0))


def rouge_words(text: str) -> Words:
    """The words of a text as ROUGE counts them: lower-case letters and digits.

    Example:
        >>> rouge_words("Don't panic!")
        ['don', 't', 'panic']
    """
    return _NOT_A_WORD.sub(" ", text.lower()).split()


def rouge_n(text: Words, reference: Words, order: int) -> float:
    """The F-measure of shared n-grams, 0 to 1 (the same n-grams); higher is closer; no unit.

    Example:
        >>> rouge_n(["a", "b"], ["a", "c"], order=1)
        0.5

    Source: Lin, "ROUGE" (2004).
    """
    mine, other = ngrams(text, order), ngrams(reference, order)
    return _f_measure((mine & other).total(), mine.total(), other.total())


def rouge_l(text: Words, reference: Words) -> float:
    """The F-measure of the longest common subsequence, 0 to 1 (equal); higher is closer; no unit.

    Example:
        >>> round(rouge_l(["a", "b", "c"], ["a", "x", "c"]), 3)
        0.667

    Source: Lin, "ROUGE" (2004).
    """
    row = [0] * (len(reference) + 1)
    for word in text:
        before = 0
        for place, other in enumerate(reference, start=1):
            kept = row[place]
            row[place] = before + 1 if word == other else max(row[place], row[place - 1])
            before = kept
    return _f_measure(row[-1], len(text), len(reference))


def distinct_n(texts: Sequence[Words], order: int) -> float:
    """Different n-grams over all n-grams, 0 (always the same) to 1 (none twice); higher is more varied; no unit.

    It falls as texts get more: compare it with as many texts of the same length.

    Example:
        >>> distinct_n([["a", "b"], ["a", "c"]], order=1)
        0.75

    Source: Li, Galley, Brockett, Gao and Dolan, "A diversity-promoting objective function" (NAACL 2016).
    """
    counts: Ngrams = Counter()
    for words in texts:
        counts.update(ngrams(words, order))
    return len(counts) / counts.total() if counts else 0.0


def _f_measure(shared: int, mine: int, other: int) -> float:
    return 2 * shared / (mine + other) if mine and other else 0.0
