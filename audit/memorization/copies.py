"""Copies of training records among the synthetic ones, beyond what chance explains."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.checks import Attack, Case, Cases, Measured, Subject, register
from audit.checks.attack import as_they_are
from audit.checks.cases import Plant
from audit.memorization.rarity import chance_of_hit, features
from audit.neighbours import Points, distinct_rows, join
from audit.statistics import Floats, Interval, Strata, wilson
from reports import Figure

EXACT = 1e-9
STRATA = 16
POOL = 8000
SMALLEST_CELL = 5  # fewer people than this are not counted out loud
_SHARES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_SIMULATIONS = 400


@register
class Copies(Attack):
    """Do training records stand among the synthetic ones, exactly or nearly, more often than others do?

    A record is *copied* when a synthetic record equals it in every column, *nearly copied* when all categories are
    equal and every number is close (within 2.5% of its column's range, by the policy). On coarse data many records
    recur by chance, so the same is counted for records the generator never saw, and compared within strata of how
    likely chance hits a record: predicted from how common it is among all real ones. A stratum weighs by its
    information, so that rare records, whose copies chance does not explain, carry the signal.

    Estimates (all lower is better, range -1 to 1): `excess_copies`, `excess_near_copies`, the share of training records
    copied beyond chance; per synthetic record where fewer of those than of training records exist.

    Source: the comparison with a holdout follows Meehan, Chaudhuri and Dasgupta (AISTATS 2020) and Platzer and
    Reutterer (Frontiers in Big Data 2021); the stratified score interval is that of Gart and Nam (Biometrics 1988).
    """

    id = "memorization.copies"
    title = "Copies of training records"
    question = "Do people's records stand among the synthetic ones, exactly or nearly, more often than chance explains?"
    source = "after Meehan et al. (AISTATS 2020) and Platzer and Reutterer (2021); intervals: Gart and Nam (1988)"
    measures = ("excess_copies", "excess_near_copies")
    knowledge = "reads the published records; the audit compares them with training records and with others"
    remedy = (
        "Remove repeated records before training, stop earlier, train under differential privacy, and drop synthetic "
        "records that lie on a training record only together with those that lie on a holdout record, since the gap "
        "itself tells who was there."
    )

    def __init__(self) -> None:
        self._features: dict[str, Floats] = {}
        self._counted: dict[tuple[str, float], Strata] = {}

    def cases(self, subject: Subject) -> Cases:
        """Looking for copies is cheap, so many more records are compared than attacks with scores could take."""
        return subject.compared

    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """The excess is the share itself, counted per synthetic record where those are fewer."""
        return size * target.published_per_member

    def planting(self, estimate: str) -> tuple[str, Plant]:
        """Near copies are planted with every number moved by up to half of what still counts as near."""
        return ("copies", as_they_are) if estimate == "excess_copies" else ("near", self._blurred)

    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Excess of exact and of near copies; several cases are counted as further strata."""
        self._ranges = subject.neighbours.space.full_range
        self._tolerance = subject.policy.near_copy_tolerance
        strata = {name: self._count(cases, reach, subject) for name, reach in self._reaches(subject).items()}
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

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many records were copied, in words."""
        case = self.cases(subject).main
        exact, near = (
            [_share(self._hit(case, part, reach)) for part in (case.members, self._others(case))]
            for reach in self._reaches(subject).values()
        )
        return (
            f"{exact[0]} of training records have an exact copy among the synthetic ones, against {exact[1]} "
            f"of records that were never trained on; near copies: {near[0]} against {near[1]}. By rarity, "
            f"{measured[0].value:.2%} are copied and {measured[1].value:.2%} nearly copied beyond chance."
        )

    def figures(self, subject: Subject) -> list[Figure]:
        """Copy rates of training records and of others."""
        case = self.cases(subject).main
        labels, values, low, high = [], [], [], []
        for kind, reach in zip(("exact", "near"), self._reaches(subject).values(), strict=True):
            for part, name in ((case.members, "training"), (self._others(case), "other")):
                hits = self._hit(case, part, reach)
                few = 0 < hits.sum() < SMALLEST_CELL
                count = SMALLEST_CELL if few else int(hits.sum())
                interval = wilson(count, len(hits), subject.policy.confidence_shown)
                labels.append(f"{kind} copies, {name} records" + (f" (fewer than {SMALLEST_CELL})" if few else ""))
                values.append(count / len(hits))
                low.append(0.0 if few else interval.low)
                high.append(interval.high)
        return [
            Figure(
                kind="bars",
                title="Records found again among the synthetic ones",
                description="A generator that copies finds training records more often than others; the difference "
                "counts, not the height.",
                data={
                    "labels": labels,
                    "values": values,
                    "low": low,
                    "high": high,
                    "reference": None,
                    "reference_label": "",
                    "unit": "share of records",
                },
            )
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """By simulation on the negative control: which share of copied members would have been noticed."""
        policy = subject.policy
        found = {
            name: self._smallest(
                self._count([self.cases(subject).negative], reach, subject),
                policy.confidence_verdict,
                self.rng(subject, f"power/{name}"),
            )
            for name, reach in self._reaches(subject).items()
        }
        return {
            "probability": 0.8,
            "smallest_detectable_share": found,
            "meaning": "share of training records that would have to be copied for a warning with probability .8; "
            "null: not even 20% would have been noticed",
        }

    @staticmethod
    def _smallest(strata: Strata, confidence: float, rng: np.random.Generator) -> float | None:
        totals = strata.members + strata.nonmembers
        chance = (strata.member_hits + strata.nonmember_hits) / totals
        for share in _SHARES:
            noticed = 0
            for _ in range(_SIMULATIONS):
                members = rng.binomial(strata.members.astype(int), chance + share * (1 - chance))
                others = rng.binomial(strata.nonmembers.astype(int), chance)
                simulated = Strata(
                    members.astype(float), strata.members, others.astype(float), strata.nonmembers, strata.design_effect
                )
                noticed += simulated.exceeds_chance(confidence)
            if noticed >= 0.8 * _SIMULATIONS:
                return share
        return None

    def _blurred(self, members: Points, rng: np.random.Generator) -> Points:
        shift = rng.uniform(-0.5, 0.5, size=members.numbers.shape) * self._tolerance * self._ranges
        return Points(members.numbers + shift, members.codes)

    @staticmethod
    def _reaches(subject: Subject) -> dict[str, float]:
        return {"excess_copies": EXACT, "excess_near_copies": subject.policy.near_copy_tolerance}

    @staticmethod
    def _others(case: Case) -> Points:
        return join(case.nonmembers, case.reference)

    @staticmethod
    def _hit(case: Case, asked: Points, reach: float) -> NDArray[np.bool_]:
        return case.neighbours.twin(asked, case.synthetic) <= reach

    def _count(self, cases: Sequence[Case], reach: float, subject: Subject) -> Strata:
        for case in cases:
            if (case.name, reach) not in self._counted:
                self._counted[case.name, reach] = self._strata(case, reach, subject)
        first, *rest = (self._counted[case.name, reach] for case in cases)
        for more in rest:
            first = first.beside(more)
        return first

    def _strata(self, case: Case, reach: float, subject: Subject) -> Strata:
        """Count hits within strata of how likely chance hits, which are made without knowing who was a member."""
        parts = (case.members, case.nonmembers, case.reference)
        hit = np.concatenate([self._hit(case, part, reach) for part in parts])
        chance = chance_of_hit(self._described(case, subject), hit, self.rng(subject, f"rarity/{case.name}/{reach}"))
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
            same = distinct_rows(np.hstack([everyone.numbers, everyone.codes]))
            distinct = np.unique(same, return_index=True)[1]
            self._pooled = everyone.take(self.rng(subject, "pool").permutation(distinct)[:POOL])
        return self._pooled


def _share(hits: NDArray[np.bool_]) -> str:
    """A share in words that does not single out a handful."""
    count = int(hits.sum())
    if 0 < count < SMALLEST_CELL:
        return f"under {SMALLEST_CELL / len(hits):.1%}"
    return f"{count / len(hits):.1%}"


def _interval(strata: Strata, confidence: float) -> Interval:
    return strata.interval(confidence)
