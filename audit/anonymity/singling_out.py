"""Singling out: do synthetic records describe single people of the training data?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse, stats

from audit.anonymity.attack import CountingAttack, Way
from audit.anonymity.choices import compared
from audit.anonymity.predicates import IntArray, Predicates, encode, multivariate, univariate
from audit.checks import Case, Cases, Measured, Subject, register
from audit.neighbours import distinct_rows
from audit.statistics import Floats, Strata

TRIES = 2000
WIDTHS = {"risk": 16, "univariate_risk": 1, "multivariate_risk": 4}  # columns in a description, where there are so many
MOST_MATCHES = 64  # a predicate that more people match singles out nobody, whichever part of them is looked at
_SHUFFLES = 200


@register
class SinglingOut(CountingAttack):
    """Does a description of one synthetic record fit exactly one person of the training data?

    Predicates that match a single published record, at most one of them for each, are tried on the training data; a success is one that exactly one
    person matches. The same predicates are tried on people whom the generator never saw, as many of them: a rare
    description may fit one person by luck. Where training data are larger than what they are compared with, the
    expected successes on an equally large random part of them are counted, exactly, and the excess scaled back.

    One person can be hit by many predicates, and the predicates are the same for both groups; how much that widens the
    interval is learnt by shuffling who was in training.

    `risk` is by up to sixteen columns together, since few other people fit a description so narrow by luck; those by one
    column and by four, which are usual elsewhere, stand beside it.

    Source: Giomi, Boenisch, Wehmeyer and Tasnadi (PoPETs 2023), section 4.1, after Cohen and Nissim, "Towards
    formalizing the GDPR's notion of singling out" (PNAS 2020).
    """

    id = "anonymity.singling-out"
    title = "Singling out"
    question = "Do synthetic records describe single people of the training data?"
    source = "Giomi et al., Anonymeter (PoPETs 2023), section 4.1; notion: Cohen and Nissim (PNAS 2020)"
    knowledge = "holds the published records alone, and claims of a description that one person in training fits it"
    remedy = "Train under differential privacy, cut off extreme values, merge rare categories, and stop earlier."
    measures = ("risk", "univariate_risk", "multivariate_risk")
    unit = "share of descriptions that fit one person of the training data beyond chance"

    def __init__(self) -> None:
        super().__init__()
        self._gain: dict[tuple[str, str], float] = {}

    def cases(self, subject: Subject) -> Cases:
        """Who is alone among all training records need not be alone among some, so all are looked at."""
        return subject.whole

    def leak(self, estimate: str, size: float, target: Case) -> float:
        """A share of the published records is copied such that descriptions of them move the risk to `size`.

        Of a copied person's descriptions those succeed that nobody else fits; how many do is learnt on the target. A
        yield of nothing means that no leak could be found by this attack.
        """
        gain = self._gain[target.name, estimate]
        if gain <= size:
            return 1.0
        wanted, base = size / gain, len(target.reference) // 2
        return base * wanted / (1 - wanted) / len(target.members)

    def ways(self, case: Case, subject: Subject) -> Mapping[str, Sequence[Way]]:
        """Try descriptions of published records, of several widths."""
        columns = compared(subject)
        kinds = {
            column.name: column.is_number or column.kind == "datetime" for column in subject.dataset.schema.columns
        }
        ordered = [kinds[name] for name in columns]
        frames = case.frames
        others = pd.concat([frames.nonmembers, frames.reference])
        published, *groups = encode([frames.published, frames.members, others], columns)
        published = published[np.unique(distinct_rows(published), return_index=True)[1]]
        rng = self.rng(subject, case.name)
        units = [
            case.member_units,
            np.concatenate([case.nonmember_units, case.nonmember_units.max(initial=0) + 1 + case.reference_units]),
        ]
        if case.name == "negative" or case.leaked is not None:
            groups[0], units[0] = _as_many(len(frames.published), case.leaked, groups[0], units[0], rng)
        found = {}
        for name, width in WIDTHS.items():
            width = min(width, len(columns))
            if width == 1:
                predicates = univariate(published, ordered)
                predicates = predicates.take(np.sort(rng.permutation(len(predicates))[:TRIES]))
            else:
                predicates = multivariate(published, ordered, width, TRIES, rng, once=True)
            if len(predicates) or name == "risk":
                strata, factor, self._gain[case.name, name] = _compare(predicates, groups, units, rng)
                way = f"descriptions by {width} column{'s' * (width > 1)}"
                found[name] = [Way(way, strata, len(predicates), factor)]
        return found

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many descriptions single out, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        return (
            f"Of descriptions that fit one synthetic record, {measured[0].value:.1%} fit exactly one person of the "
            f"training data beyond what luck explains ({low:.1%} to {high:.1%})."
        )


def _compare(
    predicates: Predicates, groups: Sequence[IntArray], units: Sequence[IntArray], rng: np.random.Generator
) -> tuple[Strata, float, float]:
    """Successes on training data and on others; the scale of their difference; and what a copied person would yield."""
    people = [len(np.unique(unit)) for unit in units]
    size = min(people)
    alone = [stats.hypergeom.pmf(1, many, np.arange(MOST_MATCHES + 2), size) for many in people]
    alone = [np.append(chances[: MOST_MATCHES + 1], 0.0) for chances in alone]
    fits = [_fits(predicates, records, unit) for records, unit in zip(groups, units, strict=True)]
    totals = [np.asarray(fit.sum(axis=1)).ravel().astype(np.int64) for fit in fits]
    many = [predicates.counts(records) > MOST_MATCHES for records in groups]
    hits = [
        float(_expected(chances, total, full).sum()) for chances, total, full in zip(alone, totals, many, strict=True)
    ]
    count = float(len(predicates))
    if not count:
        empty = np.zeros(0)
        return Strata(empty, empty, empty, empty), 1.0, 0.0
    nobody = stats.hypergeom.pmf(0, people[1], np.minimum(totals[1], MOST_MATCHES), size)
    luck = hits[1] / count
    gain = (float(np.where(many[1], 0.0, nobody).mean()) - luck) / (1 - luck) if luck < 1 else 0.0
    effect = _design_effect(sparse.hstack(fits, format="csr"), people, alone, many[0] | many[1], rng)
    strata = Strata(*(np.array([number]) for number in (hits[0], count, hits[1], count)), effect)
    return strata, people[0] / size, gain


def _expected(chances: Floats, total: IntArray, full: np.ndarray) -> Floats:
    """How likely each predicate singles out in a random part of the group."""
    return np.where(full, 0.0, chances[np.minimum(total, MOST_MATCHES + 1)])


def _fits(predicates: Predicates, records: IntArray, units: IntArray) -> sparse.csr_array:
    """Which people match which predicate, (predicates, people); a person with several matching records counts once."""
    people, person = np.unique(units, return_inverse=True)
    number, row = predicates.matches(records, MOST_MATCHES)
    fit = sparse.csr_array((np.ones(len(row)), (number, person[row])), shape=(len(predicates), len(people)))
    fit.data = np.minimum(fit.data, 1.0)
    return fit


def _design_effect(
    fits: sparse.csr_array, people: Sequence[int], alone: Sequence[Floats], full: np.ndarray, rng: np.random.Generator
) -> float:
    """How much more the difference varies, when membership is shuffled, than that of independent tries."""
    seen = fits[:, np.flatnonzero(np.asarray(fits.sum(axis=0)).ravel())]
    trained = (rng.random((seen.shape[1], _SHUFFLES)) < people[0] / sum(people)).astype(np.float64)
    first = (seen @ trained).astype(np.int64)
    second = np.asarray(seen.sum(axis=1)).astype(np.int64).reshape(-1, 1) - first
    rates = [
        np.where(full[:, None], 0.0, _expected(chances, count, np.zeros(1, bool)))
        for chances, count in ((alone[0], first), (alone[1], second))
    ]
    rate = float(np.mean(rates))
    independent = 2 * len(full) * rate * (1 - rate)
    return max(1.0, float((rates[0] - rates[1]).sum(axis=0).var(ddof=1)) / independent) if independent > 0 else 1.0


def _as_many(
    wanted: int, leaked: IntArray | None, records: IntArray, units: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """As many members as there are published records, the leaked ones among them: the release's training data."""
    first = np.zeros(0, dtype=np.int64) if leaked is None else leaked
    rest = np.setdiff1d(np.arange(len(records)), first)
    rows = np.concatenate([first, rng.permutation(rest)[: max(0, wanted - len(first))]])
    return records[rows], units[rows]
