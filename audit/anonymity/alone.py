"""How many predicates single out one person, in training data and among others, on an equal footing?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from audit.anonymity.predicates import IntArray, Predicates
from audit.statistics import Floats, Strata

MOST_MATCHES = 64  # who shares a description with more people is alone in no part of the data worth looking at
_SHUFFLES = 200


class Alone(NamedTuple):
    """Successes of a list of predicates.

    Attributes:
        strata: expected successes on equally many people of the training data and of others.
        factor: how much larger the training data are than the part of it that was compared.
        gain: of a person whose record is copied, the share of descriptions that succeed beyond luck.
    """

    strata: Strata
    factor: float
    gain: float


def singled_out(
    predicates: Predicates, groups: Sequence[IntArray], units: Sequence[IntArray], rng: np.random.Generator
) -> Alone:
    """Count predicates that exactly one person matches, among members and among others.

    Where one group is larger, each predicate counts with the probability that exactly one matching person is in a
    random part of it as large as the other group (hypergeometric): without a leak both groups then expect the same.

    Args:
        predicates: what is claimed to fit one person.
        groups: encoded records of members and of others.
        units: the person behind each record.
        rng: shuffles membership for the design effect.
    """
    if not len(predicates):
        nothing = np.zeros(0)
        return Alone(Strata(nothing, nothing, nothing, nothing), 1.0, 0.0)
    people = [len(np.unique(unit)) for unit in units]
    size = min(people)
    fits = [_fits(predicates, records, unit) for records, unit in zip(groups, units, strict=True)]
    rare = np.all([predicates.counts(records) <= MOST_MATCHES for records in groups], axis=0)
    chance = [_chance(1, many, size) for many in people]
    totals = [np.asarray(fit.sum(axis=1)).ravel().astype(np.int64) for fit in fits]
    hits = [float((alone[total] * rare).sum()) for alone, total in zip(chance, totals, strict=True)]
    tries = float(len(predicates))
    luck = hits[1] / tries
    unmatched = float((_chance(0, people[1], size)[totals[1]] * rare).mean())
    gain = (unmatched - luck) / (1 - luck) if luck < 1 else 0.0
    effect = _design_effect(sparse.hstack(fits, format="csr"), people, chance, rare, rng)
    counts = [np.array([number]) for number in (hits[0], tries, hits[1], tries)]
    found = [len(np.unique(fit[total == 1].indices)) for fit, total in zip(fits, totals, strict=True)]
    behind = np.array(
        [[each, len(predicates) - hit, len(predicates)] for each, hit in zip(found, hits, strict=True)], dtype=np.int64
    )
    return Alone(Strata(counts[0], counts[1], counts[2], counts[3], effect, people=behind), people[0] / size, gain)


def _chance(wanted: int, people: int, size: int) -> Floats:
    """How likely a random part of `size` people holds `wanted` of those who match, for 0, 1, ... who match."""
    return np.asarray(stats.hypergeom.pmf(wanted, people, np.arange(2 * MOST_MATCHES + 1), size))


def _fits(predicates: Predicates, records: IntArray, units: IntArray) -> sparse.csr_array:
    """Which people match which predicate, (predicates, people); a person with several matching records counts once."""
    people, person = np.unique(units, return_inverse=True)
    number, row = predicates.matches(records, MOST_MATCHES)
    fit = sparse.csr_array((np.ones(len(row)), (number, person[row])), shape=(len(predicates), len(people)))
    fit.data = np.minimum(fit.data, 1.0)
    return fit


def _design_effect(
    fits: sparse.csr_array,
    people: Sequence[int],
    chance: Sequence[Floats],
    rare: NDArray[np.bool_],
    rng: np.random.Generator,
) -> float:
    """How much more the difference varies, when membership is shuffled, than that of independent tries would.

    One person can be hit by many predicates, and both groups are asked by the same ones.
    """
    seen = fits[:, np.flatnonzero(np.asarray(fits.sum(axis=0)).ravel())]
    trained = (rng.random((seen.shape[1], _SHUFFLES)) < people[0] / sum(people)).astype(np.float64)
    members = (seen @ trained).astype(np.int64)
    others = np.asarray(seen.sum(axis=1)).astype(np.int64).reshape(-1, 1) - members
    rates = [alone[count] * rare[:, None] for alone, count in zip(chance, (members, others), strict=True)]
    rate = float(np.mean(rates))
    independent = 2 * len(rare) * rate * (1 - rate)
    found = float((rates[0] - rates[1]).sum(axis=0).var(ddof=1))
    return max(1.0, found / independent) if independent > 0 else 1.0
