"""How much more often are members hit than non-members, when some records are hit by chance far more often than others?

Common records are matched by any synthetic data; rare ones are not. Two questions are asked within strata of rarity,
and each has its own answer.

*How large is the risk?* `Strata.risk`: a stratum counts by the members it holds, whichever records leak; see
`statistics.standardised`. This is what is shown and held against a limit.

*Is there any leak at all?* `Strata.excess`: letting each stratum speak with the weight of its information finds leaks
that a comparison of overall rates drowns. The model: in stratum s a non-member is hit with probability p_s, a member
with p_s + f (1 - p_s), where f is the share of members that were copied on top of chance. Then (1 - p1_s) / (1 - p0_s)
= 1 - f in every stratum, a common ratio of two binomial proportions, whose efficient score test and interval are those
of Gart and Nam (Biometrics 1988), after Miettinen and Nurminen (Statistics in Medicine 1985). A negative f says the
same of the non-members: their share -f is hit on top of the members' chance. Without a leak f is zero in every stratum,
so that the test holds what it promises; but where one kind of record leaks more than another there is no common f, and
its value overstates what happens where chance seldom hits. It is a detector and no measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from audit.statistics.intervals import Interval
from audit.statistics.standardised import Rate, risk, risk_interval, standardised_rate

Floats = NDArray[np.float64]
LEAST_HITS = 10
_PERMUTATIONS = 100_000
_NOTHING = 1e-3  # standardised scores below this come of rounding
_MOST, _LEAST = 1 - 1e-9, -1 + 1e-9  # the excess f lives in (-1, 1)


@dataclass(frozen=True)
class Strata:
    """Hits and totals of members and non-members, shape (strata,).

    Attributes:
        member_hits: how many members were hit, by stratum.
        members: how many there are.
        nonmember_hits: how many others were hit.
        nonmembers: how many others there are.
        design_effect: by how much records that go together widen the variance of the excess, at least 1.
        risk_effect: the same for the risk, which weighs records otherwise; None where it is the same number.
        people: of members and of others (rows), the people who were hit, who were missed, and all who could be
            (columns): a person with several records may be both. None where each record is a person.
    """

    member_hits: Floats
    members: Floats
    nonmember_hits: Floats
    nonmembers: Floats
    design_effect: float = 1.0
    risk_effect: float | None = None
    people: NDArray[np.int64] | None = None

    @classmethod
    def count(
        cls,
        hit: NDArray[np.bool_],
        member: NDArray[np.bool_],
        stratum: NDArray[np.int64],
        units: NDArray[np.int64] | None = None,
    ) -> Strata:
        """Count hits by stratum.

        Neighbouring strata are joined until each holds ten hits, members and non-members: a stratum's weight is learnt
        from its hits, and weights learnt from one or two would waste what many strata know together. Joining does not
        look at whose hits they are, so it leaves the null as it is.

        Args:
            hit: (n,) whether the record was matched.
            member: (n,) whether it is a member; the strata must not depend on this.
            stratum: (n,) non-negative stratum numbers, in order of how often chance hits.
            units: (n,) who each record belongs to; records of one person are not independent, and the design effect
                (Kish 1965) widens every interval by as much as their agreement demands.
        """
        size = int(stratum.max(initial=-1)) + 1
        stratum = _joined(
            np.bincount(stratum[hit], minlength=size),
            np.bincount(stratum[member], minlength=size),
            np.bincount(stratum[~member], minlength=size),
        )[stratum]

        def tally(mask: NDArray[np.bool_]) -> Floats:
            return np.bincount(stratum[mask], minlength=size).astype(np.float64)

        a, n1, b, n0 = tally(hit & member), tally(member), tally(hit & ~member), tally(~member)
        usable = (n1 > 0) & (n0 > 0)
        effects, people = (1.0, 1.0), None
        if units is not None:
            of = [(mine & hit, mine & ~hit, mine) for mine in (member, ~member)]
            people = np.array([[len(np.unique(units[those])) for those in group] for group in of])
            rate = (a + b) / np.maximum(n1 + n0, 1)
            informative = np.where(rate > 0, 1 / np.maximum(rate, 1e-12), 0.0)[stratum] * (hit - rate[stratum])
            # A member weighs 1 / members; of the others, each stratum's weigh as much together as its members.
            own = np.where(member, (a / np.maximum(n1, 1))[stratum], (b / np.maximum(n0, 1))[stratum])
            weight = np.where(member, 1.0, (n1 / np.maximum(n0, 1))[stratum])
            effects = (
                _design_effect(informative, member, units),
                _design_effect(weight * (hit - own), member, units, prior=float((weight**2).mean())),
            )
        return cls(a[usable], n1[usable], b[usable], n0[usable], *effects, people)

    @classmethod
    def together(cls, parts: Sequence[Strata]) -> Strata:
        """Several comparisons with the same others as one: their members differ, the others count once in all."""
        share = 1 / len(parts)
        return cls(
            np.concatenate([one.member_hits for one in parts]),
            np.concatenate([one.members for one in parts]),
            np.concatenate([one.nonmember_hits * share for one in parts]),
            np.concatenate([one.nonmembers * share for one in parts]),
            max(one.design_effect for one in parts),
            max(one.design_effect if one.risk_effect is None else one.risk_effect for one in parts),
        )

    def risk(self) -> float:
        """Of what chance left to gain over all members, the share given away: (p1 - p0) / (1 - p0), -1 to 1.

        Example:
            >>> from numpy import array
            >>> uneven = Strata(array([40.0, 0.0]), array([500.0, 500.0]), array([0.0, 0.0]), array([500.0, 500.0]))
            >>> round(uneven.risk(), 3)
            0.04
        """
        return risk(*self._rates()) if len(self.members) else 0.0

    def risk_interval(self, confidence: float) -> Interval:
        """Interval of the risk, which holds however unevenly the strata leak."""
        return risk_interval(*self._rates(), confidence) if len(self.members) else Interval(-1.0, 1.0)

    def _rates(self) -> tuple[Rate, Rate]:
        effect = self.design_effect if self.risk_effect is None else self.risk_effect
        weights = self.members / self.members.sum()
        return (
            standardised_rate(self.member_hits, self.members, weights, effect),
            standardised_rate(self.nonmember_hits, self.nonmembers, weights, effect),
        )

    def excess(self) -> float:
        """The maximum-likelihood share f of members hit on top of chance (negative where non-members are hit more)."""
        found = self._root(0.0)
        return found if abs(found) > 1e-8 else 0.0  # the root finder's own tolerance

    def interval(self, confidence: float) -> Interval:
        """Score interval of the excess; its lower end is above zero only if an exact permutation test agrees.

        Example:
            >>> from numpy import array
            >>> Strata(array([50.0]), array([1000.0]), array([0.0]), array([1000.0])).interval(0.95).low > 0.03
            True
        """
        z = float(norm.ppf(0.5 + confidence / 2))
        low, high = self._root(z), self._root(-z)
        if low > 0 and self.permutation_p() > (1 - confidence) / 2:
            low = 0.0
        return Interval(low, high)

    def exceeds_chance(self, confidence: float) -> bool:
        """Whether the lower end of the score interval lies above zero (without the permutation test: a fast answer)."""
        return self._score(0.0) < -float(norm.ppf(0.5 + confidence / 2))

    def permutation_p(self) -> float:
        """One-sided Monte Carlo p-value of no excess, given the hits in every stratum: who was a member is shuffled.

        The statistic is the efficient score at no excess, which weighs a hit by 1/p_s: an unlikely hit says more. The
        generator is seeded by the counts themselves, so that one table always has one p-value.
        """
        return self._permuted

    @cached_property
    def _permuted(self) -> float:
        hits = self.member_hits + self.nonmember_hits
        use = hits > 0
        if not use.any():
            return 1.0
        totals = (self.members + self.nonmembers)[use]
        weight = totals / hits[use]
        rng = np.random.default_rng([int(value) for value in np.concatenate([self.member_hits, self.members])])
        observed = float(weight @ self.member_hits[use])
        drawn = rng.hypergeometric(
            np.ceil(hits[use]).astype(np.int64),  # others who stand in two comparisons are halved
            (totals - hits[use]).astype(np.int64),
            self.members[use].astype(np.int64),
            size=(_PERMUTATIONS, int(use.sum())),
        )
        return float((1 + np.count_nonzero(drawn @ weight >= observed - 1e-9)) / (1 + _PERMUTATIONS))

    def _score(self, f: float) -> float:
        counts = (self.member_hits, self.members, self.nonmember_hits, self.nonmembers)
        return float(efficient_score(*counts, np.asarray(f), self.design_effect))

    def _root(self, z: float) -> float:
        """The excess at which the score equals -z (z > 0: a lower limit)."""
        if not len(self.members):
            return _LEAST if z > 0 else _MOST if z < 0 else 0.0

        def gap(f: float) -> float:
            return self._score(f) + z

        low, high = gap(_LEAST), gap(_MOST)
        if z == 0 and max(abs(low), abs(high)) < _NOTHING:
            return 0.0  # whoever could be hit is hit anyway
        if low * high > 0:  # the score rises with the excess, and crosses beyond the range
            return _LEAST if high > 0 else _MOST
        return float(brentq(gap, _LEAST, _MOST, xtol=1e-9))


def efficient_score(
    member_hits: Floats,
    members: Floats,
    nonmember_hits: Floats,
    nonmembers: Floats,
    f: Floats,
    design_effect: float = 1.0,
) -> Floats:
    """Standardised efficient score of the excess `f`: rises as `f` grows, about N(0, 1) at the true one.

    Args:
        member_hits: counts per stratum, shape (..., strata); the same for the other three.
        members: how many members there are.
        nonmember_hits: how many of the others were hit.
        nonmembers: how many others there are.
        f: the excess asked about, within (-1, 1), shape (...): one for each set of strata.
        design_effect: by how much the grouping of records widens the variance.
    """
    exchanged = (f < 0)[..., None]  # a negative excess is the same question with the two groups exchanged
    hits1, hits0 = np.where(exchanged, nonmember_hits, member_hits), np.where(exchanged, member_hits, nonmember_hits)
    n1, n0 = np.where(exchanged, nonmembers, members), np.where(exchanged, members, nonmembers)
    ratio = (1.0 - np.abs(f))[..., None]
    missed1, missed0 = n1 - hits1, n0 - hits0
    # The most likely q0 = P(missed without excess), given q1 = ratio * q0, solves a q0^2 + b q0 + c = 0.
    a = (n1 + n0) * ratio
    b = -(n1 * ratio + missed1 + n0 + ratio * missed0)
    c = missed1 + missed0
    q0 = np.clip((-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))) / (2 * a), 1e-12, 1.0)
    q1 = ratio * q0
    hit1, hit0 = np.maximum(1 - q1, 1e-12), np.maximum(1 - q0, 1e-12)
    known = hit1 > 1e-11  # a stratum without any hit says nothing about "no excess"
    score = np.where(known, (missed1 - n1 * q1) / hit1, 0.0).sum(axis=-1)
    information = 1.0 / (hit1 / (n1 * q1) + hit0 / (n0 * q0))
    variance = np.where(known, information, 0.0).sum(axis=-1) * design_effect
    standard = score / np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.asarray(np.where(f < 0, -standard, standard))


def _joined(hits: NDArray[np.int64], members: NDArray[np.int64], nonmembers: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each stratum, the number of the joined one it goes into: with enough hits, and both groups, in each."""
    into, current, gathered = np.zeros(len(hits), dtype=np.int64), 0, np.zeros(3, dtype=np.int64)
    least = np.array([LEAST_HITS, 1, 1])
    for number, counts in enumerate(np.stack([hits, members, nonmembers], axis=1)):
        if (gathered >= least).all():
            current, gathered = current + 1, np.zeros(3, dtype=np.int64)
        into[number], gathered = current, gathered + counts
    if (gathered < least).any() and current > 0:
        into[into == current] = current - 1  # too little was left over for a stratum of its own
    return into


def _design_effect(residual: Floats, member: NDArray[np.bool_], units: NDArray[np.int64], prior: float = 0.0) -> float:
    """How much larger the variance of a sum of residuals is because records of one person go together.

    Where few are hit this cannot be known, and is drawn towards full agreement with the weight `prior`, a square.
    """
    _, group = np.unique(np.stack([units, member.astype(np.int64)]), axis=1, return_inverse=True)
    sizes = np.bincount(group.reshape(-1))
    clustered = float((np.bincount(group.reshape(-1), weights=residual) ** 2).sum())
    independent = float((residual**2).sum()) + prior
    full = float((sizes**2).sum() / sizes.sum())
    return max(1.0, (clustered + prior * full) / independent) if independent > 0 else 1.0
