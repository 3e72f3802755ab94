"""Byte-pair encoding on characters (Sennrich et al. 2016): frequent neighbours become one token, again and again."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

Pair = tuple[str, str]

_WORDS = re.compile(r" ?\w+| ?[^\w\s]+|\s+")
"""A word with the space before it, a run of marks, or blank space. Every character falls into one of them."""


def words_of(text: str) -> list[str]:
    """Cut a text into the stretches that tokens stay within; joined, they are the text.

    Example:
        >>> words_of("to be, or not")
        ['to', ' be', ',', ' or', ' not']
    """
    return _WORDS.findall(text)


def learn_merges(texts: Iterable[str], merges: int) -> list[Pair]:
    """Find the pairs of tokens to join, the most frequent first, ties in the order of their characters.

    Args:
        texts: Training texts.
        merges: Largest number of pairs; fewer if no pair stands twice.

    Returns:
        Pairs in the order in which `merged` is to join them.
    """
    frequency = Counter(word for text in texts for word in words_of(text))
    words = [list(word) for word in frequency]
    times = list(frequency.values())
    counts: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[number]
            places[pair].add(number)
    # Counts change, and the heap keeps old ones: an entry holds only if it is still the pair's count.
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    learnt: list[Pair] = []
    while heap and len(learnt) < merges:
        count, pair = heapq.heappop(heap)
        if -count != counts[pair] or counts[pair] < 2:
            continue
        learnt.append(pair)
        changed: set[Pair] = set()
        for number in places.pop(pair):
            old, new = words[number], joined(words[number], pair)
            for one in pairwise(old):
                counts[one] -= times[number]
            for one in pairwise(new):
                counts[one] += times[number]
                places[one].add(number)
            changed |= {*pairwise(old), *pairwise(new)}
            words[number] = new
        for one in changed:
            heapq.heappush(heap, (-counts[one], one))
    return learnt


def joined(tokens: list[str], pair: Pair) -> list[str]:
    """Join every occurrence of a pair, from the left.

    Example:
        >>> joined(["a", "b", "a", "b", "b"], ("a", "b"))
        ['ab', 'ab', 'b']
    """
    result: list[str] = []
    place = 0
    while place < len(tokens):
        both = place + 1 < len(tokens) and (tokens[place], tokens[place + 1]) == pair
        result.append("".join(pair) if both else tokens[place])
        place += 1 + both
    return result


def merged(word: str, ranks: Mapping[Pair, int]) -> list[str]:
    """Cut one word into tokens.

    Args:
        word: One of `words_of` a text.
        ranks: Position of each learnt pair; earlier ones are joined first.
    """
    tokens = list(word)
    while len(tokens) > 1:
        best = min(pairwise(tokens), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        tokens = joined(tokens, best)
    return tokens
