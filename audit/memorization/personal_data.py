"""Personal data in generated texts: addresses, numbers and names that stand in training texts."""

from __future__ import annotations

import re
from typing import Any

from audit.checks import Case, Subject, register
from audit.checks.small_cells import SMALLEST_CELL
from audit.memorization.read_off import Found, ReadOff, recognised, texts_of
from reports import Table

PATTERNS: dict[str, re.Pattern[str]] = {
    "e-mail address": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    "phone number": re.compile(r"(?<![\w.])\+?\(?\d(?:[\s()./-]{0,2}\d){6,14}(?!\w)"),
    "identifier": re.compile(r"\b(?=[A-Za-z0-9-]*\d)(?=[A-Za-z0-9-]*[A-Za-z])[A-Za-z0-9-]{6,}\b"),
    "rare name": re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}\b"),
}
"""Names are words with a capital inside a sentence; rare ones are those that the reference never shows."""

Items = set[tuple[str, ...]]


@register
class PersonalData(ReadOff):
    """Do addresses, numbers and names of training texts stand among the published ones?

    E-mail addresses, phone numbers, identifiers (letters and digits mixed) and rare names are sought by patterns.
    Whatever the reference shows too, such as a company's number, is left out. A training text is found when one of its
    items stands in a published text; the same is counted for texts that were never trained on, since some are made up
    or shared by chance. No item is ever printed, and no count under five.

    Estimate (lower is better, range -1 to 1): `excess_personal`, the share of training texts with such items that are
    found beyond chance; per published text where fewer of those than of training texts exist.

    Source: after Lukas et al., "Analyzing leakage of personally identifiable information in language models" (IEEE S&P
    2023), whose extraction this is with a holdout as its control.
    """

    id = "memorization.personal-data"
    title = "Personal data in generated texts"
    question = "Do addresses, numbers and names of training texts stand among the published ones?"
    source = "after Lukas et al., Analyzing leakage of personally identifiable information (IEEE S&P 2023)"
    estimate = "excess_personal"
    what = "given away in an address, a number or a name"
    measures = ("excess_personal",)
    knowledge = "reads the published texts and a reference sample; the audit compares training texts with others"
    remedy = (
        "Replace addresses, numbers and names before training, remove repeated texts, or train under differential "
        "privacy; filter what is published for patterns as a last resort only."
    )

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Whether an item that only the text's people have stands in a published text."""
        known, said = self._known(case, subject)
        return recognised([items_of(text) for text in texts], said, known)

    def tables(self, subject: Subject) -> list[Table]:
        """By kind, in how many texts an item stands and in how many it was found; small counts hidden."""
        case = self.cases(subject).main
        known, said = self._known(case, subject)
        parts = [texts_of(frame, subject) for frame in (case.frames.members, case.frames.nonmembers)]
        rows: list[list[Any]] = []
        for kind in PATTERNS:
            row: list[Any] = [kind]
            for texts in parts:
                mine = [{item for item in items_of(text) - known if item[0] == kind} for text in texts]
                row += [_hidden(sum(map(bool, mine))), _hidden(sum(not one.isdisjoint(said) for one in mine))]
            rows.append(row)
        return [
            Table(
                title="Personal data by kind",
                description=f"Texts with an item that the reference does not show; counts under {SMALLEST_CELL} are "
                "hidden.",
                columns=["kind", "training texts with one", "found again", "other texts with one", "found again "],
                rows=rows,
            )
        ]

    @staticmethod
    def _known(case: Case, subject: Subject) -> tuple[Items, Items]:
        """Items of the reference, and of the published texts."""
        reference, published = (
            set[tuple[str, ...]]().union(*map(items_of, texts_of(frame, subject)))
            for frame in (case.frames.reference, case.frames.published)
        )
        return reference, published


def items_of(text: str) -> Items:
    """The personal data in a text by kind, written alike: lower case, and of numbers the digits alone.

    Example:
        >>> sorted(items_of("call Zelda on 0870-123 4567"))
        [('phone number', '08701234567'), ('rare name', 'zelda')]
    """
    return {
        (kind, re.sub(r"\D", "", found) if kind == "phone number" else found.lower())
        for kind, pattern in PATTERNS.items()
        for found in pattern.findall(text)
    }


def _hidden(count: int) -> int | str:
    return f"under {SMALLEST_CELL}" if 0 < count < SMALLEST_CELL else count
