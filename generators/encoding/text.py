"""Texts as sequences of tokens, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from generators.encoding.bytepairs import Pair, learn_merges, merged, words_of
from generators.errors import InputError
from generators.privacy.ledger import Ledger

END, UNKNOWN = 0, 1
"""Tokens of every vocabulary: the end of a record, and a character that the vocabulary lacks."""
_FIRST = 2

Vocabulary = Literal["characters", "bpe"]


class TextEncoder:
    """Turns texts into tokens: characters, or the frequent pieces of words that byte-pair encoding finds.

    Decoding an encoded text gives it back, as long as its characters are known; an unknown one becomes `UNKNOWN`.

    With `public_only` nothing is learnt from the texts: tokens are the 256 bytes of UTF-8, which write any text.

    Args:
        vocabulary: `characters`, or `bpe`.
        size: Tokens of a byte-pair vocabulary at most, at least as many as there are characters.
        public_only: Whether to learn nothing, as differential privacy needs.

    Example:
        >>> encoder = TextEncoder().fit(["to be", "or not"])
        >>> encoder.decode(encoder.encode("not to be"))
        'not to be'
    """

    def __init__(self, vocabulary: Vocabulary = "characters", size: int = 1024, *, public_only: bool = False) -> None:
        self.vocabulary: Vocabulary = vocabulary
        self.limit = size
        self.public_only = public_only

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn the vocabulary.

        Raises:
            InputError: The texts have more characters than a byte-pair vocabulary may have tokens, or, with
                `public_only`, a vocabulary is to be learnt.
        """
        pieces: list[str] = []
        merges: list[Pair] = []
        if self.public_only:
            if self.vocabulary == "bpe":
                raise InputError(
                    "vocabulary: byte pairs are learnt from the records; under a budget use vocabulary 'characters', "
                    "which then are the bytes of UTF-8"
                )
        else:
            pieces = sorted(set().union(*texts))
            if self.vocabulary == "bpe":
                spare = self.limit - _FIRST - len(pieces)
                if spare < 0:
                    raise InputError(
                        f"vocabulary_size is {self.limit}, but the texts have {len(pieces)} different characters; "
                        f"give at least {len(pieces) + _FIRST}"
                    )
                merges = learn_merges(texts, spare)
        return self._set(pieces, merges)

    def _set(self, characters: Iterable[str], merges: Iterable[Pair]) -> Self:
        self.merges_: tuple[Pair, ...] = tuple(merges)
        # Two merges can make the same piece in two ways; it is one token.
        self.pieces_: tuple[str, ...] = tuple(dict.fromkeys([*characters, *("".join(pair) for pair in self.merges_)]))
        self._tokens = {piece: token for token, piece in enumerate(self.pieces_, start=_FIRST)}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges_)}
        return self

    @property
    def size(self) -> int:
        """Number of tokens that can be predicted, `END` and `UNKNOWN` among them."""
        return _FIRST + (256 if self.public_only else len(self.pieces_))

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """Return a text's tokens, without an end, shape (tokens,)."""
        if self.public_only:
            raw = text.encode("utf-8", errors="replace")
            return np.frombuffer(raw, dtype=np.uint8).astype(np.int64) + _FIRST
        pieces: Iterable[str] = text
        if self.merges_:
            known = {word: merged(word, self._ranks) for word in dict.fromkeys(words_of(text))}
            pieces = [piece for word in words_of(text) for piece in known[word]]
        return np.array([self._tokens.get(piece, UNKNOWN) for piece in pieces], dtype=np.int64)

    def encode_all(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """Return the tokens of each text."""
        return [self.encode(text) for text in texts]

    def decode(self, tokens: npt.NDArray[np.int64]) -> str:
        """Return the text up to the first `END`; what is unknown, or no valid UTF-8, becomes U+FFFD."""
        ends = np.flatnonzero(tokens == END)
        kept = (tokens[: ends[0]] if len(ends) else tokens).tolist()
        if self.public_only:
            raw = bytes(token - _FIRST if token >= _FIRST else 0xFF for token in kept)
            return raw.decode("utf-8", errors="replace")
        return "".join(self.pieces_[token - _FIRST] if token >= _FIRST else "\ufffd" for token in kept)

    def require_known(self, text: str, what: str) -> None:
        """Refuse a text with characters that the vocabulary lacks.

        Args:
            text: The text.
            what: What to call it in the message.

        Raises:
            InputError: It has one; the message names the first.
        """
        unknown = [] if self.public_only else [sign for sign in text if sign not in self._tokens]
        if unknown:
            raise InputError(
                f"{what}: the character {unknown[0]!r} (U+{ord(unknown[0]):04X}) is not in the vocabulary, which was "
                "learnt from the training texts; leave it out"
            )

    def record(self, ledger: Ledger) -> None:
        """Write into the ledger what was learnt from the data, or was public."""
        if self.public_only:
            ledger.add("the vocabulary: the 256 bytes of UTF-8", "public", public="the Unicode standard")
        elif self.merges_:
            ledger.add(f"a vocabulary of {self.size} characters and pieces of words", "none")
        else:
            ledger.add(f"a vocabulary of {self.size} characters", "none")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready state."""
        characters = [piece for piece in self.pieces_ if len(piece) == 1]
        return {
            "vocabulary": self.vocabulary,
            "size": self.limit,
            "public_only": self.public_only,
            "characters": characters,
            "merges": [list(pair) for pair in self.merges_],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a fitted encoder from `to_dict` state."""
        encoder = cls(data["vocabulary"], data["size"], public_only=data["public_only"])
        return encoder._set(data["characters"], [(left, right) for left, right in data["merges"]])
