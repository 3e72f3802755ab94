"""Membership by distance to the published records, calibrated by how isolated a record is anyway."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats


@register
class CalibratedDistance(MembershipAttack):
    """Does a record lie closer to the synthetic records than to as good a sample of other people?

    A common record lies near to whatever is published. The score is the distance to the nearest reference record minus
    that to the nearest synthetic one, both mixed L1: how much nearer the generator came than a sample of the population
    does. Range minus to plus the number of columns, in units of one differing category.

    Source: Chen, Yu, Zhang and Fritz, "GAN-Leaks" (CCS 2020), attack calibration (section 4.5), with a sample of the
    population in the place of a reference generator's.
    """

    id = "membership.calibrated-distance"
    title = "Membership by calibrated distance"
    question = "Do the synthetic records lie closer to the people they were made from than other people's records do?"
    source = "Chen et al., GAN-Leaks (CCS 2020), calibrated by a reference sample"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Distance to the reference minus distance to the published records."""
        return Scores(self._difference(case, case.members), self._difference(case, case.nonmembers))

    @staticmethod
    def _difference(case: Case, asked: Points) -> Floats:
        synthetic, reference = (case.neighbours.nearest(asked, part)[:, 0] for part in (case.synthetic, case.reference))
        return np.asarray(reference - synthetic)
