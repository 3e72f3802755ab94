"""Attacks that compare what the model does with what shadow models do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
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

WITH_SAMPLES = (
    "draws as many records from the model as it likes, knows how it was trained, and trains shadow models on samples "
    "of the same population"
)


class ShadowAttack(AskingAttack):
    """An attack with shadow models; `shadows` holds them once `cases` was asked for."""

    shadows: Shadows
    costly: ClassVar[str] = "trains shadow models (64, unless the policy says otherwise), and six for its controls"

    def cases(self, subject: Subject) -> Cases:
        """Every case has a model behind it; all are seen through the same shadows."""
        self.shadows = subject.shared(Shadows)
        return super().cases(subject)


class CalibratedAttack(ShadowAttack):
    """An attack that compares a record's signal with that under shadow models; a leaf writes how.

    Left as it is, it may look into the model and takes the strongest signal of the model's kind.
    """

    knowledge: ClassVar[str] = (
        "holds the model itself, knows how it was trained, and trains shadow models on samples of the same population"
    )

    @abstractmethod
    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:
        """The score of each record asked about, shape (n,), higher for members.

        Args:
            asked: signals of these records.
            population: gives the signals of records that are known not to be members.
        """

    def signal(self, model: Generator) -> Signal | None:
        """The strongest signal of the model's kind."""
        return strongest_inside(model)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The calibrated signal, of members and non-members together."""
        signal = asked_of(case, self.signal)[1]
        told = self.shadows.asked_about(case, signal)
        scores = self.calibrated(told, partial(self.shadows.population, case, signal))
        return Scores(*np.split(scores, [len(case.member_rows)]))


class SamplesAttack(CalibratedAttack):
    """The same where the model only hands out samples."""

    access: ClassVar[Access] = "query"
    knowledge: ClassVar[str] = WITH_SAMPLES

    def signal(self, model: Generator) -> Signal | None:  # noqa: ARG002
        """How near the model's samples come."""
        return SAMPLES
