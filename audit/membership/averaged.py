"""Membership by the mean of what calibrated attacks see: no single view of the leak has to be the right one."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.calibrated_distance import CalibratedDistance
from audit.membership.classifier import Classifier
from audit.membership.density_ratio import DensityRatio
from audit.statistics import Floats

AVERAGED = (CalibratedDistance, Classifier, DensityRatio)
"""The attacks that take off what the population explains, by a distance, by a density and by a trained classifier."""


@register
class Averaged(MembershipAttack):
    """Do attacks that look at a leak in different ways agree on who was a member?

    A distance sees copies, a density sees dense spots, a classifier sees whatever tells published records from the
    population. Each ranks all records that are asked about; ranks become normal scores, and a record's score is their
    mean. Unlike `membership.combined` nobody's membership has to be known.

    Source: the inverse normal method of combining evidence (Stouffer et al., "The American Soldier" 1949; van der
    Waerden scores), on calibrated distance (Chen et al., CCS 2020), density ratio (van Breugel et al., AISTATS 2023)
    and classifier (Hayes et al., PoPETs 2019).
    """

    id = "membership.averaged"
    title = "Membership by averaged scores"
    question = "Do different ways to look at the published records agree on who was in the training data?"
    source = "inverse normal method (Stouffer et al. 1949) on GAN-Leaks, DOMIAS and LOGAN scores"
    combinable = False

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The mean of the normal scores, each among all records that are asked about."""
        told = [attack().scored(case, self.subject) for attack in AVERAGED]
        mean = np.mean([_normal(np.concatenate([one.members, one.nonmembers])) for one in told], axis=0)
        return Scores(mean[: len(case.members)], mean[len(case.members) :])


def _normal(scores: Floats) -> Floats:
    """Scores as quantiles of a normal distribution by their ranks; equal ones stay equal."""
    return np.asarray(norm.ppf((rankdata(scores) - 0.5) / len(scores)))
