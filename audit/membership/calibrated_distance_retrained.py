"""Membership by distance to the published records, calibrated by what a generator trained on others publishes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from audit.checks import Case, Subject, register
from audit.checks.retrained import asked_model
from audit.membership.attack import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats
from generators import Dataset
from generators.models.ensemble import fit_many


@register
class CalibratedDistanceRetrained(MembershipAttack):
    """Does a record lie closer to the synthetic records than to those of the same generator trained on other people?

    Some records are near to whatever this kind of generator makes. An attacker who knows the kind and its
    hyper-parameters trains one on the reference, draws as many records from it as were published, and takes the
    difference of the two distances: to the reference generator's nearest record minus to the nearest published one.
    Range minus to plus the number of columns. The reference generator is trained without a privacy budget: it only
    has to say what is easy to make.

    Source: Chen, Yu, Zhang and Fritz, "GAN-Leaks" (CCS 2020), attack calibration (section 4.5).
    """

    id = "membership.calibrated-distance-retrained"
    title = "Membership by distance, calibrated by a reference generator"
    question = (
        "Do the synthetic records lie closer to the people they were made from than such a generator comes anyway?"
    )
    source = "Chen et al., GAN-Leaks (CCS 2020), calibrated by a reference generator"
    knowledge = (
        "holds the published records and a reference sample of the same population, knows the kind of the generator "
        "and its hyper-parameters, and asks of a record whether it was in the training data"
    )
    costly = "trains the target's kind anew on reference records"

    def unfit(self, subject: Subject) -> str | None:
        """There must be a kind to train again."""
        if subject.target.model is None:
            return "the generator behind the records is not known, so none like it can be trained"
        return super().unfit(subject)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Distance to the reference generator's records minus distance to the published ones."""
        known, count = case.frames.reference, len(case.synthetic)
        # Frames of the same records keep the row labels of their part; so each reference is trained on once.
        name = (self.id, known.index.values.tobytes(), count)
        made = self.subject.shared(partial(self._records, known, count), *name)
        return Scores(self._difference(case, case.members, made), self._difference(case, case.nonmembers, made))

    @staticmethod
    def _difference(case: Case, asked: Points, made: Points) -> Floats:
        easy, near = (case.neighbours.nearest(asked, part)[:, 0] for part in (made, case.synthetic))
        return np.asarray(easy - near)

    def _records(self, known: pd.DataFrame, count: int, subject: Subject) -> Points:
        """Records of a generator like the target's that was trained on these ones."""
        data = subject.dataset
        pool = Dataset("reference", data.schema, {"train": known.reset_index(drop=True)}, data.modality)
        seed, draw = (int(one) for one in self.rng(subject, "reference").integers(2**31, size=2))
        model = fit_many(asked_model(subject.target), pool, [np.arange(len(known))], [seed])[0]
        return subject.neighbours.space.place(model.sample(count, seed=draw))
