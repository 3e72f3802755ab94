"""Can a classifier learn to tell the synthetic records from real ones?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.fidelity.damages import collapsed
from audit.fidelity.distance import compared_size
from audit.fidelity.placing import holdout_sample, placed_by_train
from audit.statistics import Floats, Interval, auc, auc_draws, bootstrap_interval, unit_weights

DRAWS = 400
MOST = 5000


@register
class ClassifierTwoSample(Evaluation):
    """Can a classifier learn to tell the synthetic records from real ones?

    Half of the people of each sample teach a classifier (gradient-boosted trees on tables, logistic regression on the
    features of images, texts and recordings), the other half test it. The area under its ROC curve is .5 where nothing
    tells the samples apart, and 1 where everything does.

    Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (ICLR 2017).
    """

    id = "fidelity.classifier-two-sample"
    title = "Classifier two-sample test"
    question = "Can a classifier learn to tell the synthetic records from real ones?"
    measures = ("auc",)
    source = "Lopez-Paz and Oquab, Revisiting classifier two-sample tests (ICLR 2017)"
    modalities = EVERY_MODALITY
    remedy = "Look at the columns that lie furthest from the real ones first; then train longer or with more capacity."
    damage_done = "half of which are the same one"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The area under the ROC curve on people that the classifier has not seen."""
        size = compared_size(subject, MOST)
        placed = subject.shared(placed_by_train)
        (ours, our_units), (theirs, their_units) = (placed.rows(one, size) for one in (sample, holdout_sample(subject)))
        mine, real = (_halves(units, rng) for units in (our_units, their_units))
        model = _classifier(subject, int(rng.integers(2**31)))
        model.fit(np.vstack([ours[mine], theirs[real]]), np.repeat([1, 0], [mine.sum(), real.sum()]))
        scores = [model.predict_proba(rows)[:, 1] for rows in (ours[~mine], theirs[~real])]
        # Ties are broken by nothing that the samples differ in: equal scores count half in an area.
        weights = [unit_weights(units, DRAWS, rng) for units in (our_units[~mine], their_units[~real])]
        value = auc(scores[0], scores[1])
        draws = auc_draws(scores[0], scores[1], *weights)
        people = min(len(np.unique(our_units[~mine])), len(np.unique(their_units[~real])))
        return [
            Measured(
                name="auc",
                value=value,
                n=people,
                unit="area under the ROC curve, .5 is chance",
                interval=partial(_interval, value, draws, people),
                chance=0.5,
            )
        ]

    def alarm(self, case: str, measured: list[Measured], subject: Subject) -> bool | None:  # noqa: ARG002
        """Whether the classifier does better than chance, at the confidence of verdicts."""
        return measured[0].interval(subject.policy.confidence_verdict).low > 0.5

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the records to a single one."""
        return collapsed(records, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """How well it tells them apart, in words."""
        verdict = (
            "can be told from real ones"
            if self.alarm("synthetic", measured, subject)
            else "were not told from real ones"
        )
        return (
            f"Given one synthetic and one real record, a classifier picks the synthetic one {measured[0].value:.1%} of "
            f"the time, where guessing gives 50% and one that looks at fresh real records {floor[0].value:.1%}: the "
            f"synthetic records {verdict}."
        )


def _classifier(subject: Subject, state: int) -> Any:
    if subject.dataset.modality == "tabular":
        return HistGradientBoostingClassifier(max_iter=60, random_state=state)
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def _halves(units: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which records are of the half of the people that teaches."""
    people = int(units.max()) + 1
    return (rng.permutation(people) < people // 2)[units]


def _interval(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence)
