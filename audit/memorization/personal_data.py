"""Personal data in generated texts: addresses, numbers and names that stand in training texts."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, Subject, register
from audit.checks.small_cells import share_in_words
from audit.memorization.counted import Hits, Rows, told_apart
from audit.memorization.patterns import KINDS, Item, items_of
from audit.memorization.read_off import ReadOff, texts_of
from audit.memorization.recognition import Found, Keys, Numbers, recognised
from reports import Table


@register
class PersonalData(ReadOff):
    """Do addresses, numbers and names of training texts stand among the published ones?

    E-mail addresses, phone, bank account, card and social security numbers, identifiers (letters and digits mixed) and
    rare names are sought by patterns, in any script.
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
    findings = {"excess_personal": "texts with personal data"}  # noqa: RUF012
    what = "given away in an address, a number or a name"
    measures = tuple(findings)
    knowledge = "reads the published texts and a reference sample; the audit compares training texts with others"
    remedy = (
        "Replace addresses, numbers and names before training, remove repeated texts, or train under differential "
        "privacy; filter what is published for patterns as a last resort only."
    )

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[str, tuple[Numbers, ...]] = {}

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Whether an item that only the text's people have stands in a published text."""
        return self._recognised([items_of(text) for text in texts], case, subject)

    def tables(self, subject: Subject) -> list[Table]:
        """By kind, how many people have an item, and of how many of these one was found."""
        case = self.cases(subject).main
        frames = (case.frames.members, case.frames.nonmembers)
        items = [items_of(text) for frame in frames for text in texts_of(frame, subject)]
        member = np.arange(len(items)) < len(case.member_units)
        person = told_apart(case.member_units, case.nonmember_units)
        rows: list[list[str | int | float | None]] = []
        for kind in KINDS:
            found = self._recognised([{one for one in mine if one[0] == kind} for mine in items], case, subject)
            row: list[str | int | float | None] = [kind]
            for group in (member, ~member):
                everyone, asked, hit = (_people(some & group, person) for some in (group, found.asked, found.hit))
                row += [share_in_words(asked, everyone), share_in_words(hit, asked)]
            rows.append(row)
        who = self.who(subject)
        return [
            Table(
                title="Personal data by kind",
                description=f"Shares of {who} with an item that the reference does not show, and of these, who was "
                "found again; to the nearest five.",
                columns=["kind", f"training {who} with one", "found again", f"other {who} with one", "found again "],
                rows=rows,
            )
        ]

    def _recognised(self, items: list[set[Item]], case: Case, subject: Subject) -> Found:
        if case.name not in self._read:
            self._read[case.name] = tuple(
                Keys.of_strings(map(_strings, map(items_of, texts_of(frame, subject)))).numbers
                for frame in (case.frames.published, case.frames.reference)
            )
        said, known = self._read[case.name]
        return recognised(Keys.of_strings(map(_strings, items)), [said], [known])


def _strings(items: set[Item]) -> list[str]:
    return [f"{kind}: {written}" for kind, written in items]


def _people(chosen: Hits, person: Rows) -> int:
    return len(np.unique(person[chosen]))
