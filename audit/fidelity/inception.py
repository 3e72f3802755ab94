"""Is a classifier sure of each synthetic image, and are its answers varied?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audit.checks import Measured, Sample, Subject, register
from audit.fidelity.jackknifed import Jackknifed, Kept, Quantity, Statistic
from audit.fidelity.placing import FEATURES, Rows, placed_by_train
from audit.measures.images import inception_score

MOST_TAUGHT = 5000


@register
class InceptionScore(Jackknifed):
    """Is a classifier sure of each synthetic image, and are its answers varied?

    The formula of the Inception Score with a classifier of its own: logistic regression on the `gradients` of the
    training images, which predicts their label. From 1 to the number of labels; compare it with the floor, for an
    imperfect classifier keeps even real images from the highest score.

    Source: Salimans et al., "Improved techniques for training GANs" (NIPS 2016); limits: Barratt and Sharma (2018).
    """

    id = "fidelity.inception-score"
    title = "Inception score with a classifier of its own"
    question = "Is a classifier sure of each synthetic image, and are its answers varied?"
    measures = ("score_gradients",)
    source = "Inception Score: Salimans et al. (NIPS 2016), with logistic regression on gradients"
    modalities = ("image",)
    remedy = "Train longer, or with the labels as conditions."
    damage_done = "all of one label"
    quantities: ClassVar[dict[str, Quantity]] = {
        "score_gradients": Quantity("inception score on gradients, from 1", "higher", (1.0, float("inf")))
    }
    most = 5000

    def unfit(self, subject: Subject) -> str | None:
        """A classifier needs labels."""
        if _label(subject) is None:
            return "the images have no label that a classifier could learn"
        return super().unfit(subject)

    def prepare(self, ours: Rows, theirs: Rows, subject: Subject) -> Statistic:  # noqa: ARG002
        """The score of what is kept of the first sample."""
        answers = np.asarray(subject.shared(_classifier).predict_proba(ours))

        def statistic(mine: Kept, real: Kept) -> Mapping[str, float]:  # noqa: ARG001
            return {"score_gradients": inception_score(answers[mine])}

        return statistic

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Leave a single label."""
        labels = records[_label(subject)]
        kept = np.flatnonzero(labels == labels.iloc[int(rng.integers(len(labels)))])
        return records.iloc[kept[rng.integers(len(kept), size=len(records))]].reset_index(drop=True)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The score beside its floor, in words."""
        labels = subject.dataset.train[_label(subject)].nunique()
        return (
            f"With a classifier of {labels} labels on {FEATURES['image']} the synthetic images score "
            f"{measured[0].value:.2f}, fresh real images {floor[0].value:.2f}; {labels} would be the highest."
        )


def _label(subject: Subject) -> str | None:
    """The column that a classifier learns: the target, else the first with levels."""
    schema, train = subject.dataset.schema, subject.dataset.train
    names = [schema.target] if schema.target is not None else [c.name for c in schema.modelled if c.levels is not None]
    return next((name for name in names if name is not None and train[name].nunique() > 1), None)


def _classifier(subject: Subject) -> Any:
    name = _label(subject)
    if name is None:
        raise ValueError("the subject was found unfit before")
    train = subject.dataset.train[subject.dataset.train[name].notna()]
    rows, _ = subject.shared(placed_by_train).rows(
        Sample("taught", train, np.arange(len(train))), min(MOST_TAUGHT, len(train))
    )
    labels = train[name].iloc[subject.shared(placed_by_train).chosen(len(train), len(rows))]
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200)).fit(rows, labels.astype(str))
