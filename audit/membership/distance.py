"""Membership by distance to the nearest synthetic record."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores


@register
class Distance(MembershipAttack):
    """Does a record lie closer to the synthetic data because the generator saw it?

    Scores a record by minus its mixed L1 distance to the nearest synthetic record: generators that memorise put
    records next to those they were trained on. Range 0 to the number of columns, in units of one differing category. An
    image, text or recording counts as one column, in which two random records lie about one unit apart; see
    `spaces.contents`.

    Source: Chen, Yu, Zhang and Fritz, "GAN-Leaks" (CCS 2020), full black-box attack.
    """

    id = "membership.distance"
    title = "Membership by distance"
    question = "Do the synthetic records lie closer to the people they were made from than to others?"
    source = "Chen et al., GAN-Leaks (CCS 2020)"
    knowledge = "holds the published records, and asks of a record whether it was in the training data"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Minus the distance to the nearest published record."""
        return Scores(
            *(-case.neighbours.nearest(asked, case.synthetic)[:, 0] for asked in (case.members, case.nonmembers))
        )
