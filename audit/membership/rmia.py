"""Membership by relative likelihood: does the model favour the record over the population more than it would anyway?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

from audit.checks import register
from audit.membership.shadow_attack import CalibratedAttack, SamplesAttack
from audit.membership.shadows import Shadowed
from audit.membership.signals import LIKELIHOOD, LOSS, Signal, strongest_inside
from audit.statistics import Floats
from generators import Generator

GAMMA = 1.0


def relative_likelihood(asked: Shadowed, population: Shadowed, gamma: float = GAMMA) -> Floats:
    """Over what share of the population does the target favour each record, by at least a factor?

    P_z[(p(x | target) / p(x)) / (p(z | target) / p(z)) >= gamma] over population records z. p(x) is the mean of
    p(x | shadow) over all shadows; everything is computed in logs. Records that beat equally many z are ranked by their
    own ratio, which is what more z would do.

    Args:
        asked: Signals of n records; signals are log-densities, up to a factor.
        population: Signals of m records that are known not to be members.
        gamma: By what factor.

    Returns:
        Shares, shape (n,), with less than a hundredth of 1 / m added to tell ties apart.

    Source: Zarifzadeh, Liu and Shokri, "Low-cost high-power membership inference attacks" (ICML 2024), equations 3, 4;
    for densities, whose p(x) has no upper end, with a = 1.
    """
    ratio, others = (one.target - _log_mean(one.shadows) for one in (asked, population))
    beaten = np.searchsorted(np.sort(others), ratio - np.log(gamma), side="right") / len(others)
    spread = max(float(np.abs(ratio).max()), 1e-300)
    return np.asarray(beaten + (1 + ratio / spread) / (200 * len(others)))


def _log_mean(log_densities: Floats) -> Floats:
    """Log of the mean density over shadows, shape (n,)."""
    return np.asarray(logsumexp(log_densities, axis=0) - np.log(len(log_densities)))


@register
class Rmia(CalibratedAttack):
    """Does the model favour a record over others of the population more than models on average do?

    Pairwise likelihood ratios: the record's probability under this model, over its mean under all shadows, must exceed
    the same for random people of the population. It needs fewer shadow models than LiRA. See `relative_likelihood`.

    Source: Zarifzadeh, Liu and Shokri, "Low-cost high-power membership inference attacks" (ICML 2024).
    """

    id = "membership.rmia"
    title = "Membership by relative likelihood"
    question = "Does the model favour the people it was trained on over the rest of the population?"
    source = "Zarifzadeh et al., RMIA (ICML 2024)"

    def signal(self, model: Generator) -> Signal | None:
        """A log-density: what the ratio is made of. Else the strongest signal of the model's kind stands for it."""
        strongest = strongest_inside(model)
        return LIKELIHOOD if strongest is LOSS else strongest

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:
        """Share of the population that the record beats."""
        return relative_likelihood(asked, population())


@register
class RmiaSamples(SamplesAttack):
    """Do the model's samples favour a record over the population more than those of other models do?

    RMIA for whom the model only hands out samples: the density of a fresh sample around a record stands for its
    likelihood.

    Source: Zarifzadeh, Liu and Shokri (ICML 2024), on the density of samples.
    """

    id = "membership.rmia-samples"
    title = "Membership by relative likelihood, from samples"
    question = "Do samples favour the people the model was trained on over the rest of the population?"
    source = "Zarifzadeh et al., RMIA (ICML 2024), on the density of samples"

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:
        """Share of the population that the record beats."""
        return relative_likelihood(asked, population())
