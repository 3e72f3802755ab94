"""Attacks that ask the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from audit.checks import Case, Cases, Part, Subject
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.signals import Signal
from generators import Generator
from reports.document import Access


class AskingAttack(MembershipAttack):
    """An attack that asks the model about records; its controls have models of their own to be asked.

    A leaf says what it `asks`, or chooses its `signal` by the model; left as it is, `score` ranks records by it.
    """

    access: ClassVar[Access] = "white-box"
    costly: ClassVar[str] = "trains six more models like this one, for its controls"

    asks: ClassVar[Signal]

    def signal(self, model: Generator) -> Signal | None:  # noqa: ARG002
        """What is asked of a model of this kind; None if there is nothing to ask."""
        return self.asks

    def unfit(self, subject: Subject) -> str | None:
        """A model is needed, and one that can answer."""
        model = subject.target.model
        if model is None:
            return "the target is a set of records: there is no model to ask"
        signal = self.signal(model)
        lacking = f"a {model.kind} gives away nothing about single records" if signal is None else signal.lacks(model)
        return lacking or super().unfit(subject)

    def cases(self, subject: Subject) -> Cases:
        """Every case has a model behind it."""
        return subject.retrained

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The signal itself."""
        model, signal = asked_of(case, self.signal)
        return Scores(*(signal.values(model, part, case.neighbours.space) for part in asked_about(case)))


def asked_of(case: Case, choose: Callable[[Generator], Signal | None]) -> tuple[Generator, Signal]:
    """The case's model, and what is asked of it."""
    if case.model is None or (signal := choose(case.model)) is None:
        raise ValueError(f"the case {case.name} has no model that could be asked")
    return case.model, signal


def asked_about(case: Case) -> tuple[Part, Part]:
    """The case's members and non-members."""
    return (
        Part(case.members, case.member_units, case.frames.members),
        Part(case.nonmembers, case.nonmember_units, case.frames.nonmembers),
    )
