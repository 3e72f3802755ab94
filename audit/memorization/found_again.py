"""Records found again: which of them have a published record near, and how likely is that by chance?

What counts as near differs from attack to attack: an exact copy, a near one, an image closer than its neighbourhood.
Chance finds common records, so hits are compared within strata of how common a record is.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import numpy as np
from numpy.typing import NDArray

from audit.checks import Case, Subject
from audit.memorization.counted import CountedAttack, Tries, told_apart
from audit.memorization.rarity import chance_of_hit, features
from audit.neighbours import Points, distinct_rows, join
from audit.statistics import Floats

STRATA = 16
POOL = 8000

Found = NDArray[np.bool_]


class FoundAgain(CountedAttack):
    """An attack that says of each record whether it was found; a leaf writes `found`.

    Common records are found by chance, so the same is asked of records the generator never saw, and compared within
    strata of how likely chance finds a record: predicted from how common it is among all real ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self._features: dict[str, Floats] = {}

    @abstractmethod
    def found(self, estimate: str, case: Case, asked: Points, subject: Subject) -> Found:
        """Which of the asked records are found among the case's published ones, as this estimate counts them."""

    @final
    def tried(self, estimate: str, case: Case, subject: Subject) -> Tries:
        """Look for members and for all others; strata are made without knowing who was a member."""
        parts = (case.members, case.nonmembers, case.reference)
        hit = np.concatenate([self.found(estimate, case, part, subject) for part in parts])
        rng = self.rng(subject, f"rarity/{case.name}/{estimate}")
        chance = chance_of_hit(self._described(case, subject), hit, rng)
        edges = np.unique(np.quantile(chance, np.linspace(0, 1, STRATA + 1)[1:-1]))
        return Tries(
            hit,
            np.arange(len(hit)) < len(case.members),
            np.searchsorted(edges, chance),
            told_apart(case.member_units, case.nonmember_units, case.reference_units),
        )

    def _described(self, case: Case, subject: Subject) -> Floats:
        """What makes each record of the case common; see `rarity.features`."""
        if case.name not in self._features:
            parts, pool = (case.members, case.nonmembers, case.reference), self._pool(subject)
            found = np.concatenate([case.neighbours.nearest(part, pool, 4) for part in parts])
            # Whoever is in the pool finds itself first, and then others that differ: the pool holds no two alike.
            others = np.where(found[:, :1] > 0, found[:, :3], found[:, 1:])
            self._features[case.name] = features(np.concatenate([part.cells for part in parts]), others)
        return self._features[case.name]

    def _pool(self, subject: Subject) -> Points:
        """A fixed sample of distinct real records, against which isolation is measured."""
        if not hasattr(self, "_pooled"):
            main = self.cases(subject).main
            everyone = (main.members, main.nonmembers, main.reference)
            distinct = np.unique(distinct_rows(np.concatenate([part.cells for part in everyone])), return_index=True)[1]
            drawn = self.rng(subject, "pool").permutation(distinct)[:POOL]
            ends = np.cumsum([0, *map(len, everyone)])
            self._pooled = join(
                *(
                    part.take(drawn[(drawn >= start) & (drawn < stop)] - start)
                    for part, start, stop in zip(everyone, ends, ends[1:], strict=False)
                )
            )
        return self._pooled
