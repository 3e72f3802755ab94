"""Membership by all signals together: what an attacker makes of everything that the single attacks see."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, NotApplicableError, Subject, all_checks, register
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.stacking import SPREAD, stacked
from audit.statistics import auc
from reports import Table


@register
class Combined(MembershipAttack):
    """How well are members told by all signals of this audit together?

    Single attacks see different leaks: a copied outlier, a dense spot, a peculiarity. The score is a weighted sum of
    all their scores, by weights learnt from other people whose membership the attacker knows (see `stacking.stacked`).
    Every attack that scores these records counts, a costly one if it was asked for in the same audit.

    Source: stacking of membership signals, after the winners of the MIDST challenge (SaTML 2025); see
    `stacking.stacked` for what makes it valid.
    """

    id = "membership.combined"
    title = "Membership by all signals together"
    question = "Can training records be told by putting together everything that the single attacks see?"
    source = "stacking (Wolpert 1992), cross-fitted by person; after the MIDST challenge (SaTML 2025)"
    knowledge = (
        "holds the published records and a reference sample of the same population, knows of many people whether they "
        "were in the training data, and asks of somebody else's record"
    )
    combinable = False
    spread = SPREAD

    def prepare(self, subject: Subject) -> None:
        """Choose the signals, once."""
        if not hasattr(self, "_signals"):
            self._subject, self._signals = subject, signals(subject, self)
            if len(self._signals) < 2:
                raise NotApplicableError("fewer than two attacks score these records: there is nothing to combine")

    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """The stacked score."""
        table = [signal.scored(case, self._subject) for signal in self._signals]
        every = np.column_stack([np.concatenate([one.members, one.nonmembers]) for one in table])
        member = np.arange(len(every)) < len(case.members)
        score = stacked(every, member, np.concatenate([case.member_units, case.nonmember_units]), rng)
        return Scores(score[member], score[~member])

    def together_with(self, subject: Subject) -> list[str]:
        """The costly attacks whose scores went in."""
        return costly_signals(subject, self)

    def tables(self, subject: Subject) -> list[Table]:
        """What each signal finds alone."""
        self.prepare(subject)
        rows: list[list[str | int | float | None]] = []
        for signal in [*self._signals, self]:
            found = signal.scored(self.cases(subject).main, subject)
            rows.append([signal.id, f"{auc(found.members, found.nonmembers):.3f}"])
        title = "What each signal finds alone, and all of them together"
        return [Table(title=title, columns=["signal", "AUC"], rows=rows)]


def signals(subject: Subject, combined: MembershipAttack) -> list[MembershipAttack]:
    """The attacks whose scores may be combined: fit for the subject, on the same cases, and not costly unless asked.

    An attack that costs nothing more is one of them whether it was asked for or not.
    """
    cases = combined.cases(subject)
    found = []
    for name, kind in all_checks().items():
        if not issubclass(kind, MembershipAttack) or not kind.combinable or kind.missing:
            continue
        if kind.costly and name not in subject.asked:
            continue
        attack = kind()
        if attack.fits(subject) and attack.cases(subject) is cases:
            found.append(attack)
    return found


def costly_signals(subject: Subject, combined: MembershipAttack) -> list[str]:
    """Ids of the costly attacks that are combined because this audit asked for them."""
    if not any(all_checks()[name].costly for name in subject.asked):
        return []
    return [signal.id for signal in signals(subject, combined) if signal.costly]
