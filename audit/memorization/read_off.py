"""Texts read off: is what a training text says found again more often than what other texts say?

What counts as found differs from attack to attack: a passage word for word, an e-mail address, a sentence that the
model finishes as its author did. What many people write is found by chance, so texts are compared within strata of how
many others share a part of them.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, final

import numpy as np
import pandas as pd

from audit.checks import Case, Measured, NotApplicableError, Subject
from audit.memorization.counted import CountedAttack, Tries, in_percent, told_apart
from audit.memorization.recognition import Found
from generators.datasets.payload import payload_column

MOST_COMMON = 3
"""Texts that share a part with so many others, or more, are one stratum."""

FEWEST = 30
"""Texts of either kind that an attack must be able to ask about."""


class ReadOff(CountedAttack):
    """An attack that says of each text whether it was found again; a leaf writes `found`.

    The same is asked of texts that were never trained on, within strata of how many other texts share a part of a text,
    whoever they are.
    """

    noun: ClassVar[str] = "text"
    modalities: ClassVar[tuple[str, ...]] = ("text",)
    what: ClassVar[str]
    """What happens to a text that is found, for the reader: "repeated word for word"."""

    remedy: ClassVar[str] = (
        "Remove repeated texts before training, replace names, numbers and addresses, stop earlier, use a smaller "
        "model, or train under differential privacy."
    )

    @abstractmethod
    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Which of these texts the attack finds again; they come in one list, and nothing says who was trained on."""

    @final
    def tried(self, estimate: str, case: Case, subject: Subject) -> Tries:  # noqa: ARG002
        """Ask about the case's members and non-members, all that can be asked about.

        Raises:
            NotApplicableError: Too few texts can be asked about.
        """
        parts = [texts_of(frame, subject) for frame in (case.frames.members, case.frames.nonmembers)]
        found = self.found(parts[0] + parts[1], case, subject)
        member, asked = np.arange(len(found.asked)) < len(parts[0]), found.asked
        fewest = min(int((asked & member).sum()), int((asked & ~member).sum()))
        if fewest < FEWEST:
            raise NotApplicableError(f"needs {FEWEST} texts of either kind that it could find, and has {fewest}")
        people = told_apart(case.member_units, case.nonmember_units)
        stratum = np.minimum(found.common, MOST_COMMON)
        return Tries(found.hit[asked], member[asked], stratum[asked], people[asked])

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many texts were found, in words."""
        (mine, others), *_ = self.shares(subject).values()
        behind = "" if subject.dataset.schema.unit is None else "the people behind "
        return (
            f"{mine} of {behind}the training texts asked about are {self.what}, against {others} of {behind}texts that "
            f"were never trained on; {in_percent(measured[0])} beyond chance."
        )


def texts_of(frame: pd.DataFrame, subject: Subject) -> list[str]:
    """The texts of a frame; a missing one says nothing."""
    texts: list[str] = frame[payload_column(subject.dataset.schema).name].fillna("").tolist()
    return texts
