"""The base of experiments: training anew with records of the auditor's own, to hold a privacy claim to what it shows.

A claim is a bound that the trainer must never exceed, so its verdict has a rule of its own. `fail` (violated): a lower
bound on epsilon lies above the claim, or the trainer does not do what the claim takes for granted. `pass` (consistent):
neither, and the design would have caught twice the claim. Else `inconclusive`, with what would have been needed.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, final

from audit.checks.check import Check, Examined
from audit.checks.measured import Measured
from audit.checks.subject import Subject
from audit.statistics import Interval
from reports import Estimate, Figure, Gate, Status, Table
from reports.document import BoundKind

LIKELY = 0.8
"""With at least this probability an experiment must catch twice the claim, for its silence to mean anything."""

SHARE = 0.5
"""Of the errors that a verdict may make, the share that bounds may make; tests of assumptions have the rest."""


class UndecidedError(Exception):
    """Raised by a leaf that could not measure what the claim is about; the message says why. Never a pass."""


@dataclass(frozen=True)
class Bound(Measured):
    """A lower bound on epsilon, beside what the design could have shown at most.

    Attributes:
        kind: `certified`, `family` or `heuristic`.
        ceiling: Largest bound that this design can give at all, at the confidence shown.
        detects: Probability with which the design would have shown more than the claim, had epsilon been twice that.
        needed: What would make it likely enough, in words; empty if it is.
        claim: The claimed epsilon, which it must not exceed; None where it stands alone.
    """

    kind: BoundKind = "certified"
    ceiling: float = 0.0
    detects: float = 0.0
    needed: str = ""
    claim: float | None = None

    def estimate(self, confidence: float, *, null: float | None = None, limit: float | None = None) -> Estimate:
        """This bound as it stands in the audit document: from what is proven to what could have been."""
        plain = super().estimate(confidence, null=null, limit=self.claim if limit is None else limit)
        return plain.model_copy(update={"kind": self.kind, "ceiling": max(self.ceiling, self.value)})


@dataclass
class Outcome:
    """What an experiment found.

    Attributes:
        bounds: Lower bounds on epsilon, each held against the claim; the first one is called `epsilon_lower`.
        broken: What the trainer does otherwise than the claim says, most likely cause first; by tests that accuse a
            sound trainer with probability (1 - `SHARE`) (1 - confidence) at most, all together.
        answer: What was found, in one or two plain sentences.
        others: Estimates beside the bounds, without a limit.
    """

    bounds: list[Bound]
    broken: list[str]
    answer: str
    others: list[Measured] = field(default_factory=list)
    power: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


class Experiment(Check):
    """A measurement of what a private trainer really protects, by training with it.

    A leaf writes `experiment`. The verdict speaks of the trainer as re-run, not of the weights that were delivered.
    """

    def unfit(self, subject: Subject) -> str | None:
        """Without a model there is nothing to train again, and without a claim nothing to hold it to."""
        if subject.target.model is None:
            return "needs the generator, to train its kind again"
        if subject.target.privacy.claim is None:
            return "no differential privacy is claimed, so there is no claim to examine"
        return None

    @abstractmethod
    def experiment(self, subject: Subject) -> Outcome:
        """Train, and measure."""

    @final
    def _examine(self, subject: Subject) -> Examined:
        try:
            outcome = self.experiment(subject)
        except UndecidedError as stop:
            outcome = Outcome([_nothing(name, str(stop)) for name in self.measures], [], "")
        claim = subject.target.privacy.claim
        if claim is None:
            raise ValueError("an experiment without a claim")
        confidence = 1 - (1 - subject.policy.confidence_verdict) * SHARE / len(outcome.bounds)
        gates = [judge(self.id, bound, claim.epsilon, confidence, outcome.broken) for bound in outcome.bounds]
        return Examined(
            measured=[*(replace(bound, claim=claim.epsilon) for bound in outcome.bounds), *outcome.others],
            why=f"{said(gates)} {outcome.answer}".strip(),
            gates=gates,
            power=outcome.power,
            figures=outcome.figures,
            tables=[_bounds_table(gates, outcome.bounds), *outcome.tables],
        )


def _nothing(name: str, why: str) -> Bound:
    """What is known of epsilon where nothing could be measured."""
    return Bound(name, 0.0, 0, "epsilon", lambda _: Interval(0.0, 0.0), bounds=(0.0, math.inf), needed=why)


def _bounds_table(gates: list[Gate], bounds: list[Bound]) -> Table:
    """Claim, bound, kind and ceiling side by side."""
    return Table(
        title="Epsilon, claimed and measured",
        description="A lower bound above the claim refutes it; one below it is as much as this attacker could show, "
        "and more may be true. No outcome of this design could have shown more than its ceiling.",
        columns=["claimed", "at least", f"at {gates[0].confidence:.2%}", "ceiling", "kind of bound"],
        rows=[
            [
                round(gate.limit, 2),
                round(bound.value, 2),
                round(gate.low, 2),
                round(max(bound.ceiling, bound.value), 2),
                bound.kind,
            ]
            for gate, bound in zip(gates, bounds, strict=True)
        ],
    )


def said(gates: list[Gate]) -> str:
    """What several gates say together, in sentences: where one is violated, only that."""
    telling = [gate for gate in gates if gate.status == "fail"] or gates
    return " ".join(dict.fromkeys(f"{gate.why[0].upper()}{gate.why[1:]}." for gate in telling))


def judge(check: str, bound: Bound, claim: float, confidence: float, broken: list[str]) -> Gate:
    """Hold one bound, and what was found of the trainer, against a claim.

    Args:
        check: Id of the check.
        bound: The lower bound on epsilon.
        claim: The claimed epsilon.
        confidence: Of the verdict, corrected for the number of bounds.
        broken: What the trainer does otherwise than the claim says.

    Example:
        >>> from audit.statistics import Interval
        >>> bound = Bound("epsilon_lower", 3.0, 100, "", lambda _: Interval(2.9, 6.0), ceiling=6.0, detects=0.9)
        >>> judge("dp.gaussian", bound, 4.0, 0.999, []).status, judge("dp.gaussian", bound, 2.0, 0.999, []).status
        ('pass', 'fail')
    """
    low, high = bound.interval(confidence)
    status, why = _verdict(bound, low, claim, confidence, broken)
    return Gate(
        finding=check,
        estimate=bound.name,
        limit=claim,
        status=status,
        low=low,
        high=max(low, high),
        confidence=confidence,
        better="lower",
        reason="the claimed epsilon: no lower bound may lie above it",
        why=why,
    )


def _verdict(bound: Bound, low: float, claim: float, confidence: float, broken: list[str]) -> tuple[Status, str]:
    if broken:
        return "fail", f"violated: {broken[0]}"
    if low > claim:
        proven = f"epsilon is at least {low:.2f} at {confidence:.2%} confidence ({bound.kind})"
        return "fail", f"violated: {proven}, more than the claimed {claim:.3g}"
    if not bound.n:
        return "inconclusive", bound.needed
    if bound.detects < LIKELY or bound.ceiling <= claim:
        missing = f"; {bound.needed}" if bound.needed else ""
        return "inconclusive", (
            f"nothing speaks against the claim, but this design ({bound.kind}) would have caught twice the claimed "
            f"epsilon with probability {bound.detects:.2f} only{missing}"
        )
    return "pass", (
        f"consistent with the claim: nothing speaks against it, and twice the claimed epsilon would have been caught "
        f"with probability {bound.detects:.2f} ({bound.kind})"
    )
