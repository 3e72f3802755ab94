"""Personal data by their patterns: addresses, numbers of several kinds, and names, in any script.

Texts are read in the Unicode form NFKC, in which full-width and composed characters look like ordinary ones; digits of
every script count as digits. A stretch of text is of one kind only, the first that claims it. Bank and card numbers
must have the check digits that they are made with, so that few others are taken for one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

Item = tuple[str, str]
"""A kind of personal data, and what stands there, in one way of writing it."""

_GAP = r"[ \u2010-\u2015./()-]{0,2}"
_DATE = re.compile(r"(?<![\d-])(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2}))(?![\d-])")
_NATIONAL = re.compile(r"^00|\(0\)")


class Kind(NamedTuple):
    """One kind of personal data.

    Attributes:
        pattern: where it might stand.
        written: its one way of writing, or None where it is nothing of the kind after all.
    """

    pattern: re.Pattern[str]
    written: Callable[[re.Match[str]], str | None]


def _lower(found: re.Match[str]) -> str:
    return found.group().casefold()


def _digits(text: str) -> str:
    """The decimal digits of a text, of whatever script, as 0 to 9."""
    return "".join(str(unicodedata.decimal(letter)) for letter in text if letter.isdecimal())


def _account(found: re.Match[str]) -> str | None:
    """An international bank account number, if its check digits are right (ISO 13616, modulo 97)."""
    plain = found.group().replace(" ", "").upper()
    number = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return plain if int(number) % 97 == 1 else None


def _card(found: re.Match[str]) -> str | None:
    """A payment card's number, if its check digit is right (Luhn's formula, ISO/IEC 7812)."""
    number = _digits(found.group())
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return number if sum(one // 10 + one % 10 for one in doubled) % 10 == 0 and len(set(number)) > 1 else None


def _phone(found: re.Match[str]) -> str | None:
    """Seven to fifteen digits (ITU-T E.164) without the signs that only tell how to dial."""
    number = _digits(_NATIONAL.sub("", found.group()))
    return number if len(number) >= 7 else None


def _identifier(found: re.Match[str]) -> str | None:
    """Six signs or more with three digits and a letter; a pattern that asked for these would try each place anew."""
    word = found.group().strip("-")
    mixed = sum(sign.isdecimal() for sign in word) >= 3 and any(sign.isalpha() for sign in word)
    return word.casefold() if mixed and len(word) >= 6 else None


def _name(found: re.Match[str]) -> str | None:
    """A word that begins with a capital, behind a small letter or a comma: no beginning of a sentence."""
    before, word = found.string[found.start() - 2], found.group()
    inside = before.islower() or before in ",;"
    return word.casefold() if inside and word[0].isupper() and not word.isupper() else None


KINDS: dict[str, Kind] = {
    "e-mail address": Kind(re.compile(r"(?<![\w.%+'-])[\w.%+'-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"), _lower),
    "bank account": Kind(
        re.compile(r"\b[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b"), _account
    ),
    "card number": Kind(re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)"), _card),
    "social security number": Kind(
        re.compile(r"(?<![\w-])\d{3}[- ]\d{2}[- ]\d{4}(?![\w-])"), lambda found: _digits(found.group())
    ),
    "phone number": Kind(re.compile(rf"(?<![\w.])\+?\(?\d(?:{_GAP}\d){{6,15}}(?!\w)"), _phone),
    "identifier": Kind(re.compile(r"(?<![\w-])[\w-]{6,}"), _identifier),
    "rare name": Kind(re.compile(r"(?<=[\w,;] )[^\W\d_](?:[^\W\d_]|['\u2019-](?=[^\W\d_])){2,}"), _name),
}
"""By name, in the order in which they claim what stands in a text. Identifiers mix letters with three digits or more;
names are words with a capital inside a sentence, of scripts that have capitals; which are rare, the reference says."""


def items_of(text: str) -> set[Item]:
    """The personal data in a text by kind, each in one way of writing: lower case, and of numbers the digits alone.

    Example:
        >>> sorted(items_of("call Zelda on 0870-123 4567"))
        [('phone number', '08701234567'), ('rare name', 'zelda')]
        >>> items_of("ring +44 (0)20 7946 0000") == items_of("ring 0044 20 7946-0000")
        True
    """
    return set(_items(unicodedata.normalize("NFKC", text)))


def _items(text: str) -> Iterator[Item]:
    text = _DATE.sub(lambda date: "|" * len(date.group()), text)  # a date is nobody's number
    for kind, (pattern, written) in KINDS.items():
        claimed = []
        for found in pattern.finditer(text):
            item = written(found)
            if item is not None:
                claimed.append(found.span())
                yield kind, item
        for start, stop in claimed:  # a stretch is of one kind; its length stays, and so do the places of the rest
            text = f"{text[:start]}{'|' * (stop - start)}{text[stop:]}"
