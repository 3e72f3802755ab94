"""Text from outside, made safe to look at: nothing hidden, nothing that reorders its neighbours, nothing endless."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[ -~\n\t]*")
# Joiners shape emoji and Indic or Persian words, the soft hyphen only offers a line break: these mislead nobody.
_HARMLESS_FORMATS = frozenset("\u00ad\u200c\u200d")
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def visible(text: str) -> str:
    r"""Replace every character that hides or reorders text by its code point, as in `⟨U+202E⟩`.

    Bidirectional overrides can make a page read the opposite of what its file says (Boucher and Anderson,
    "Trojan Source", 2023), and control characters are not allowed in XML at all. Line feeds and tabs stay.

    Args:
        text: any string.

    Returns:
        The same string with control, format, line-separator and non-character code points spelled out.

    Example:
        >>> visible("fail\u202e")
        'fail⟨U+202E⟩'
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(f"⟨U+{ord(char):04X}⟩" if _hides(char) else char for char in text)


def elide(text: str, length: int = 80) -> str:
    """Keep the start of a long text and say how long it was; the whole of it stays in the document.

    Args:
        text: any string.
        length: the number of characters kept.

    Example:
        >>> elide("a" * 2000, length=4)
        'aaaa… (2000 characters)'
    """
    # A tail shorter than the note about it is better shown than counted.
    return text if len(text) <= length + 20 else f"{text[:length]}… ({len(text)} characters)"


def short(text: str, length: int = 28) -> str:
    """One line of at most `length` visible characters, for a label inside a drawing."""
    # Cut before the costly part, but late enough that runs of blanks do not eat what is to be shown.
    line = visible(" ".join(text[: 20 * length].split()))
    cut = len(line) > length or len(text) > 20 * length
    return line[: length - 1] + "…" if cut else line


def sentence(text: str) -> str:
    """Begin a remark with a capital and end it with a full stop.

    Example:
        >>> sentence("a target without a leak stayed quiet")
        'A target without a leak stayed quiet.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) or not text else ".")


def _hides(char: str) -> bool:
    if char in "\n\t" or char in _HARMLESS_FORMATS:
        return False
    return unicodedata.category(char) in _HIDDEN or ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
