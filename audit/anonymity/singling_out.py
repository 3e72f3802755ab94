"""Singling out: do synthetic records describe single people of the training data?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from audit.anonymity.alone import singled_out
from audit.anonymity.attack import MOST_PLANTED, CountingAttack, Way
from audit.anonymity.choices import compared
from audit.anonymity.predicates import IntArray, encode, multivariate, univariate
from audit.checks import Case, Cases, Measured, Subject, register
from audit.neighbours import distinct_rows

TRIES = 2000
WIDTHS = {"risk": 16, "univariate_risk": 1, "multivariate_risk": 4}  # columns in a description, if there are so many


@register
class SinglingOut(CountingAttack):
    """Does a description of one synthetic record fit exactly one person of the training data?

    Predicates that match a single published record, at most one of them for each, are tried on the training data; a
    success is one that exactly one person matches. The same predicates are tried on people whom the generator never
    saw, as many of them: a rare description may fit one person by luck. Where training data are larger than what they
    are compared with, the expected successes on an equally large random part of them are counted, exactly, and the
    excess is scaled back.

    One person can be hit by many predicates, and the predicates are the same for both groups; how much that widens the
    interval is learnt by shuffling who was in training.

    `risk` is by up to sixteen columns together, since few other people fit a description so narrow by luck; the risks
    by one column and by four, which are usual elsewhere, stand beside it.

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

        Of a copied person's descriptions those succeed that nobody else fits; how many do is learnt on the target.
        """
        gain, base = self._gain[target.name, estimate], len(target.reference) // 2
        wanted = size * min(MOST_PLANTED, 1 / gain if gain > 0 else MOST_PLANTED)
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
                strata, factor, self._gain[case.name, name] = singled_out(predicates, groups, units, rng)
                way = f"descriptions by {width} column{'s' * (width > 1)}"
                found[name] = [Way(way, strata, len(predicates), factor)]
        return found

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many descriptions single out, in words."""
        risk, low, high = measured[0].shown(subject.policy.confidence_shown)
        return (
            f"Of descriptions that fit one synthetic record, {risk:.1%} fit exactly one person of the "
            f"training data beyond what luck explains ({low:.1%} to {high:.1%})."
        )


def _as_many(
    wanted: int, leaked: IntArray | None, records: IntArray, units: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """As many members as there are published records, the leaked ones among them: the release's training data."""
    first = np.zeros(0, dtype=np.int64) if leaked is None else leaked
    rest = np.setdiff1d(np.arange(len(records)), first)
    rows = np.concatenate([first, rng.permutation(rest)[: max(0, wanted - len(first))]])
    return records[rows], units[rows]
