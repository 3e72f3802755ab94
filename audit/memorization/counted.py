"""Attacks that hit a record or miss it: how hits are counted, compared with chance, shown and simulated.

What counts as a hit differs from attack to attack: an exact copy, a near one, a passage word for word. That hits on
training records are compared with hits on others within strata of how often chance hits, that people are counted and
not their records, and how small a leak would have been noticed, does not, and stands here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from audit.checks import Attack, Case, Cases, Measured, Subject, counted
from audit.checks.small_cells import hits_figure, share_in_words
from audit.statistics import Strata, smallest_detectable_excess
from reports import Figure

Rows = NDArray[np.int64]
Hits = NDArray[np.bool_]


@dataclass(frozen=True)
class Tries:
    """Records that an attack tried to hit.

    Attributes:
        hit: which it hit, shape (n,).
        member: which were trained on, shape (n,).
        stratum: in order of how often chance hits, from 0, made without looking at who is a member, shape (n,).
        person: number of the person behind each; members and others are different people, shape (n,).
    """

    hit: Hits
    member: Hits
    stratum: Rows
    person: Rows

    def people(self, *, members: bool) -> tuple[int, int]:
        """How many of the members, or of the others, were hit in any record, and how many there are.

        Example:
            >>> from numpy import array
            >>> both = array([True, True, True])
            >>> Tries(array([True, False, False]), both, array([0, 0, 0]), array([0, 0, 1])).people(members=True)
            (1, 2)
        """
        mine = self.member == members
        return len(np.unique(self.person[mine & self.hit])), len(np.unique(self.person[mine]))

    def strata(self) -> Strata:
        """Hits by stratum; records of one person go together."""
        alone = len(np.unique(self.person)) == len(self.person)
        return Strata.count(self.hit, self.member, self.stratum, None if alone else self.person)


class CountedAttack(Attack):
    """An attack that says of each record whether it hit it; a leaf writes `tried` and names its `findings`.

    The estimate is (p1 - p0) / (1 - p0), between -1 and 1: of what chance left to gain, the share given away, with p1
    the share of training records hit and p0 what others show who are as common. Whether there is any leak at all is
    asked of a sharper test within strata; see `statistics.stratified`. Where fewer synthetic records than training
    records are published, each has to give away more, so the excess is counted per synthetic record.
    """

    findings: ClassVar[Mapping[str, str]]
    """What each estimate counts, in the plural: {"excess_copies": "exact copies"}."""

    noun: ClassVar[str] = "record"
    """What is tried, for the reader."""

    reads_published: ClassVar[bool] = True
    """Whether it is published records that are read, and not the model that is asked."""

    def __init__(self) -> None:
        self._tries: dict[tuple[str, str], Tries] = {}

    @abstractmethod
    def tried(self, estimate: str, case: Case, subject: Subject) -> Tries:
        """Attack the case, as this estimate counts hits."""

    def cases(self, subject: Subject) -> Cases:
        """Looking for records is cheap, so many more are compared than attacks with scores could take."""
        return subject.compared

    @final
    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """The excess is the share itself."""
        return size * (target.published_per_member if self.reads_published else 1.0)

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Excess by estimate; several cases are counted as further strata of one comparison."""
        published = self._published(subject)
        unit = f"share of training {self.noun}s" if published == 1 else f"per synthetic {self.noun}"
        return [
            _measured(name, unit, [self.tries(name, case, subject) for case in cases]).scaled(1 / published)
            for name in self.findings
        ]

    @final
    def tries(self, estimate: str, case: Case, subject: Subject) -> Tries:
        """What `tried` found; each case is attacked once."""
        key = (case.name, estimate)
        if key not in self._tries:
            self._tries[key] = self.tried(estimate, case, subject)
        return self._tries[key]

    @final
    def shares(self, subject: Subject) -> dict[str, tuple[str, str]]:
        """By estimate, the share of training records (or of the people behind them) and of others hit, in words."""
        found = {name: self._counts(name, subject) for name in self.findings}
        return {name: (share_in_words(*mine), share_in_words(*others)) for name, (mine, others) in found.items()}

    @final
    def who(self, subject: Subject) -> str:
        """Who is counted: "records", or the people behind them where a column names these."""
        return f"{self.noun}s" if subject.dataset.schema.unit is None else "people"

    def figures(self, subject: Subject) -> list[Figure]:
        """How often training records are hit, and others."""
        who = self.who(subject)
        counts = [
            (f"{kind}, {name} {who}", *hits)
            for estimate, kind in self.findings.items()
            for name, hits in zip(("training", "other"), self._counts(estimate, subject), strict=True)
        ]
        return [
            hits_figure(
                "Found by the attack",
                f"A generator that memorised gives away training {who} more often than others; the difference counts, "
                "not the height: what is common is found by chance.",
                counts,
                f"share of {who}",
                subject.policy.confidence_shown,
            )
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """By simulation on the negative control: which share of leaked members would have been noticed."""
        published, cases = self._published(subject), self.cases(subject)
        found = {
            name: smallest_detectable_excess(
                self.tries(name, cases.negative, subject).strata(),
                subject.policy.confidence_verdict,
                rng=self.rng(subject, f"power/{name}"),
                drift=Strata.together([self.tries(name, case, subject).strata() for case in cases.drift]),
            )
            for name in self.findings
        }
        return {
            "probability": 0.8,
            "smallest_detectable_share": {
                name: None if share is None else share / published for name, share in found.items()
            },
            "meaning": f"share of training {self.noun}s (per synthetic one, where those are fewer) that would have to "
            "be given away for a warning with probability .8; null: not even half of them would",
        }

    def _published(self, subject: Subject) -> float:
        """Controls are counted in the target's unit, so that they can be compared with it."""
        return self.cases(subject).main.published_per_member if self.reads_published else 1.0

    def _counts(self, estimate: str, subject: Subject) -> tuple[tuple[int, int], tuple[int, int]]:
        tries = self.tries(estimate, self.cases(subject).main, subject)
        return tries.people(members=True), tries.people(members=False)


def in_percent(measured: Measured) -> str:
    """An excess as a reader may see it: in steps that tell of no handful."""
    return f"{measured.rounded(measured.value):.2%}"


def told_apart(*parts: Rows) -> Rows:
    """One number for each person of several parts whose people are different ones, whatever they are called there.

    Example:
        >>> from numpy import array
        >>> told_apart(array([7, 7, 9]), array([7])).tolist()
        [0, 0, 1, 2]
    """
    numbered, first = [], 0
    for units in parts:
        codes = np.unique(units, return_inverse=True)[1].reshape(-1).astype(np.int64)
        numbered.append(codes + first)
        first += int(codes.max(initial=-1)) + 1
    return np.concatenate(numbered)


def _measured(name: str, unit: str, tried: Sequence[Tries]) -> Measured:
    fewest = min(tries.people(members=members)[1] for tries in tried for members in (True, False))
    return counted(name, Strata.together([tries.strata() for tries in tried]), fewest, unit)
