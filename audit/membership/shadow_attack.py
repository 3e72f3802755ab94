"""Attacks that compare the model's answer about a record with the answers of shadow models."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from audit.checks import Case, Cases, Subject
from audit.membership.asking import AskingAttack, asked_of
from audit.membership.attack import Scores
from audit.membership.shadows import Shadowed, Shadows
from audit.membership.signals import SAMPLES, Signal, strongest_inside
from audit.statistics import Floats
from generators import Generator
from reports.document import Access


class ShadowAttack(AskingAttack):
    """An attack with shadow models; a leaf writes how they calibrate the signal.

    Left as it is, it may look into the model and takes the strongest signal of the model's kind.
    """

    costly: ClassVar[str] = "trains shadow models (64, unless the policy says otherwise), and six for its controls"
    knowledge: ClassVar[str] = (
        "holds the model itself, knows how it was trained, and trains shadow models on samples of the same population"
    )

    @abstractmethod
    def calibrated(self, asked: Shadowed, population: Shadowed) -> Floats:
        """The score of each record asked about, shape (n,), higher for members.

        Args:
            asked: signals of these records.
            population: signals of records that are known not to be members.
        """

    def signal(self, model: Generator) -> Signal | None:
        """The strongest signal of the model's kind."""
        return strongest_inside(model)

    def cases(self, subject: Subject) -> Cases:
        """Every case has a model behind it; all are seen through the same shadows."""
        self._shadows = subject.shared(Shadows)
        return super().cases(subject)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The calibrated signal, of members and non-members together."""
        seen = self._shadows.see(case, asked_of(case, self.signal)[1])
        members, nonmembers = np.split(self.calibrated(seen.asked, seen.population), [len(case.member_rows)])
        return Scores(members, nonmembers)


class QueryAttack(ShadowAttack):
    """The same where the model only hands out samples."""

    access: ClassVar[Access] = "query"
    knowledge: ClassVar[str] = (
        "draws as many records from the model as it likes, knows how it was trained, and trains shadow models on "
        "samples of the same population"
    )

    def signal(self, model: Generator) -> Signal | None:  # noqa: ARG002
        """How near the model's samples come."""
        return SAMPLES
