"""The base of every check: it owns what all checks share, so that a leaf holds only its idea."""

from __future__ import annotations

import logging
import time
import traceback
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final, get_args

import numpy as np

from audit.checks.gate import worst
from audit.checks.measured import Measured
from audit.checks.subject import Subject
from generators import Modality
from reports import Controls, Figure, Finding, Gate, Status, Table, ThreatModel
from reports.document import Access
from reports.words import estimate_name

_LOG = logging.getLogger("genassay")
EVERY_MODALITY: tuple[str, ...] = get_args(Modality)
_RANK: dict[str, int] = {"synthetic-only": 0, "query": 1, "white-box": 2}


class NotApplicableError(Exception):
    """Raised by a leaf that finds its question senseless for this subject; the message says why."""


@dataclass
class Examined:
    """What a check found out: the parts of a `Finding` that only the check itself can fill in."""

    measured: list[Measured]
    why: str
    gates: list[Gate] = field(default_factory=list)
    nulls: dict[str, float] = field(default_factory=dict)
    controls: Controls = field(default_factory=Controls)
    power: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


class Check(ABC):
    """One question about a target, with everything needed to answer it for a reader.

    Subclass `Attack` or `Evaluation`, not this class. The class attributes state the check to the reader: `id`
    (`family.name`), `title`, `question` (plain words), `source` (publication), `access` and `knowledge` (the threat
    model), `modalities` it works on, `remedy` (what to try when it fails), and `measures` (the estimates it can make).
    `costly` says what makes the check too slow to run unasked (it then stands as `not-run`), `missing` why it cannot
    run at all yet: what was not measured is listed all the same.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    source: ClassVar[str]
    access: ClassVar[Access] = "synthetic-only"
    knowledge: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]] = ("tabular",)
    remedy: ClassVar[str]
    measures: ClassVar[tuple[str, ...]]
    costly: ClassVar[str] = ""
    missing: ClassVar[str] = ""

    @final
    def unasked(self, subject: Subject) -> Finding:
        """The finding of a costly check that nobody asked for."""
        start = time.perf_counter()
        reason = self._unfit(subject)
        if reason is not None:
            return self._finding(subject, "not-applicable", reason, start)
        return self._finding(subject, "not-run", f"{self.costly}; ask for it with --checks {self.id}", start)

    @final
    def run(self, subject: Subject) -> tuple[Finding, list[Gate]]:
        """Answer the question for this subject; whatever goes wrong becomes the finding's status, never a crash."""
        start = time.perf_counter()
        reason = self._unfit(subject)
        if reason is not None:
            return self._finding(subject, "not-applicable", reason, start), []
        if self.missing:
            return self._finding(subject, "not-run", self.missing, start), []
        if (few := subject.too_few) is not None:
            return self._finding(subject, "inconclusive", few, start), []
        try:
            examined = self._examine(subject)
        except NotApplicableError as stop:
            return self._finding(subject, "not-applicable", str(stop), start), []
        except Exception as error:
            _LOG.debug("check %s failed", self.id, exc_info=True)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            why = f"the check broke: {type(error).__name__} at {where}; run it again with --debug for the whole trace"
            return self._finding(subject, "error", why, start), []
        # A limit decides, and one that could not be tried is no pass; what has no limit is left to a person.
        untried = self._untried(subject, examined)
        statuses: list[Status] = [gate.status for gate in examined.gates]
        statuses += ["inconclusive" for _ in untried]
        why = " ".join([examined.why, *untried])
        return self._finding(subject, worst(statuses) if statuses else "manual", why, start, examined), examined.gates

    @final
    def rng(self, subject: Subject, purpose: str) -> np.random.Generator:
        """Randomness that depends on the seed, the check and the purpose, and on nothing else."""
        return np.random.default_rng([subject.seed, zlib.crc32(f"{self.id}/{purpose}".encode())])

    @abstractmethod
    def _examine(self, subject: Subject) -> Examined:
        """Do the work (implemented once by each kind of check)."""

    def unfit(self, subject: Subject) -> str | None:  # noqa: ARG002
        """Why the question makes no sense for this subject, or None; for a leaf with needs of its own."""
        return None

    @final
    def fits(self, subject: Subject) -> bool:
        """Does the question make sense for this subject?"""
        return self._unfit(subject) is None

    def threat(self, subject: Subject) -> ThreatModel:  # noqa: ARG002
        """What the attacker may see and knows; for a check that uses more where more was asked for."""
        return ThreatModel(access=self.access, knowledge=self.knowledge)

    def together_with(self, subject: Subject) -> list[str]:  # noqa: ARG002
        """Ids of costly checks that must be asked for too, for this one to give the same numbers again."""
        return []

    def _unfit(self, subject: Subject) -> str | None:
        if subject.target.modality not in self.modalities:
            return f"works on {', '.join(self.modalities)} data, not on {subject.target.modality}"
        if _RANK[subject.target.access] < _RANK[self.access]:
            return f"needs {self.access} access; this target gives {subject.target.access}"
        return self.unfit(subject)

    def wanting(self, estimate: str, subject: Subject) -> str:  # noqa: ARG002
        """What an estimate lacked that could not be made, in words."""
        return "too few records"

    def _untried(self, subject: Subject, examined: Examined) -> list[str]:
        """A sentence for every limit whose estimate could not be made."""
        made = {one.name for one in examined.measured}
        return [
            f"The limit on {estimate_name(name)} could not be tried: {self.wanting(name, subject)}."
            for name in self.measures
            if name not in made
            and (limit := subject.policy.limit(self.id, name)) is not None
            and not limit.accuses_only
        ]

    def _finding(
        self, subject: Subject, status: Status, why: str, start: float, examined: Examined | None = None
    ) -> Finding:
        seen = examined or Examined([], why)
        shown = subject.policy.confidence_shown
        limits = {one.name: subject.policy.limit(self.id, one.name) for one in seen.measured}
        return Finding(
            id=self.id,
            family=self.id.partition(".")[0],
            title=self.title,
            question=self.question,
            threat_model=Check.threat(self, subject) if examined is None else self.threat(subject),
            source=self.source,
            status=status,
            why=why,
            estimates=[
                one.estimate(
                    shown,
                    null=seen.nulls.get(one.name),
                    limit=limit.limit if (limit := limits[one.name]) is not None else None,
                )
                for one in seen.measured
            ],
            controls=seen.controls,
            power=seen.power,
            figures=seen.figures,
            tables=seen.tables,
            remedy=self.remedy,
            reproduce=subject.reproduce(",".join([self.id, *self.together_with(subject)])),
            seconds=round(time.perf_counter() - start, 3),
        )
