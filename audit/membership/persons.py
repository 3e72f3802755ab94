"""Membership of persons: all of somebody's records scored together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from audit.checks import Case, Cases, Measured, Subject, register
from audit.checks.attack import as_they_are
from audit.membership.attack import MembershipAttack, Scores
from audit.membership.combined import Combined, raised
from audit.membership.stacking import SPREAD, surprise
from audit.statistics import Floats
from reports import ThreatModel


@register
class Persons(MembershipAttack):
    """Is it seen who was in the training data, when all of a person's records are looked at together?

    Where several records belong to one person, little about each may add up, or one of them may give the person away.
    The record scores are those of `membership.combined`; `of_people` makes one score a person of them, in a way that
    was chosen by simulation beforehand and is the same for everybody.

    Source: user-level membership inference: Song and Raghunathan, "Information leakage in embedding models" (CCS 2020);
    Kandpal et al., "User inference attacks on large language models" (EMNLP 2024).
    """

    id = "membership.persons"
    title = "Membership of persons with all their records"
    question = "Can a person be found in the training data by all of their records together?"
    source = "user-level membership, after Kandpal et al. (EMNLP 2024); signals as in membership.combined"
    knowledge = (
        "holds the published records and a reference sample of the same population, knows of many people whether they "
        "were in the training data, and asks of somebody else with all of that person's records"
    )
    prefix: ClassVar[str] = "person_"
    combinable = False
    spread = SPREAD

    def unfit(self, subject: Subject) -> str | None:
        """Without a column that names people every record is a person of its own."""
        if subject.dataset.schema.unit is None:
            return "no column names the person behind a record; give one with --unit"
        return super().unfit(subject)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """One score a person, standing at the first of the person's rows."""
        records = Combined().scored(case, self.subject)
        members, first_member = _people(case.member_units)
        others, first_other = _people(case.nonmember_units)
        count = len(first_member)
        scores = of_people(
            np.concatenate([records.members, records.nonmembers]), np.concatenate([members, others + count])
        )
        return Scores(scores[:count], scores[count:], member_rows=first_member, nonmember_rows=first_other)

    def planted_case(self, cases: Cases, share: float, estimate: str) -> Case:  # noqa: ARG002
        """Leak whole people."""
        return cases.planted(share, "copies", as_they_are, whole_people=True)

    def together_with(self, subject: Subject) -> list[str]:
        """The costly attacks whose scores went in."""
        return Combined().together_with(subject)

    def threat(self, subject: Subject) -> ThreatModel:
        """What the strongest of the signals takes."""
        return raised(self.knowledge, Combined().signals(subject))

    def how_planted(self, cases: Sequence[Case], subject: Subject) -> str:
        """How the leaks were planted into models, where signals ask them."""
        return Combined().how_planted(cases, subject)

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How well people were told, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        return (
            f"Shown all records of one person who was in the training data and of one who was not, the attacker picks "
            f"the right one {measured[0].value:.1%} of the time ({low:.1%} to {high:.1%}; guessing gives 50%)."
        )


def of_people(scores: Floats, person: NDArray[np.int64]) -> Floats:
    """One score a person, from the scores of all their records.

    Two things give a person away: all records a little, or one of them plainly. So two numbers are made of a person's
    k records: the mean `surprise`, standardised by k and by how alike the records of a person are (so that people with
    few records do not fill both ends), and the highest rank, corrected for being the best of k (Sidak 1967). Each is
    ranked among all people, and the better rank is the score. In simulations (1 to 10 records a person) its AUC is
    .634 where all records leak a little (the mean alone: .650; the best record alone: .616), and its TPR at 1% FPR is
    .069 where one record of a tenth of the people leaks (.054; .079): near the better of both, whatever leaks.

    Args:
        scores: of all records, higher for members, shape (n,).
        person: number of the person behind each record, from 0 and without gaps, shape (n,).

    Returns:
        Shape (people,), each between 0 and 1.

    Example:
        >>> of_people(np.array([0.9, 0.1, 0.2, 0.3]), np.array([0, 0, 1, 1])).tolist()
        [0.75, 0.25]
    """
    size = np.bincount(person).astype(np.float64)
    above = surprise(scores)
    mean = np.bincount(person, above) / size
    alike = _alike(above, person, size, mean)
    standard = (mean - 1) * np.sqrt(size / (1 + (size - 1) * alike))
    best = np.zeros(len(size))
    np.maximum.at(best, person, (rankdata(scores) - 0.5) / len(scores))
    return np.asarray(np.maximum(*(_rank(one) for one in (standard, best**size))))


def _people(units: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of the person behind each row, and each person's first row."""
    _, first, person = np.unique(units, return_index=True, return_inverse=True)
    return person.reshape(-1).astype(np.int64), first.astype(np.int64)


def _rank(values: Floats) -> Floats:
    return np.asarray((rankdata(values) - 0.5) / len(values))


def _alike(values: Floats, person: NDArray[np.int64], size: Floats, mean: Floats) -> float:
    """Correlation within a person, from 0 to 1 (one-way analysis of variance); 0 where nobody has two records."""
    people, records = len(size), len(values)
    if records == people or people < 2:
        return 0.0
    within = float(((values - mean[person]) ** 2).sum()) / (records - people)
    between = float((size * (mean - values.mean()) ** 2).sum()) / (people - 1)
    typical = (records - float((size**2).sum()) / records) / (people - 1)
    total = between + (typical - 1) * within
    return min(max((between - within) / total, 0.0), 1.0) if total > 0 else 0.0
