"""Models that are trained on one sample and asked about real people: what every check of utility is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from audit.checks import Sample, Subject
from audit.fidelity.binning import numbers
from audit.fidelity.placing import columns
from audit.statistics import Floats
from generators import Schema

MOST_CLASSES = 20
TREES = 200
"""Trees of a model, over all classes; scikit-learn has as many for two of them."""

MOST_LINEAR = 20_000
"""Records that a linear model is trained on; more would change its few weights hardly."""

Family = Literal["trees", "linear"]


@dataclass(frozen=True)
class Task:
    """What is predicted: a column, and the classes it takes (none for a number)."""

    column: str
    classes: tuple[object, ...]
    chosen: str


def choose_task(subject: Subject) -> Task | None:
    """The column to predict: the declared target, else the last one with few classes, else the last number."""
    schema, train = subject.dataset.schema, subject.dataset.train
    usable = [c for c in schema.modelled if not c.constant and train[c.name].nunique() > 1]
    if schema.target is not None:
        column = schema[schema.target]
        if column not in usable:
            return None
        return Task(column.name, _classes(train[column.name], column.kind), "the declared target")
    for column in reversed(usable):
        classes = _classes(train[column.name], column.kind)
        if classes:
            return Task(column.name, classes, "chosen as the last column with few classes; name another with --target")
    number = [column for column in usable if column.kind in ("numeric", "integer", "ordinal")]
    return (
        Task(number[-1].name, (), "chosen as the last numeric column; name another with --target") if number else None
    )


def unfit_for_learning(subject: Subject) -> str | None:
    """Why nothing can be predicted from anything, or None."""
    if choose_task(subject) is None:
        return "no column can serve as a target: name one with --target"
    return None if len(features(subject, "")) > 1 else "there is no second column to predict from"


def chosen_task(subject: Subject) -> Task:
    """The task of a subject that is not unfit."""
    task = choose_task(subject)
    if task is None:
        raise ValueError("the subject was found unfit before")
    return task


def features(subject: Subject, target: str) -> list[str]:
    """The columns that the target is predicted from."""
    return [c.name for c in subject.dataset.schema.modelled if c.name != target and not c.constant]


def tested_rows(subject: Subject) -> NDArray[np.bool_]:
    """Which holdout records have a known target."""
    return subject.dataset.holdout[chosen_task(subject).column].notna().to_numpy()


class Learner:
    """Models of one subject's task, each trained once; get it with `subject.shared(Learner)`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.task = chosen_task(subject)
        self._models: dict[tuple[str, Family], Any] = {}
        self._linear = None

    def predictions(self, sample: Sample, family: Family = "trees") -> Floats:
        """What a model trained on the sample says of the holdout's known records.

        Returns:
            Probabilities of the task's classes, shape (records, classes), or numbers, shape (records,).
        """
        test = self.subject.dataset.holdout[tested_rows(self.subject)]
        return self.ask(sample, self.matrix(test, family), family)

    def ask(self, sample: Sample, questions: Floats, family: Family = "trees") -> Floats:
        """What a model trained on the sample says of rows that `matrix` made."""
        model, seen = self._model(sample, family)
        if not self.task.classes:
            return np.asarray(model.predict(questions), dtype=np.float64)
        scores = np.zeros((len(questions), len(self.task.classes)))
        scores[:, seen] = 1.0 if model is None else model.predict_proba(questions)
        return scores

    def matrix(self, frame: pd.DataFrame, family: Family = "trees") -> Floats:
        """All columns but the target as numbers, as the family of models wants them."""
        if family == "linear":
            return np.asarray(self._placing()(frame), dtype=np.float64)
        return _for_trees(frame, self.subject, self.task.column)

    def _model(self, sample: Sample, family: Family) -> tuple[Any, NDArray[np.int64]]:
        key = (sample.case, family)
        if sample.case == "damaged" or key not in self._models:
            self._models[key] = self._fit(sample, family)
        found: tuple[Any, NDArray[np.int64]] = self._models[key]
        return found

    def _fit(self, sample: Sample, family: Family) -> tuple[Any, NDArray[np.int64]]:
        """A fitted model, and the classes that it has seen; no model where there was one class only."""
        frame = sample.frame[sample.frame[self.task.column].notna()]
        rng = np.random.default_rng([self.subject.seed, len(frame)])
        if family == "linear" and len(frame) > MOST_LINEAR:
            frame = frame.iloc[np.sort(rng.permutation(len(frame))[:MOST_LINEAR])]
        rows, state = self.matrix(frame, family), int(rng.integers(2**31))
        if not self.task.classes:
            model = HistGradientBoostingRegressor(random_state=state) if family == "trees" else Ridge()
            return model.fit(rows, frame[self.task.column].to_numpy(dtype=np.float64)), np.zeros(0, dtype=np.int64)
        codes = pd.Index(self.task.classes).get_indexer(pd.Index(frame[self.task.column]))
        rows, codes = rows[codes >= 0], codes[codes >= 0]
        seen = np.unique(codes).astype(np.int64)
        if len(seen) < 2:
            return None, seen
        classifier = (
            HistGradientBoostingClassifier(max_iter=max(20, TREES // len(seen)), random_state=state)
            if family == "trees"
            else LogisticRegression(max_iter=100, tol=1e-3)
        )
        return classifier.fit(rows, codes), seen

    def _placing(self) -> Any:
        if self._linear is None:
            schema = self.subject.dataset.schema
            others = Schema(tuple(column for column in schema.columns if column.name != self.task.column))
            self._linear = columns(others, self.subject.dataset.train)  # type: ignore[assignment]
        return self._linear


def _classes(values: pd.Series, kind: str) -> tuple[object, ...]:
    if kind not in ("categorical", "boolean", "ordinal"):
        return ()
    levels = sorted(values.dropna().unique(), key=str)
    return tuple(levels) if 2 <= len(levels) <= MOST_CLASSES else ()


def _for_trees(frame: pd.DataFrame, subject: Subject, target: str) -> Floats:
    """Categories by their rank of frequency in train, unseen ones missing."""
    made = []
    for name in features(subject, target):
        column = subject.dataset.schema[name]
        if column.kind in ("categorical", "boolean"):
            ranked = subject.dataset.train[name].value_counts().index
            codes = pd.Index(ranked).get_indexer(pd.Index(frame[name])).astype(np.float64)
            made.append(np.where(codes < 0, np.nan, codes))
        else:
            made.append(numbers(frame[name], column))
    return np.column_stack(made)
