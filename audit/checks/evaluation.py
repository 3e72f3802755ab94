"""The base of evaluations: real data in the synthetic records' place give the floor, damaged real data the alarm."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks.check import Check, Examined
from audit.checks.gate import Evidence, control, decide
from audit.checks.measured import Measured
from audit.checks.policy import Limit
from audit.checks.subject import Subject
from reports import Controls, Figure, Table
from reports.words import estimate_name


class Sample(NamedTuple):
    """Records that stand in the synthetic ones' place.

    Attributes:
        case: `synthetic`, `real` (the floor) or `damaged`.
        frame: the records, canonical.
        units: the person of each record, as codes, shape (records,); every synthetic record is its own.
    """

    case: str
    frame: pd.DataFrame
    units: NDArray[np.int64]


class Evaluation(Check):
    """A measurement of what the synthetic records are good for.

    A leaf measures records that stand in the synthetic ones' place. The base hands it the synthetic records, real
    records that the generator never saw (the floor), and the same real records with a known damage.
    """

    knowledge: ClassVar[str] = "no attacker: the data's keeper compares the synthetic records with real ones"
    damage_done: ClassVar[str]

    @abstractmethod
    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Measure records that stand in the place of the synthetic ones, against the holdout."""

    @abstractmethod
    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Spoil real records in a way that this evaluation is made to notice."""

    @abstractmethod
    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The finding in one plain sentence."""

    def alarm(self, case: str, measured: list[Measured], subject: Subject) -> bool | None:  # noqa: ARG002
        """Whether a test of the leaf's own tells a case's records from real ones; None for a leaf without a test."""
        return None

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:  # noqa: ARG002
        """Figures of the finding."""
        return []

    def tables(self, subject: Subject) -> list[Table]:  # noqa: ARG002
        """Tables of the finding."""
        return []

    @final
    def _examine(self, subject: Subject) -> Examined:
        confidence, shown = subject.policy.confidence_verdict, subject.policy.confidence_shown
        published, real = synthetic_sample(subject), real_sample(subject)
        main = self.measure(published, subject, self.rng(subject, "measure"))
        floor = self.measure(real, subject, self.rng(subject, "measure"))
        spoilt = Sample("damaged", self.damage(real.frame, subject, self.rng(subject, "damage")), real.units)
        damaged = self.measure(spoilt, subject, self.rng(subject, "measure"))
        by_name = {one.name: one for one in floor}
        noticed = {
            one.name: _worse(one, by_name[one.name], confidence)
            for one in damaged
            if one.name in by_name and one.better != "none"
        }
        found, told_apart = self.alarm("damaged", damaged, subject), self.alarm("real", floor, subject)
        limits = {one.name: limit for one in main if (limit := subject.policy.limit(self.id, one.name)) is not None}
        # A limit that real records break says nothing about synthetic ones.
        fired = {
            name for name, limit in limits.items() if name in by_name and _breaks(by_name[name], limit, confidence)
        }
        gates = [
            decide(
                self.id,
                one,
                limits[one.name],
                Evidence(null=by_name.get(one.name), detected=noticed.get(one.name), fired=one.name in fired),
                confidence,
            )
            for one in main
            if one.name in limits
        ]
        missed = sorted(name for name in (limits or noticed) if not noticed.get(name, False))
        overlooked = bool(missed) and (bool(limits) or not any(noticed.values()))
        return Examined(
            measured=main,
            why=self.answer(main, floor, subject),
            gates=gates,
            nulls={one.name: one.rounded(one.value) for one in floor},
            controls=Controls(
                positive=control(
                    "missed" if overlooked or found is False else "detected",
                    damaged,
                    shown,
                    f"real records, {self.damage_done}"
                    + (f"; this does not move: {', '.join(map(estimate_name, missed))}" if missed else ""),
                ),
                negative=control(
                    "fired" if fired or told_apart else "quiet",
                    floor,
                    shown,
                    "real records in the synthetic ones' place: the floor"
                    + (
                        f", which itself breaks the limit on {', '.join(map(estimate_name, sorted(fired)))}"
                        if fired
                        else ""
                    )
                    + ("; the test tells even these apart, so the parts of the data differ" if told_apart else ""),
                ),
            ),
            figures=self.figures(subject, self.rng(subject, "figures")),
            tables=self.tables(subject),
        )


def synthetic_sample(subject: Subject) -> Sample:
    """The published records, each its own person."""
    return Sample("synthetic", subject.synthetic, np.arange(len(subject.synthetic)))


def real_sample(subject: Subject) -> Sample:
    """Real records that no generator has seen, other ones than the holdout."""
    return Sample("real", subject.dataset.reference, subject.dataset.units("reference"))


def _breaks(floor: Measured, limit: Limit, confidence: float) -> bool:
    low, high = floor.interval(confidence)
    return low > limit.limit if limit.better == "lower" else high < limit.limit


def _worse(damaged: Measured, floor: Measured, confidence: float) -> bool:
    difference = damaged.excess_over(floor, confidence)
    return difference.high < 0 if floor.better == "higher" else difference.low > 0
