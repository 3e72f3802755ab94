"""Records found again: do published records point at training records more often than at others, chance aside?

What is looked for differs from attack to attack: an exact copy, a near one, an image closer than its neighbourhood. How
it is counted does not, and stands here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from audit.checks import Attack, Case, Cases, Measured, Subject
from audit.checks.small_cells import hits_figure, share_in_words
from audit.memorization.rarity import chance_of_hit, features
from audit.neighbours import Points, distinct_rows, join
from audit.statistics import Floats, Interval, Strata, efficient_score, normal_quantile
from reports import Figure

STRATA = 16
POOL = 8000
_SHARES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_SIMULATIONS = 400

Found = NDArray[np.bool_]


class FoundAgain(Attack):
    """An attack that says of each record whether it was found; a leaf writes `found` and names its `findings`.

    Common records are found by chance, so the same is counted for records the generator never saw, and compared within
    strata of how likely chance finds a record: predicted from how common it is among all real ones. A stratum weighs by
    its information, so that rare records, which chance does not find, carry the signal.

    The stratified score interval is that of Gart and Nam (Biometrics 1988); see `statistics.stratified`.
    """

    findings: ClassVar[Mapping[str, str]]
    """What each estimate counts, in the plural: {"excess_copies": "exact copies"}."""

    def __init__(self) -> None:
        self._features: dict[str, Floats] = {}
        self._counted: dict[tuple[str, str], Strata] = {}

    @abstractmethod
    def found(self, estimate: str, case: Case, asked: Points, subject: Subject) -> Found:
        """Which of the asked records are found among the case's published ones, as this estimate counts them."""

    def cases(self, subject: Subject) -> Cases:
        """Looking for records is cheap, so many more are compared than attacks with scores could take."""
        return subject.compared

    @final
    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """The excess is the share itself, counted per synthetic record where those are fewer."""
        return size * target.published_per_member

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Excess by estimate; several cases are counted as further strata."""
        strata = {name: self._count(cases, name, subject) for name in self.findings}
        # Controls are counted in the target's unit, so that they can be compared with it.
        published = self.cases(subject).main.published_per_member
        return [
            Measured(
                name=name,
                value=counted.excess(),
                n=int(min(counted.members.sum(), counted.nonmembers.sum())),
                unit="share of training records" if published == 1 else "per synthetic record",
                interval=partial(_interval, counted),
                chance=0.0,
                bounds=(-1.0, 1.0),
            ).scaled(1 / published)
            for name, counted in strata.items()
        ]

    @final
    def shares(self, subject: Subject) -> dict[str, tuple[str, str]]:
        """By estimate, the share of training records and of others that were found, in words."""
        case = self.cases(subject).main
        return {
            name: (
                _share(self.found(name, case, case.members, subject)),
                _share(self._found_others(name, case, subject)),
            )
            for name in self.findings
        }

    def figures(self, subject: Subject) -> list[Figure]:
        """How often training records are found, and others."""
        case = self.cases(subject).main
        counts = []
        for estimate, kind in self.findings.items():
            mine, others = (
                self.found(estimate, case, case.members, subject),
                self._found_others(estimate, case, subject),
            )
            counts += [
                (f"{kind}, {name} records", int(hits.sum()), len(hits))
                for hits, name in ((mine, "training"), (others, "other"))
            ]
        return [
            hits_figure(
                "Records found again among the synthetic ones",
                "A generator that copies finds training records more often than others; the difference counts, not "
                "the height.",
                counts,
                "share of records",
                subject.policy.confidence_shown,
            )
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """By simulation on the negative control: which share of copied members would have been noticed."""
        policy = subject.policy
        found = {
            name: _smallest(
                self._count([self.cases(subject).negative], name, subject),
                policy.confidence_verdict,
                self.rng(subject, f"power/{name}"),
            )
            for name in self.findings
        }
        return {
            "probability": 0.8,
            "smallest_detectable_share": found,
            "meaning": "share of training records that would have to be copied for a warning with probability .8; "
            "null: not even 20% would have been noticed",
        }

    def _found_others(self, estimate: str, case: Case, subject: Subject) -> Found:
        """Which of the records that were never trained on are found; part by part, so that no search is repeated."""
        return np.concatenate([self.found(estimate, case, part, subject) for part in (case.nonmembers, case.reference)])

    def _count(self, cases: Sequence[Case], estimate: str, subject: Subject) -> Strata:
        for case in cases:
            if (case.name, estimate) not in self._counted:
                self._counted[case.name, estimate] = self._strata(case, estimate, subject)
        return Strata.together([self._counted[case.name, estimate] for case in cases])

    def _strata(self, case: Case, estimate: str, subject: Subject) -> Strata:
        """Count hits within strata of how likely chance hits, which are made without knowing who was a member."""
        parts = (case.members, case.nonmembers, case.reference)
        hit = np.concatenate([self.found(estimate, case, part, subject) for part in parts])
        rng = self.rng(subject, f"rarity/{case.name}/{estimate}")
        chance = chance_of_hit(self._described(case, subject), hit, rng)
        edges = np.unique(np.quantile(chance, np.linspace(0, 1, STRATA + 1)[1:-1]))
        units = np.concatenate(
            [case.member_units, case.nonmember_units, case.nonmember_units.max(initial=0) + 1 + case.reference_units]
        )
        return Strata.count(
            hit,
            np.arange(len(hit)) < len(case.members),
            np.searchsorted(edges, chance),
            units if subject.dataset.schema.unit is not None else None,
        )

    def _described(self, case: Case, subject: Subject) -> Floats:
        """What makes each record of the case common; see `rarity.features`."""
        if case.name not in self._features:
            parts, pool = (case.members, case.nonmembers, case.reference), self._pool(subject)
            found = np.concatenate([case.neighbours.nearest(part, pool, 4) for part in parts])
            # Whoever is in the pool finds itself first, and then others that differ: the pool holds no two alike.
            others = np.where(found[:, :1] > 0, found[:, :3], found[:, 1:])
            self._features[case.name] = features(join(*parts), others)
        return self._features[case.name]

    def _pool(self, subject: Subject) -> Points:
        """A fixed sample of distinct real records, against which isolation is measured."""
        if not hasattr(self, "_pooled"):
            main = self.cases(subject).main
            everyone = join(main.members, main.nonmembers, main.reference)
            distinct = np.unique(distinct_rows(everyone.cells), return_index=True)[1]
            self._pooled = everyone.take(self.rng(subject, "pool").permutation(distinct)[:POOL])
        return self._pooled


def _smallest(strata: Strata, confidence: float, rng: np.random.Generator) -> float | None:
    chance = (strata.member_hits + strata.nonmember_hits) / (strata.members + strata.nonmembers)
    size = (_SIMULATIONS, len(chance))
    for share in _SHARES:
        members = rng.binomial(strata.members.astype(int), chance + share * (1 - chance), size).astype(np.float64)
        others = rng.binomial(strata.nonmembers.astype(int), chance, size).astype(np.float64)
        none = np.zeros(_SIMULATIONS)
        score = efficient_score(members, strata.members, others, strata.nonmembers, none, strata.design_effect)
        if (score < -normal_quantile(confidence)).mean() >= 0.8:
            return share
    return None


def _share(hits: Found) -> str:
    return share_in_words(int(hits.sum()), len(hits))


def _interval(strata: Strata, confidence: float) -> Interval:
    return strata.interval(confidence)
