"""Membership by how many synthetic records lie around a record."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats

COUNTED = 100


@register
class MonteCarlo(MembershipAttack):
    """Do more synthetic records lie around a record because the generator saw it?

    Integrates the generator's density over a ball around the record: the score is the share of published records
    within a radius. The radius is the median distance from a record to its nearest published one, over the reference
    records, which are disjoint from all that are asked about. A record with more than a hundred published ones around
    it counts as having a hundred: nothing singles it out.

    Source: Hilprecht, Härterich and Bernau, "Monte Carlo and reconstruction membership inference attacks against
    generative models" (PoPETs 2019), the set-based estimate (equation 8) with the median heuristic (section 4.2).
    """

    id = "membership.monte-carlo"
    title = "Membership by Monte Carlo integration"
    question = "Do more synthetic records lie around the people they were made from than around others?"
    source = "Hilprecht et al., Monte Carlo attacks (PoPETs 2019)"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Share of the published records within the radius."""
        radius = float(np.median(case.neighbours.nearest(case.reference, case.synthetic)[:, 0]))
        return Scores(self._share(case, case.members, radius), self._share(case, case.nonmembers, radius))

    @staticmethod
    def _share(case: Case, asked: Points, radius: float) -> Floats:
        near = case.neighbours.nearest(asked, case.synthetic, COUNTED) <= radius
        return np.asarray(near.sum(axis=1) / len(case.synthetic))
