"""Membership by local over-representation: synthetic density against population density."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats

NEIGHBOURS = 5
RESOLUTION = 0.01


@register
class DensityRatio(MembershipAttack):
    """Is a record's surrounding denser among the synthetic records than it is in the population?

    A generator that overfits puts more mass around its training records than the population has there. The score is
    log p_synthetic(x) - log p_reference(x), both densities estimated from nearest neighbours (Loftsgaarden and
    Quesenberry 1965), on disjoint samples. With k neighbours at distances r_1..r_k a density is proportional to r^-d;
    constants cancel in the ratio and d only rescales it. The synthetic density uses the nearest record alone, since a
    copied person stands alone there; the population's is averaged over five neighbours, since it is smooth. Distances
    below .01 of one category count as .01, so that on coarse data a chance copy does not outrank everything.

    Source: van Breugel, Sun, Qian and van der Schaar, "Membership inference attacks against synthetic data through
    overfitting detection" (AISTATS 2023), DOMIAS, equation 2, in logs.
    """

    id = "membership.density-ratio"
    title = "Membership by density ratio"
    question = "Is there more synthetic data around the people it was made from than the population would explain?"
    source = "van Breugel et al., DOMIAS (AISTATS 2023), with nearest-neighbour densities"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Log density ratio."""
        return Scores(*(self._ratio(case, asked) for asked in (case.members, case.nonmembers)))

    @staticmethod
    def _ratio(case: Case, asked: Points) -> Floats:
        synthetic = case.neighbours.nearest(asked, case.synthetic, 1)[:, 0]
        population = case.neighbours.nearest(asked, case.reference, NEIGHBOURS)
        return np.asarray(np.log(population + RESOLUTION).mean(axis=1) - np.log(synthetic + RESOLUTION))
