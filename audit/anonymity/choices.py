"""What an attacker is taken to know and to want, where nobody has said so."""

from __future__ import annotations

import math

from audit.checks import Subject
from audit.checks.check import NotApplicableError

MOST_SECRETS = 8


def compared(subject: Subject) -> list[str]:
    """The columns that describe a person: no identifiers, and none without variation."""
    space = subject.neighbours.space
    return [*space.numeric, *space.categorical]


def secrets(subject: Subject) -> list[str]:
    """The columns to be guessed: the one given, or up to eight of those that the attacker does not know.

    Of more than eight those are taken whose commonest value is rarest in the reference: whoever would guess that value
    for everyone is right least often, so there is most to be given away. The reference is asked about by no attack, so
    the choice needs no correction.
    """
    reference, columns = subject.dataset.reference, compared(subject)
    unknown = [name for name in columns if name not in subject.known]
    if not unknown or len(columns) < 2:
        raise NotApplicableError("no column is left to be the secret beside those that the attacker knows")
    if subject.secret is not None:
        return [subject.secret]
    commonest = {name: float(reference[name].value_counts(normalize=True, dropna=False).max()) for name in unknown}
    chosen = set(sorted(unknown, key=lambda name: commonest[name])[:MOST_SECRETS])
    return [column.name for column in subject.dataset.schema.columns if column.name in chosen]


def known(subject: Subject, secret: str) -> list[str]:
    """The columns that the attacker knows when guessing this secret: those given, or all others."""
    return list(subject.known) or [name for name in compared(subject) if name != secret]


def halves(subject: Subject) -> tuple[list[str], list[str]]:
    """Two sets of columns to be linked: the known ones and the rest, or two that say about as much.

    Columns are dealt in order of how many values they take in the reference, each to the half that says less so far.
    """
    columns = compared(subject)
    if len(columns) < 2:
        raise NotApplicableError("linking needs at least two columns that vary")
    if subject.known:
        first, second = list(subject.known), [name for name in columns if name not in subject.known]
        if not second:
            raise NotApplicableError("every column is known, so that nothing is left to link to")
        return first, second
    says = {name: math.log(max(2, subject.dataset.reference[name].nunique(dropna=False))) for name in columns}
    first, second = [], []
    for name in sorted(columns, key=lambda name: -says[name]):
        poorer = min((first, second), key=lambda half: sum(says[one] for one in half))
        poorer.append(name)
    return first, second
