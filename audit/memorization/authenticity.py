"""Synthetic records that are some training record with a little noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audit.checks import EVERY_MODALITY, Attack, Case, Cases, Measured, Subject, register
from audit.checks.small_cells import share_in_words
from audit.memorization.counted import in_percent
from audit.memorization.relabelling import (
    Excess,
    Mask,
    Pool,
    averaged,
    excess,
    first_labelled,
    power,
    share_to_plant,
)
from audit.statistics import Floats

PUBLISHED = 5000


@register
class Authenticity(Attack):
    """Do synthetic records lie closer to a training record than any other training record does?

    A synthetic record is *unauthentic* when its distance to the nearest training record is smaller than that record's
    own distance to its nearest fellow: it could be that record with noise. Even fresh records often are, the more the
    tighter they crowd, so the share is compared with what other real records in train's place would give.

    Estimate (lower is better, range -1 to 1): `excess_unauthentic`, the share of synthetic records unauthentic beyond
    chance.

    Source: Alaa, van Breugel, Saveliev and van der Schaar, "How faithful is your synthetic data?" (ICML 2022), section
    4; the comparison with relabelled records is ours.
    """

    id = "memorization.authenticity"
    title = "Authenticity"
    question = "Are synthetic records some training record with a little noise, more often than chance explains?"
    source = "Alaa et al. (ICML 2022), section 4, against relabelled real records"
    measures = ("excess_unauthentic",)
    modalities = EVERY_MODALITY
    knowledge = "reads the published records; the audit compares them with training records and with others"
    remedy = (
        "Stop earlier, use a smaller model or more records, or train under differential privacy; noise on single "
        "values leaves records unauthentic."
    )

    def __init__(self) -> None:
        self._found: dict[str, tuple[Excess, int]] = {}

    def cases(self, subject: Subject) -> Cases:
        """All that are compared for copies: a training record left out would hide its copies."""
        return subject.compared

    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """A copy of a record without an equal is unauthentic, a fresh record half as often: it takes twice the size."""
        alone = float((target.neighbours.closest(target.members, target.members, 2)[0][:, 1] > 0).mean())
        return share_to_plant(2 * size / alone, target) if alone > 0 else 0.0

    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Share of unauthentic records beyond what relabelled records show."""
        found = [self._measured(case, subject)[0] for case in cases]
        return [averaged("excess_unauthentic", "share of synthetic records", found)]

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """The shares in words."""
        found, unauthentic = self._measured(self.cases(subject).main, subject)
        return (
            f"{share_in_words(unauthentic, found.n)} of the synthetic records looked at lie closer to a training "
            f"record than any other training record does; {in_percent(measured[0])} beyond what other real records in "
            "their place would show."
        )

    def power(self, subject: Subject) -> dict[str, Any]:
        """By normal theory on the negative control."""
        quiet = self._measured(self.cases(subject).negative, subject)[0]
        return power(quiet, subject.policy.confidence_verdict, "share of synthetic records unauthentic beyond chance")

    def _measured(self, case: Case, subject: Subject) -> tuple[Excess, int]:
        if case.name not in self._found:
            rng = self.rng(subject, case.name)
            asked = case.synthetic.take(np.sort(rng.permutation(len(case.synthetic))[:PUBLISHED]))
            pool = Pool.of(
                rng,
                (case.members, case.member_units),
                (case.nonmembers, case.nonmember_units),
                (case.reference, case.reference_units),
            )
            distances, rows = case.neighbours.closest(asked, pool.points, pool.neighbours)
            near, place = np.unique(rows, return_inverse=True)
            among = place.reshape(rows.shape)
            # A record's nearest neighbour is itself, so one more is asked for.
            apart, fellows = case.neighbours.closest(pool.points.take(near), pool.points, pool.neighbours + 1)
            own = fellows == near[:, None]

            def unauthentic(labels: Mask) -> tuple[Floats]:
                nearest, which = first_labelled(labels[near], among, distances)
                counted = labels[fellows] & ~own
                first = counted.argmax(axis=1)
                each = np.arange(len(near))
                alone = np.where(counted[each, first], apart[each, first], np.inf)
                return (((which >= 0) & (nearest < alone[which])).astype(np.float64),)

            self._found[case.name] = excess(pool, unauthentic, rng), int(unauthentic(pool.labels)[0].sum())
        return self._found[case.name]
