"""Copies of training records among the synthetic ones, beyond what chance explains."""

from __future__ import annotations

from functools import partial

import numpy as np

from audit.checks import EVERY_MODALITY, Case, Cases, Measured, Subject, register
from audit.checks.attack import as_they_are
from audit.checks.cases import Plant
from audit.memorization.counted import in_percent
from audit.memorization.found_again import Found, FoundAgain
from audit.neighbours import Points

EXACT = 1e-9


@register
class Copies(FoundAgain):
    """Do training records stand among the synthetic ones, exactly or nearly, more often than others do?

    A record is *copied* when a synthetic record equals it in every column, *nearly copied* when all categories are
    equal and every number is close (within 2.5% of its column's range, by the policy). An image, text or recording is
    copied when a synthetic one equals it, whatever its labels, and nearly copied when one lies within half
    the usual distance between real neighbours (by the policy): as noise, compression or a misprint would leave it.

    Estimates (all lower is better, range -1 to 1): `excess_copies`, `excess_near_copies`, the share of training records
    copied beyond chance; per synthetic record where fewer of those than of training records exist.

    Source: the comparison with a holdout follows Meehan, Chaudhuri and Dasgupta (AISTATS 2020) and Platzer and
    Reutterer (Frontiers in Big Data 2021); the stratified score interval is that of Gart and Nam (Biometrics 1988).
    """

    id = "memorization.copies"
    title = "Copies of training records"
    question = "Do people's records stand among the synthetic ones, exactly or nearly, more often than chance explains?"
    source = "after Meehan et al. (AISTATS 2020) and Platzer and Reutterer (2021); intervals: Gart and Nam (1988)"
    modalities = EVERY_MODALITY
    findings = {"excess_copies": "exact copies", "excess_near_copies": "near copies"}  # noqa: RUF012
    measures = tuple(findings)
    knowledge = "reads the published records; the audit compares them with training records and with others"
    remedy = (
        "Remove repeated records before training, stop earlier, train under differential privacy, and drop synthetic "
        "records that lie on a training record only together with those that lie on a holdout record, since the gap "
        "itself tells who was there."
    )

    def cases(self, subject: Subject) -> Cases:
        """As of every record that is looked for; what counts as near is needed to plant near copies."""
        self._blurred = partial(_blurred, subject)
        return super().cases(subject)

    def planting(self, estimate: str) -> tuple[str, Plant]:
        """Near copies are planted with every number, or the content, moved by up to half of what counts as near."""
        return ("copies", as_they_are) if estimate == "excess_copies" else ("near", self._blurred)

    def found(self, estimate: str, case: Case, asked: Points, subject: Subject) -> Found:
        """Whether the nearest record with the same categories, or the nearest content, is equal or near."""
        reach = EXACT if estimate == "excess_copies" else _near(subject)
        return np.asarray(case.neighbours.twin(asked, case.synthetic) <= reach)

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many records were copied, in words."""
        shares, who = self.shares(subject), self.who(subject)
        exact, near = shares["excess_copies"], shares["excess_near_copies"]
        return (
            f"{exact[0]} of training {who} have an exact copy among the synthetic records, against {exact[1]} "
            f"of {who} that were never trained on; near copies: {near[0]} against {near[1]}. Beyond "
            f"chance {in_percent(measured[0])} are copied and {in_percent(measured[1])} nearly copied."
        )


def _near(subject: Subject) -> float:
    """How far a near copy may lie, in the unit of the space's `twin`."""
    policy = subject.policy
    return policy.near_copy_tolerance if subject.target.modality == "tabular" else policy.near_content_tolerance


def _blurred(subject: Subject, members: Points, rng: np.random.Generator) -> Points:
    return subject.neighbours.space.blurred(members, _near(subject) / 2, rng)
