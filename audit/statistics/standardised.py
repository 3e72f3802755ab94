"""How large is the risk over everybody, when leaks are uneven and some records are hit by chance far more often?

With p1 the share of members hit, and p0 the share of others hit, the risk is R = (p1 - p0) / (1 - p0): of what chance
left to gain, the share that is given away (Giomi et al., PoPETs 2023). Members and others rarely hold easy and hard
records in equal parts, and so p0 is standardised: each stratum's rate among the others counts by how many *members* the
stratum holds. That takes the spread between strata out of the comparison, and leaves R what it is, whichever records
leak. A stratum never weighs by how much it tells.

The interval combines an exact one for each rate (Clopper and Pearson) into one of the ratio 1 - R = (1 - p1) / (1 - p0)
by the method of variance estimates recovery (Donner and Zou, Statistical Methods in Medical Research 2012). The exact
intervals are given as many tries as would leave a plain rate as uncertain as the standardised one (as Chen and Lipsitz
do with survey rates).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.statistics.intervals import Interval, clopper_pearson

Floats = NDArray[np.float64]
_DRAWN = 4
"""Tries by which a stratum's rate is drawn towards the overall one, as many as Agresti and Coull (1998) add."""


class Rate(NamedTuple):
    """A share of hits, and how many independent tries would make a plain share as certain as this one."""

    value: float
    tries: float


def standardised_rate(hits: Floats, totals: Floats, weights: Floats, design_effect: float = 1.0) -> Rate:
    """The rate of a population that holds the strata in other parts than the sample does.

    Args:
        hits: by stratum, shape (s,).
        totals: tries by stratum, each above 0.
        weights: the parts that the population holds, adding up to 1.
        design_effect: by how much the grouping of tries widens the variance, at least 1.

    Returns:
        Sum of weight times hits / totals, and the effective number of tries, rate (1 - rate) / variance. For the
        variance a stratum's rate is drawn towards the overall one, so that one without hits is not taken to be certain.

    Example:
        >>> from numpy import array
        >>> standardised_rate(array([5.0, 45.0]), array([50.0, 50.0]), array([0.5, 0.5])).value
        0.5
    """
    value = float(np.clip((weights * hits / totals).sum(), 0.0, 1.0))
    rates = (hits + _DRAWN * value) / (totals + _DRAWN)
    variance = float((weights**2 * rates * (1 - rates) / totals).sum())
    plain = value * (1 - value)
    tries = plain / variance if variance > 0 and plain > 0 else 1 / float((weights**2 / totals).sum())
    return Rate(value, tries / design_effect)


def risk(members: Rate, others: Rate) -> float:
    """R = (p1 - p0) / (1 - p0), not below -1; 0 where everybody is hit and nothing is left to gain.

    Example:
        >>> round(risk(Rate(0.28, 1000), Rate(0.2, 1000)), 3)
        0.1
    """
    gained, left = members.value - others.value, 1 - others.value
    return max(-1.0, gained / left) if left > 0 else float(np.sign(gained))


def risk_interval(members: Rate, others: Rate, confidence: float) -> Interval:
    """Interval of the risk between two independent rates, within [-1, 1].

    With (l1, u1) and (l0, u0) the exact intervals of the shares q1 and q0 that were missed, the ends of q1 / q0 solve
    (q1 - t q0)^2 = (q1 - l1)^2 + t^2 (u0 - q0)^2 below and (q1 - t q0)^2 = (u1 - q1)^2 + t^2 (q0 - l0)^2 above.

    Args:
        members: the rate of members.
        others: the rate of others, standardised to the members.
        confidence: two-sided coverage, between 0 and 1.

    Example:
        >>> low, high = risk_interval(Rate(0.28, 1000), Rate(0.2, 1000), 0.95)
        >>> 0.05 < low < 0.1 < high < 0.15
        True
    """
    (q1, l1, u1), (q0, l0, u0) = _missed(members, confidence), _missed(others, confidence)
    both = q1 * q0
    below, above = l1 * (2 * q1 - l1), u1 * (2 * q1 - u1)
    root = both + math.sqrt(max(0.0, both**2 - u0 * (2 * q0 - u0) * below))
    least = below / root if below > 0 and root > 0 else 0.0
    steep = l0 * (2 * q0 - l0)
    most = (both + math.sqrt(max(0.0, both**2 - steep * above))) / steep if steep > 0 else math.inf
    return Interval(max(-1.0, 1 - most), max(-1.0, 1 - least))


def _missed(rate: Rate, confidence: float) -> tuple[float, float, float]:
    """The share that was missed, with the ends of its exact interval."""
    low, high = clopper_pearson(rate.value * rate.tries, rate.tries, confidence)
    return 1 - rate.value, 1 - high, 1 - low
