"""The base of attacks: it runs the leaf on the target and on every control, and lets the policy decide."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, final

import numpy as np

from audit.checks.cases import Case, Cases, Plant
from audit.checks.check import Check, Examined
from audit.checks.gate import Evidence, beyond, control, decide
from audit.checks.measured import Measured
from audit.checks.retrained import how_learnt
from audit.checks.subject import Subject
from audit.neighbours import Points
from reports import Controls, Figure, Gate, Table
from reports.words import estimate_name


class _Planted(NamedTuple):
    """A positive control: the case, the share of members that leaked, what was measured, and whether that is enough."""

    case: Case
    share: float
    found: Measured
    detected: bool


class Attack(Check):
    """An attempt to learn about the people behind the target, checked against itself.

    A leaf measures; this base runs it on the target, on a target without any leak (negative control), on leaks planted
    at the size of each limit (positive controls) and on the difference between the parts of the data (drift), and only
    then reads the policy.
    """

    knowledge: ClassVar[str] = (
        "holds the published records and a reference sample of the same population, and asks of a record whether it "
        "was in the training data"
    )

    @abstractmethod
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Measure one case, or two halves of one whose measurements are to be averaged."""

    @abstractmethod
    def leak(self, estimate: str, size: float, target: Case) -> float:
        """The share of members that must be published to move this estimate to `size` in the mean."""

    @abstractmethod
    def cases(self, subject: Subject) -> Cases:
        """The cases to run on."""

    def planting(self, estimate: str) -> tuple[str, Plant]:  # noqa: ARG002
        """How leaked members appear among the published records: as exact copies, unless a leaf says otherwise.

        Returns:
            A label, by which attacks that plant alike share their cases, and the function that makes the records.
        """
        return "copies", as_they_are

    def planted_case(self, cases: Cases, share: float, estimate: str) -> Case:
        """The positive control of an estimate: a leak-free base into which this share of the members was leaked."""
        return cases.planted(share, *self.planting(estimate))

    def how_planted(self, cases: Sequence[Case], subject: Subject) -> str:  # noqa: ARG002
        """What a reader must know of the planted leaks besides their size, in a clause; empty if nothing."""
        return how_learnt(cases)

    @abstractmethod
    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """The finding in one plain sentence."""

    def figures(self, subject: Subject) -> list[Figure]:  # noqa: ARG002
        """Figures of the finding."""
        return []

    def tables(self, subject: Subject) -> list[Table]:  # noqa: ARG002
        """Tables of the finding."""
        return []

    @final
    def verdict_confidence(self, estimate: str, subject: Subject) -> float:
        """The confidence of an estimate's verdict; a limit that accuses only may make but a share of a gate's error."""
        policy = subject.policy
        limits = [limit for name in self.measures if (limit := policy.limit(self.id, name)) is not None]
        own = policy.limit(self.id, estimate)
        shared = own is not None and own.accuses_only
        return 1 - (1 - policy.confidence_verdict) / len(limits) if shared else policy.confidence_verdict

    def power(self, subject: Subject) -> dict[str, Any]:  # noqa: ARG002
        """The smallest leak that this design would probably have caught."""
        return {}

    def unfit(self, subject: Subject) -> str | None:
        """Records without a column that could be compared cannot be told apart."""
        return None if subject.neighbours.space.dimensions else "no column carries values that vary"

    @final
    def _examine(self, subject: Subject) -> Examined:
        cases, confidence = self.cases(subject), subject.policy.confidence_verdict
        main = self.measure([cases.main], subject)
        drift = {one.name: one for one in self.measure(cases.drift, subject)}
        negative = {one.name: one for one in self.measure([cases.negative], subject)}
        fired = {name for name, one in negative.items() if beyond(one, drift.get(name), confidence)}
        limits = {one.name: limit for one in main if (limit := subject.policy.limit(self.id, one.name)) is not None}
        planted: dict[str, _Planted] = {}
        for name, limit in limits.items():
            share = self.leak(name, limit.limit, cases.main) if not limit.accuses_only else 0.0
            if 0 < share < 1:
                case = self.planted_case(cases, share, name)
                found = next(one for one in self.measure([case], subject) if one.name == name)
                planted[name] = _Planted(case, share, found, _detected(found, negative[name], confidence))
        gates = [
            decide(
                self.id,
                one,
                limits[one.name],
                Evidence(
                    null=drift.get(one.name),
                    detected=planted[one.name].detected if one.name in planted else None,
                    fired=one.name in fired,
                ),
                self.verdict_confidence(one.name, subject),
            )
            for one in main
            if one.name in limits
        ]
        gates = [gate for gate in gates if not limits[gate.estimate].accuses_only or gate.status in ("warn", "fail")]
        return Examined(
            measured=main,
            why=self._why(self.answer(main, subject), gates),
            gates=gates,
            nulls={name: one.rounded(one.value) for name, one in drift.items()},
            controls=self._controls(planted, negative, fired, drift, subject),
            power=self.power(subject),
            figures=self.figures(subject),
            tables=self.tables(subject),
        )

    def _controls(
        self,
        planted: dict[str, _Planted],
        negative: dict[str, Measured],
        fired: set[str],
        drift: dict[str, Measured],
        subject: Subject,
    ) -> Controls:
        shown = subject.policy.confidence_shown
        missed = [name for name, one in planted.items() if not one.detected]
        shares = ", ".join(f"{one.share:.1%} of members for {name}" for name, one in planted.items())
        if how := self.how_planted([one.case for one in planted.values()], subject):
            shares = f"{shares}; {how}"
        return Controls(
            positive=control(
                ("missed" if missed else "detected") if planted else "not-run",
                [one.found for one in planted.values()],
                shown,
                f"a leak as large as the limit was planted ({shares}) and not found by: {', '.join(missed)}"
                if missed
                else f"members leaked at the size of each limit were found ({shares})"
                if planted
                else "no limit is set, or no share of leaked members would move an estimate so far: none was planted",
            ),
            negative=control(
                "fired" if fired else "quiet",
                list(negative.values()),
                shown,
                f"the attack accused a target that holds no training record: {', '.join(sorted(fired))}"
                if fired
                else "a target made of reference records alone raised no alarm",
            ),
            drift=control(
                "fired"
                if any(beyond(one, None, subject.policy.confidence_verdict) for one in drift.values())
                else "quiet",
                list(drift.values()),
                shown,
                "half of train as the target, the other half against the holdout: what a mere difference between the "
                "parts looks like; gates compare against it",
            ),
        )

    @staticmethod
    def _why(answer: str, gates: list[Gate]) -> str:
        undecided = [f"{estimate_name(gate.estimate)}: {gate.why}" for gate in gates if gate.status != "pass"]
        return " ".join([answer, *(f"{text[0].upper()}{text[1:]}." for text in undecided)])


def as_they_are(members: Points, rng: np.random.Generator) -> Points:  # noqa: ARG001
    """Plant members as exact copies."""
    return members


def _detected(planted: Measured, negative: Measured, confidence: float) -> bool:
    """Would a gate have raised at least a warning for this leak, measured against the same base without it?"""
    found, base = planted.detector, negative.detector
    return found.interval(confidence).low > base.value and found.excess_over(base, confidence).low > 0
