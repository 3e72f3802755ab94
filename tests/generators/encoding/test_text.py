from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import InputError, Ledger
from generators.encoding.bytepairs import joined, learn_merges, merged, words_of
from generators.encoding.text import END, UNKNOWN, TextEncoder, Vocabulary

TEXTS = st.lists(st.text(alphabet="ab \n.é漢🙂", max_size=40), min_size=1, max_size=12)
ANYTHING = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)


def restored(encoder: TextEncoder) -> TextEncoder:
    return TextEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))


@pytest.mark.parametrize("vocabulary", ["characters", "bpe"])
@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, data=st.data())
def test_texts_of_known_characters_come_back(vocabulary: Vocabulary, texts: list[str], data: st.DataObject) -> None:
    encoder = TextEncoder(vocabulary, size=40).fit(texts)
    alphabet = sorted(set("".join(texts)))
    other = data.draw(st.text(alphabet=alphabet, max_size=50)) if alphabet else ""
    for text in (*texts, other):
        tokens = encoder.encode(text)
        assert encoder.decode(tokens) == text
        assert np.array_equal(restored(encoder).encode(text), tokens)
        assert all(UNKNOWN < token < encoder.size for token in tokens)
    assert encoder.size <= 40


@settings(deadline=None)
@given(text=ANYTHING)
def test_bytes_write_any_text_and_learn_nothing(text: str) -> None:
    encoder = TextEncoder(public_only=True).fit(["only this"])
    assert encoder.to_dict() == TextEncoder(public_only=True).fit([text]).to_dict()
    assert encoder.size == 258
    assert encoder.decode(encoder.encode(text)) == text
    assert np.array_equal(restored(encoder).encode(text), encoder.encode(text))
    encoder.require_known(text, "prompt")


@settings(deadline=None)
@given(tokens=st.lists(st.integers(0, 257), max_size=30))
def test_bytes_that_are_no_text_are_replaced(tokens: list[int]) -> None:
    text = TextEncoder(public_only=True).fit([]).decode(np.array(tokens, dtype=np.int64))
    assert text.encode("utf-8").decode("utf-8") == text


def test_texts_stop_at_their_end_and_unknown_characters_show() -> None:
    encoder = TextEncoder().fit(["ab"])
    a, b = encoder.encode("ab")
    assert encoder.decode(np.array([a, END, b])) == "a"
    assert encoder.encode("a?").tolist() == [a, UNKNOWN]
    assert encoder.decode(encoder.encode("a?")) == "a\ufffd"
    with pytest.raises(InputError, match=r"prompt 3: the character '\?' \(U\+003F\) is not in the vocabulary"):
        encoder.require_known("a?", "prompt 3")


@given(text=ANYTHING)
def test_words_are_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text


@settings(deadline=None)
@given(texts=TEXTS, merges=st.integers(0, 12))
def test_merges_are_those_of_the_plain_algorithm(texts: list[str], merges: int) -> None:
    """The book-keeping of counts changes nothing: counting afresh before every merge gives the same pairs."""
    words = [list(word) for text in texts for word in words_of(text)]
    expected = []
    for _ in range(merges):
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts or max(counts.values()) < 2:
            break
        expected.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        words = [joined(word, expected[-1]) for word in words]
    learnt = learn_merges(texts, merges)
    assert learnt == expected
    ranks = {pair: rank for rank, pair in enumerate(learnt)}
    assert [merged(word, ranks) for text in texts for word in words_of(text)] == words


def test_byte_pairs_shorten_texts() -> None:
    texts = ["the cat sees the dog", "the dog sees the cat"] * 3
    plain, pairs = TextEncoder().fit(texts), TextEncoder("bpe", size=60).fit(texts)
    assert len(pairs.encode(texts[0])) < len(plain.encode(texts[0])) / 2
    assert " the" in pairs.pieces_


def test_a_byte_pair_vocabulary_needs_room_and_data() -> None:
    with pytest.raises(InputError, match="vocabulary_size is 4, but the texts have 3 different characters"):
        TextEncoder("bpe", size=4).fit(["abc"])
    with pytest.raises(InputError, match="byte pairs are learnt from the records"):
        TextEncoder("bpe", public_only=True).fit(["abc"])


@pytest.mark.parametrize(("vocabulary", "public_only"), [("characters", False), ("bpe", False), ("characters", True)])
def test_the_ledger_says_what_was_learnt(vocabulary: Vocabulary, public_only: bool) -> None:
    ledger = Ledger()
    TextEncoder(vocabulary, public_only=public_only).fit(["to be"]).record(ledger)
    assert [entry.mechanism for entry in ledger] == ["public" if public_only else "none"]
