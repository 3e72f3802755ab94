"""Does a model trained on the synthetic records lean on the same columns as one trained on real ones?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.statistics import Floats, Interval, bootstrap_interval, unit_weights
from audit.utility.learning import Learner, chosen_task, features, tested_rows, unfit_for_learning
from audit.utility.train_synthetic_test_real import train_sample
from reports import Table

MOST = 600
DRAWS = 300
FEWEST = 3


@register
class ImportanceAgreement(Evaluation):
    """Does a model trained on the synthetic records lean on the same columns as one trained on real ones?

    A column's importance is how much the error on holdout records (Brier score of classes, squared error of numbers)
    grows when the column is shuffled among them. Agreement is Spearman's rank correlation of the importances in
    gradient-boosted trees trained on synthetic and on real records: 1 is the same order, 0 none in common.

    Source: Breiman, "Random forests" (Machine Learning 2001), permutation importance.
    """

    id = "utility.importance"
    title = "Agreement on what matters"
    question = "Does a model trained on the synthetic records lean on the same columns as one trained on real ones?"
    measures = ("agreement",)
    source = "permutation importance: Breiman (2001); Spearman's rank correlation"
    remedy = "Look at the pairs of the target with the columns whose importance differs; give the model more capacity."
    damage_done = "with the target column shuffled"

    def __init__(self) -> None:
        self._found: dict[str, Floats] = {}

    def unfit(self, subject: Subject) -> str | None:
        """There must be a task, and columns to disagree about."""
        reason = unfit_for_learning(subject)
        if reason is not None or len(features(subject, chosen_task(subject).column)) >= FEWEST:
            return reason
        return f"agreement on the order of columns needs at least {FEWEST} of them beside the target"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:  # noqa: ARG002
        """The rank correlation of importances."""
        real, ours = (self._growth(one, subject) for one in (train_sample(subject), sample))
        units = self._tested(subject)[1]
        weights = unit_weights(units, DRAWS, self.rng(subject, "resample"))
        self._found[sample.case] = ours.mean(axis=0)
        self._found["train"] = real.mean(axis=0)
        value = _agreement(ours.mean(axis=0), real.mean(axis=0))
        drawn = [_agreement(mine, theirs) for mine, theirs in zip(weights @ ours, weights @ real, strict=True)]
        people = len(np.unique(units))
        return [
            Measured(
                name="agreement",
                value=value,
                n=people,
                unit="rank correlation of importances, -1 to 1",
                interval=partial(_interval, value, np.array(drawn), people),
                better="higher",
                bounds=(-1.0, 1.0),
            )
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut the target loose from everything else."""
        column = chosen_task(subject).column
        return records.assign(**{column: records[column].to_numpy()[rng.permutation(len(records))]})

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The agreement beside its floor, in words."""
        return (
            f"Models that predict {chosen_task(subject).column!r} rank the columns alike with a correlation of "
            f"{measured[0].value:.2f} whether they learnt from synthetic or from real records; with fresh real records "
            f"it is {floor[0].value:.2f}."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """Importance by column for both models."""
        names = features(subject, chosen_task(subject).column)
        real, ours = self._found["train"], self._found["synthetic"]
        return [
            Table(
                title="How much the error grows when a column is shuffled",
                description="Of models trained on real and on synthetic records, tested on the same holdout records.",
                columns=["column", "trained on real", "trained on synthetic"],
                rows=[[names[j], float(f"{real[j]:.3g}"), float(f"{ours[j]:.3g}")] for j in np.argsort(-real)[:20]],
            )
        ]

    def _tested(self, subject: Subject) -> tuple[pd.DataFrame, np.ndarray]:
        known = np.flatnonzero(tested_rows(subject))
        rows = np.sort(self.rng(subject, "tested").permutation(known)[:MOST])
        return subject.dataset.holdout.iloc[rows], subject.dataset.units("holdout")[rows]

    def _growth(self, sample: Sample, subject: Subject) -> Floats:
        """How much the error of each record grows with each column shuffled, shape (records, columns)."""
        learner, (test, _) = subject.shared(Learner), self._tested(subject)
        rows, rng = learner.matrix(test), self.rng(subject, "shuffle")
        truth = test[learner.task.column]
        plain = errors(learner.ask(sample, rows), truth, learner)
        grown = np.empty(rows.shape)
        for column in range(rows.shape[1]):
            shuffled = rows.copy()
            shuffled[:, column] = rows[rng.permutation(len(rows)), column]
            grown[:, column] = errors(learner.ask(sample, shuffled), truth, learner) - plain
        return grown


def errors(said: Floats, truth: pd.Series, learner: Learner) -> Floats:
    """Brier score of each record, 0 to 1, or its squared error as a share of the variance, from 0; shape (records,)."""
    if not learner.task.classes:
        true = truth.to_numpy(dtype=np.float64)
        variance = float(learner.subject.dataset.holdout[learner.task.column].var())
        return np.asarray((said - true) ** 2 / variance)
    correct = pd.Index(learner.task.classes).get_indexer(pd.Index(truth))
    wanted = correct[:, None] == np.arange(len(learner.task.classes))[None, :]
    return np.asarray(((said - wanted) ** 2).sum(axis=1) / 2)


def _agreement(first: Floats, second: Floats) -> float:
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)


def _interval(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence, bounds=(-1.0, 1.0))
