"""Membership of the most exposed records: those that stand out before anybody has attacked them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from audit.checks import Case, Measured, NotApplicableError, Subject, register
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.combined import Combined, raised
from audit.membership.stacking import SPREAD
from audit.membership.unusual import RULES, exposure
from audit.statistics import auc, auc_draws, bootstrap_interval
from reports import Table, ThreatModel

SHARE = 0.1
FEWEST = 100


@register
class Exposed(MembershipAttack):
    """Are unusual people found more easily than the average says?

    A leak often hits those who resemble nobody. The records looked at are the tenth (and at least a hundred of each
    kind) with the largest mean distance to their five nearest reference records: members and non-members by the same
    rule, which knows neither who was a member nor any attack's score. They are scored by `membership.combined`. A table
    shows what two other rules would have chosen, without a verdict: rare combinations and small subgroups.

    Source: Meeus, Guepin, Cretu and de Montjoye, "Achilles' heels: vulnerable record identification in synthetic data
    publishing" (ESORICS 2023), for the distance rule with five neighbours.
    """

    id = "membership.exposed"
    title = "Membership of the most exposed records"
    question = "Are the most unusual people found in the training data more easily than the average says?"
    source = "Meeus et al., Achilles' heels (ESORICS 2023), for who is exposed; signals as in membership.combined"
    knowledge = Combined.knowledge
    prefix: ClassVar[str] = "exposed_"
    combinable = False
    spread = SPREAD

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The combined scores of the exposed records."""
        return self._of(case, "outliers", self.subject)

    def together_with(self, subject: Subject) -> list[str]:
        """The costly attacks whose scores went in."""
        return Combined().together_with(subject)

    def threat(self, subject: Subject) -> ThreatModel:
        """What the strongest of the signals takes."""
        return raised(self.knowledge, Combined().signals(subject))

    def how_planted(self, cases: Sequence[Case], subject: Subject) -> str:
        """How the leaks were planted into models, where signals ask them."""
        return Combined().how_planted(cases, subject)

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How much easier the exposed are found, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        everyone = Combined().scored(self.cases(subject).main, subject)
        return (
            f"Among the most unusual records the attacker picks the member {measured[0].value:.1%} of the time "
            f"({low:.1%} to {high:.1%}), among all of them {auc(everyone.members, everyone.nonmembers):.1%}; guessing "
            "gives 50%."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """AUC among those whom each rule chooses."""
        cases = self.cases(subject)
        rows: list[list[str | int | float | None]] = []
        for rule in RULES:
            found = self._of(cases.main, rule, subject)
            if min(map(len, found.rows)) < FEWEST // 2:
                continue
            weights = (cases.weights[0][:, found.rows[0]], cases.weights[1][:, found.rows[1]])
            value = auc(found.members, found.nonmembers)
            draws = value + self.spread * (auc_draws(found.members, found.nonmembers, *weights) - value)
            low, high = bootstrap_interval(value, draws, min(map(len, found.rows)), subject.policy.confidence_shown)
            rows.append([RULES[rule], *map(len, found.rows), f"{value:.3f} ({low:.3f} to {high:.3f})"])
        return [
            Table(
                title="Who is exposed, by three rules",
                description="Only the first has limits: a verdict on the worst of three would have to pay for it.",
                columns=["rule", "members", "non-members", "AUC (95% interval)"],
                rows=rows,
            )
        ]

    def _of(self, case: Case, rule: str, subject: Subject) -> Scores:
        """The combined scores of those whom a rule chose among the records of the case."""
        records = Combined().scored(case, subject)
        members, others = subject.shared(partial(self._choose, rule), self.id, rule)
        rows = np.flatnonzero(members[case.member_rows]), np.flatnonzero(others)
        members_found, others_found = records.members[rows[0]], records.nonmembers[rows[1]]
        return Scores(members_found, others_found, member_rows=rows[0], nonmember_rows=rows[1])

    def _choose(self, rule: str, subject: Subject) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of all members and of all non-members stand out by the rule, by one bar for both."""
        case = self.cases(subject).main
        found = [exposure(rule, case, asked) for asked in (case.members, case.nonmembers)]
        fewer = min(map(len, found))
        if fewer < 2 * FEWEST:
            raise NotApplicableError(f"{fewer} records of one kind are too few to look at the most unusual {FEWEST}")
        fewest = min(np.sort(one)[-FEWEST] for one in found)
        bar = min(np.quantile(np.concatenate(found), 1 - SHARE), fewest)
        return found[0] >= bar, found[1] >= bar
