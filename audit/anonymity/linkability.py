"""Linkability: do synthetic data tell that two halves of what is known belong to one person?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from audit.anonymity.attack import CountingAttack, Way, fewer
from audit.anonymity.choices import halves
from audit.anonymity.nearest import Comparison
from audit.checks import Case, Cases, Measured, Subject, register
from audit.neighbours import join
from audit.statistics import Strata

NEIGHBOURS = (1, 5)


@register
class Linkability(CountingAttack):
    """Does the nearest synthetic record bring two halves of a person's record together?

    Two data sets hold different columns of the same people. The attacker looks up the synthetic records nearest to each
    half; where one stands among the nearest of both, the halves are linked. One nearest record is looked at, or five;
    having the choice is paid for.

    Source: Giomi, Boenisch, Wehmeyer and Tasnadi (PoPETs 2023), section 4.2.
    """

    id = "anonymity.linkability"
    title = "Linkability"
    question = "Could two data sets about the same people be joined with the help of the synthetic data?"
    source = "Giomi et al., Anonymeter (PoPETs 2023), section 4.2"
    knowledge = "holds the published records and, in two separate places, half of the columns of each person"
    remedy = "Train under differential privacy, stop earlier, and coarsen columns that take nearly unique values."
    unit = "share linked of the training records that chance leaves unlinked"

    def cases(self, subject: Subject) -> Cases:
        """Every record asked about is compared with every published one."""
        return subject.scored

    def ways(self, case: Case, subject: Subject) -> Mapping[str, Sequence[Way]]:
        """Look for common nearest records of the two halves, among one and among five of each."""
        asked = join(case.members, case.nonmembers)
        member = np.arange(len(asked)) < len(case.members)
        person = np.concatenate([case.member_units, case.member_units.max(initial=0) + 1 + case.nonmember_units])
        comparison = Comparison(asked, case.synthetic, case.neighbours.space, self.rng(subject, case.name))
        most = min(max(NEIGHBOURS), len(case.synthetic))
        first, second = (comparison.nearest(columns, most) for columns in halves(subject))
        found = []
        for k in NEIGHBOURS:
            linked = (first[:, :k, None] == second[:, None, :k]).any(axis=(1, 2))
            strata = Strata.count(
                linked,
                member,
                np.zeros(len(asked), dtype=np.int64),
                person if subject.dataset.schema.unit is not None else None,
            )
            found.append(Way(f"{k} nearest record{'s' * (k > 1)} of each half", strata, fewer(member, person)))
        return {"risk": found}

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many were linked, and by which halves, in words."""
        risk, low, high = measured[0].shown(subject.policy.confidence_shown)
        first, second = halves(subject)
        chosen = "" if subject.known else ", halves chosen automatically so that both say much"
        return (
            f"With {', '.join(first)} in one place and {', '.join(second)} in another{chosen}, "
            f"{risk:.1%} of the training records that chance does not link are linked ({low:.1%} to {high:.1%})."
        )
