"""Membership by all signals together: what an attacker makes of everything that the single attacks see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audit.checks import Case, NotApplicableError, Subject, all_checks, register
from audit.checks.retrained import how_learnt
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.stacking import SPREAD, stacked
from audit.statistics import auc
from reports import Table, ThreatModel
from reports.document import Access

_MORE: tuple[Access, ...] = ("synthetic-only", "query", "white-box")


@register
class Combined(MembershipAttack):
    """How well are members told by all signals of this audit together?

    Single attacks see different leaks: a copied outlier, a dense spot, a peculiarity. The score is a weighted sum of
    all their scores, by weights learnt from other people whose membership the attacker knows (see `stacking.stacked`).
    Every attack that scores these people counts, a costly one if it was asked for in the same audit. One that asks the
    model scores the case of the same name that has a model behind it; then access and knowledge are those of the
    attack that takes most.

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

    def signals(self, subject: Subject) -> list[MembershipAttack]:
        """The attacks whose scores are combined: fit for the subject, about the same people, not costly unless asked.

        An attack that costs nothing more is one of them whether it was asked for or not.
        """
        return subject.shared(self._choose, self.id, "signals")

    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """The stacked score."""
        chosen = self.signals(self.subject)
        if len(chosen) < 2:
            raise NotApplicableError("fewer than two attacks score these records: there is nothing to combine")
        table = [signal.scored(signal.cases(self.subject).like(case), self.subject) for signal in chosen]
        every = np.column_stack([np.concatenate([one.members, one.nonmembers]) for one in table])
        member = np.arange(len(every)) < len(case.members)
        score = stacked(every, member, np.concatenate([case.member_units, case.nonmember_units]), rng)
        return Scores(score[member], score[~member])

    def together_with(self, subject: Subject) -> list[str]:
        """The costly attacks whose scores went in."""
        if not any(all_checks()[name].costly for name in subject.asked):
            return []
        return [signal.id for signal in self.signals(subject) if signal.costly]

    def threat(self, subject: Subject) -> ThreatModel:
        """What the strongest of the signals takes."""
        return raised(self.knowledge, self.signals(subject))

    def how_planted(self, cases: Sequence[Case], subject: Subject) -> str:
        """How the leaks were planted into models, where signals ask them."""
        asking = [signal for signal in self.signals(subject) if signal.access != "synthetic-only"]
        return how_learnt([asking[0].cases(subject).like(case) for case in cases]) if asking else ""

    def tables(self, subject: Subject) -> list[Table]:
        """What each signal finds alone."""
        rows: list[list[str | int | float | None]] = []
        for signal in [*self.signals(subject), self]:
            found = signal.scored(signal.cases(subject).main, subject)
            rows.append([signal.id, f"{auc(found.members, found.nonmembers):.3f}"])
        title = "What each signal finds alone, and all of them together"
        return [Table(title=title, columns=["signal", "AUC"], rows=rows)]

    def _choose(self, subject: Subject) -> list[MembershipAttack]:
        mine, found = self.cases(subject), list[MembershipAttack]()
        for name, kind in all_checks().items():
            if not issubclass(kind, MembershipAttack) or not kind.combinable or kind.missing:
                continue
            if kind.costly and name not in subject.asked:
                continue
            attack = kind()
            if attack.fits(subject) and attack.cases(subject).asks_the_same(mine):
                found.append(attack)
        return found


def raised(knowledge: str, signals: Sequence[MembershipAttack]) -> ThreatModel:
    """The threat model of whoever has these signals besides: the widest access, and what it takes."""
    access: Access = _MORE[max((_MORE.index(signal.access) for signal in signals), default=0)]
    if access == "synthetic-only":
        return ThreatModel(access=access, knowledge=knowledge)
    takes = dict.fromkeys(signal.knowledge for signal in signals if signal.access == access)
    return ThreatModel(access=access, knowledge="; ".join([knowledge, *(f"also {one}" for one in takes)]))
