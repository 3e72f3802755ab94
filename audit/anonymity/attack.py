"""Anonymity risks: what every attack does with its successes on training records and on others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from audit.checks import Attack, Case, Measured, Subject
from audit.checks.small_cells import People, coarse, hits_figure, share_in_words
from audit.statistics import Interval, Strata, smallest_detectable_excess
from reports import Figure, Table

_SHARES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
PILOT = 0.3
MOST_PLANTED = 3.0
"""Copies that a positive control may need, as a multiple of the limit: an attack that takes more than three copies to
find one misses most of a leak, and is no evidence that there is none."""

_SHOWN = 6


@dataclass(frozen=True)
class Way:
    """One way to attack a case, and how often it succeeded.

    Attributes:
        name: what tells it from the other ways, in words.
        strata: successes and tries on members and on others, by how easily chance alone succeeds. The risk is Giomi's
            R = (r_attack - r_control) / (1 - r_control), with the others standardised to the members' strata.
        n: independent tries, on members or on others, whichever are fewer.
        factor: by which the excess is to be multiplied, where the tries see only a part of the training data.
    """

    name: str
    strata: Strata
    n: int
    factor: float = 1.0

    @property
    def risk(self) -> float:
        """The share of tries that succeed on members on top of what succeeds on others anyway."""
        return self._scaled(self.strata.risk())

    @property
    def excess(self) -> float:
        """What the strata have in common: whether anything leaks, and not how much."""
        return self._scaled(self.strata.excess())

    def interval(self, confidence: float) -> Interval:
        """Interval of the risk."""
        return Interval(*map(self._scaled, self.strata.risk_interval(confidence)))

    def excess_interval(self, confidence: float) -> Interval:
        """Interval of the excess."""
        return Interval(*map(self._scaled, self.strata.interval(confidence)))

    def rates(self) -> tuple[Tally, Tally]:
        """Successes on members and on others."""
        strata, people = self.strata, self.strata.people
        counts = ((strata.member_hits, strata.members), (strata.nonmember_hits, strata.nonmembers))
        members, others = (
            Tally(float(hits.sum()), float(tries.sum()), None if people is None else People(*map(float, people[group])))
            for group, (hits, tries) in enumerate(counts)
        )
        return members, others

    def _scaled(self, share: float) -> float:
        return float(np.clip(share * self.factor, -1.0, 1.0))


class Tally(NamedTuple):
    """Successes, tries, and the people behind them where tries are not people."""

    hits: float
    tries: float
    people: People | None


class CountingAttack(Attack):
    """An attack that succeeds or not at each try; a leaf only writes `ways`.

    The risk is what succeeds on training records beyond what succeeds on records that the generator never saw, as a
    share of what was left to gain: R = (r_attack - r_control) / (1 - r_control). Where an attacker may go several ways,
    the risk is that of the best one, and the interval is widened by Bonferroni's correction for having had the choice.

    Source: Giomi, Boenisch, Wehmeyer and Tasnadi, "A unified framework for quantifying privacy risk in synthetic data"
    (PoPETs 2023), section 4; the interval is that of a ratio of two proportions, since 1 - R = (1 - r_attack) /
    (1 - r_control) (Donner and Zou 2012; see `statistics.standardised`). Whether there is any leak is asked of a
    stratified score test (Gart and Nam, Biometrics 1988; see `statistics.stratified`).
    """

    measures: ClassVar[tuple[str, ...]] = ("risk",)
    unit: ClassVar[str]

    def __init__(self) -> None:
        self._found: dict[str, Mapping[str, Sequence[Way]]] = {}

    @abstractmethod
    def ways(self, case: Case, subject: Subject) -> Mapping[str, Sequence[Way]]:
        """Attack the case: for each estimate, the ways to its end among which an attacker would choose."""

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """The risk by the best way, averaged over the cases."""
        self._subject = subject
        found = [self.tried(case, subject) for case in cases]
        names = [name for name in found[0] if all(name in one for one in found)]
        return [_best(name, _together([one[name] for one in found]), self.unit) for name in names]

    @final
    def tried(self, case: Case, subject: Subject) -> Mapping[str, Sequence[Way]]:
        """What `ways` found on this case (each case is attacked once)."""
        if case.name not in self._found:
            self._found[case.name] = self.ways(case, subject)
        return self._found[case.name]

    def leak(self, estimate: str, size: float, target: Case) -> float:
        """As many copies as give this risk, learnt from what a pilot with three tenths of all members copied gives.

        Where few columns are known, a copy hides among records that look alike, and less than each copy is found. If
        more than `MOST_PLANTED` times the limit would have to be copied, the attack is weak, and that much is planted:
        whoever misses it can clear nobody.
        """
        pilot = self.cases(self._subject).planted(PILOT, *self.planting(estimate))
        found = max(way.risk for way in self.tried(pilot, self._subject)[estimate])
        return size * target.looked_at * min(MOST_PLANTED, PILOT / found if found > 0 else MOST_PLANTED)

    def tables(self, subject: Subject) -> list[Table]:
        """Rates and risk of each way."""
        shown, cases = subject.policy.confidence_shown, self.cases(subject)
        rows: list[list[str | int | float | None]] = []
        for name, ways in self.tried(cases.main, subject).items():
            for way in ways:
                risk = _best(name, [way], self.unit).shown(1 - (1 - shown) / len(ways))
                rates = [share_in_words(*tally) for tally in way.rates()]
                rows.append([way.name, *rates, f"{risk.value:.1%}", f"{risk.low:.1%} to {risk.high:.1%}"])
        return [
            Table(
                title="Successes of each way to attack",
                description="Intervals allow for the number of ways among which the best was chosen. Numbers are "
                "rounded to five people or more, so that nobody can be counted out.",
                columns=["attack", "succeeds on training records", "on others", "risk", f"interval at {shown:.0%}"],
                rows=rows,
            )
        ]

    def figures(self, subject: Subject) -> list[Figure]:
        """Success rates on training records and on others."""
        tried = self.tried(self.cases(subject).main, subject).values()
        tallies = [
            (f"{way.name}, {group}", tally)
            for way in [way for ways in tried for way in ways][:_SHOWN]
            for group, tally in zip(("training records", "others"), way.rates(), strict=True)
            if tally.tries
        ]
        return [
            hits_figure(
                "How often the attack succeeds",
                "What succeeds on records that the generator never saw is owed to the population; only what training "
                "records suffer beyond that counts as risk.",
                [(label, tally.hits, tally.tries) for label, tally in tallies],
                "share of tries",
                subject.policy.confidence_shown,
                [tally.people for _, tally in tallies],
            )
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """By simulation on the negative control: for each limit, the smallest risk that would have raised a warning."""
        cases, found = self.cases(subject), {}
        quiet = self.tried(cases.negative, subject)
        drift = [self.tried(case, subject) for case in cases.drift]
        for name in quiet:
            if subject.policy.limit(self.id, name) is None or not all(name in one for one in drift):
                continue
            null = {way.name: way for way in _together([one[name] for one in drift])}
            confidence = 1 - (1 - self.verdict_confidence(name, subject)) / len(quiet[name])
            rng = self.rng(subject, f"power/{name}")
            each = [_smallest(way, null[way.name], confidence, rng) for way in quiet[name] if way.name in null]
            found[name] = min((one for one in each if one is not None), default=None)
        return {
            "probability": 0.8,
            "smallest_detectable_risk": found,
            "meaning": "the risk, were it the same for all kinds of records, that would have raised a warning with "
            "probability .8; null: not even 50% would",
        }


def fewer(member: NDArray[np.bool_], person: NDArray[np.int64]) -> int:
    """People among the members, or among the others, whichever are fewer."""
    return min(len(np.unique(person[member])), len(np.unique(person[~member])))


def _together(found: Sequence[Sequence[Way]]) -> list[Way]:
    """The ways that could be gone in all of the cases, each with its successes in all of them."""
    by_name = [{way.name: way for way in ways} for ways in found]
    return [_as_one([ways[name] for ways in by_name]) for name in by_name[0] if all(name in ways for ways in by_name)]


def _as_one(ways: Sequence[Way]) -> Way:
    """One way on several cases: their members differ, but the others are the same people, who count once in all."""
    return replace(ways[0], strata=Strata.together([way.strata for way in ways]), n=min(way.n for way in ways))


def _best(name: str, ways: Sequence[Way], unit: str) -> Measured:
    """The best way to attack, with intervals that allow for having chosen it."""
    signal = Measured(
        name=name,
        value=max(way.excess for way in ways),
        n=min(way.n for way in ways),
        unit=unit,
        interval=cache(partial(_simultaneous, [way.excess_interval for way in ways])),
        chance=0.0,
        bounds=(-1.0, 1.0),
        step=max(coarse(way.n / way.factor) for way in ways),
    )
    interval = cache(partial(_simultaneous, [way.interval for way in ways]))
    return replace(signal, value=max(way.risk for way in ways), interval=interval, signal=signal)


def _simultaneous(intervals: Sequence[Callable[[float], Interval]], confidence: float) -> Interval:
    """Interval of the largest of several values: it lies above each lower end and below the highest upper one."""
    ends = [interval(1 - (1 - confidence) / len(intervals)) for interval in intervals]
    return Interval(max(end.low for end in ends), max(end.high for end in ends))


def _smallest(way: Way, drift: Way, confidence: float, rng: np.random.Generator) -> float | None:
    """The smallest risk that stands out from chance, and from a drift control without any drift."""
    excesses = np.array(_SHARES) / way.factor
    found = smallest_detectable_excess(way.strata, confidence, rng=rng, excesses=excesses, drift=drift.strata)
    return None if found is None else round(found * way.factor, 6)
