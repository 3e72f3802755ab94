"""Attacks that compare what the model does with what shadow models do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np

from audit.checks import Case, Subject
from audit.membership.asking import AskingAttack, asked_of
from audit.membership.attack import Scores
from audit.membership.shadows import Shadowed, Shadows, shadows_for
from audit.membership.signals import SAMPLES, Signal, inside_signals, strongest_inside
from audit.statistics import Floats, auc, auc_draws, bootstrap_interval, smallest_fpr, tpr_at_fpr, tpr_draws
from generators import Generator
from reports import Table
from reports.document import Access

WITH_SAMPLES = (
    "draws as many records from the model as it likes, knows how it was trained, and trains shadow models on samples "
    "of the same population"
)

SHOWN_RATE = 0.01
"""False-positive rate at which signals are shown side by side."""

_COARSEST_RATE = 0.1
"""The same, where there are too few people for it."""


class ShadowAttack(AskingAttack):
    """An attack with shadow models; see `shadows`."""

    costly: ClassVar[str] = "trains shadow models (64, unless the policy says otherwise), and six for its controls"

    def shadows(self, case: Case) -> Shadows:
        """The shadows of this case; the same ones for every case, but for the planted leak of a private target."""
        return shadows_for(case, self.subject)


class CalibratedAttack(ShadowAttack):
    """An attack that compares a record's signal with that under shadow models; a leaf writes how.

    Left as it is, it may look into the model and takes the strongest signal of the model's kind: that one has the
    limits. What it makes of the model's other signals stands in a table, without a verdict.
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

    def signals(self, model: Generator) -> list[Signal]:
        """All signals that are shown: those that the model's kind has inside."""
        return inside_signals(model)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The calibrated signal, of members and non-members together."""
        return self._by(asked_of(case, self.signal)[1], case)

    def tables(self, subject: Subject) -> list[Table]:
        """What it makes of each signal."""
        cases = self.cases(subject)
        model, judged = asked_of(cases.main, self.signal)
        signals = self.signals(model)
        if len(signals) < 2 or smallest_fpr(len(np.unique(cases.main.nonmember_units))) > _COARSEST_RATE:
            return []
        self.subject = subject
        people = min(len(np.unique(units)) for units in (cases.main.member_units, cases.main.nonmember_units))
        rate = SHOWN_RATE if smallest_fpr(len(np.unique(cases.main.nonmember_units))) <= SHOWN_RATE else _COARSEST_RATE
        shown = subject.policy.confidence_shown
        rows: list[list[str | int | float | None]] = []
        for signal in signals:
            found = self._by(signal, cases.main)
            pair = found.members, found.nonmembers
            area = bootstrap_interval(auc(*pair), auc_draws(*pair, *cases.weights), people, shown)
            height = bootstrap_interval(
                tpr_at_fpr(*pair, rate).tpr, tpr_draws(*pair, *cases.weights, rate), people, shown
            )
            named = f"{signal.name} (has the limits)" if signal is judged else signal.name
            rows.append([named, f"{auc(*pair):.3f} ({area.low:.3f} to {area.high:.3f})"])
            rows[-1].append(f"{tpr_at_fpr(*pair, rate).tpr:.3f} ({height.low:.3f} to {height.high:.3f})")
        return [
            Table(
                title="The same calibration of each signal that the model gives",
                description="Only one signal has limits, chosen by the model's kind before anything was measured: a "
                "verdict on the best of several would have to pay for it.",
                columns=["signal", f"AUC ({shown:.0%} interval)", f"TPR at FPR {rate:.0%} ({shown:.0%} interval)"],
                rows=rows,
            )
        ]

    def _by(self, signal: Signal, case: Case) -> Scores:
        """The calibrated scores of one case by one signal."""
        shadows = self.shadows(case)
        scores = self.calibrated(shadows.asked_about(case, signal), partial(shadows.population, case, signal))
        return Scores(*np.split(scores, [len(case.member_rows)]))


class SamplesAttack(CalibratedAttack):
    """The same where the model only hands out samples."""

    access: ClassVar[Access] = "query"
    knowledge: ClassVar[str] = WITH_SAMPLES

    def signal(self, model: Generator) -> Signal | None:  # noqa: ARG002
        """How near the model's samples come."""
        return SAMPLES

    def signals(self, model: Generator) -> list[Signal]:  # noqa: ARG002
        """There is no other."""
        return [SAMPLES]
