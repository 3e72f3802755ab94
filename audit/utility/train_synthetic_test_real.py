"""Can a model trained on the synthetic records do the work of one trained on real ones?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from audit.checks import Evaluation, Measured, NotApplicableError, Sample, Subject, register
from audit.statistics import Floats, Interval, auc, auc_draws, bootstrap_interval, unit_weights

MOST_CLASSES = 20
SMALLEST_CLASS = 20  # test records; a smaller class would be missing from some resamples, and its AUC says little
DRAWS = 1000


@dataclass(frozen=True)
class Task:
    """What is predicted: a column, and the classes it takes (none for a number)."""

    column: str
    classes: tuple[object, ...]
    chosen: str


@register
class TrainSyntheticTestReal(Evaluation):
    """How good is a model that was trained on synthetic records and is tested on real ones?

    Gradient-boosted trees predict the target column from all others, trained once on synthetic and once on the real
    training records, and are tested on the holdout. Classes: area under the ROC curve, one class against the rest,
    weighted by class share, .5 is chance. Numbers: R squared, 0 is the mean. `loss` is what the synthetic records cost
    against the real ones; it resamples the same test records for both.

    Source: Esteban, Hyland and Raetsch, "Real-valued (medical) time series generation with recurrent conditional GANs"
    (2017), TSTR.
    """

    id = "utility.train-synthetic-test-real"
    title = "Train on synthetic, test on real"
    question = "Can a model trained on the synthetic records do the work of one trained on the real ones?"
    measures = ("auc_synthetic", "auc_real", "r2_synthetic", "r2_real", "loss")
    source = "Esteban et al. (2017), TSTR, with gradient-boosted trees"
    remedy = "Train longer, give the generator more capacity or records, or a larger privacy budget."
    damage_done = "with the target column shuffled"

    def __init__(self) -> None:
        self._real: tuple[float, Floats] | None = None

    def unfit(self, subject: Subject) -> str | None:
        """There must be something to predict and something to predict it from."""
        if choose_task(subject) is None:
            return "no column can serve as a target: name one with --target"
        return None if len(_features(subject, "")) > 1 else "there is no second column to predict from"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:  # noqa: ARG002
        """The score of a model trained on the sample, of one trained on train, and what lies between."""
        task = _task(subject)
        if self._real is None:
            self._real = _tested(subject.dataset.train, task, subject, self.rng(subject, "real"))
        name, chance = ("auc", 0.5) if task.classes else ("r2", 0.0)
        value, draws = _tested(sample.frame, task, subject, self.rng(subject, "real"))
        ceiling, ceiling_draws = self._real
        size = len(np.unique(subject.dataset.units("holdout")))
        unit = f"{'area under the ROC curve' if task.classes else 'R squared'} for {task.column!r}"
        return [
            _measured(f"{name}_synthetic", value, draws, size, unit, chance, "higher", task),
            _measured(f"{name}_real", ceiling, ceiling_draws, size, unit, chance, "higher", task),
            _measured("loss", ceiling - value, ceiling_draws - draws, size, unit, None, "lower", task),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Cut the target loose from everything else."""
        column = _task(subject).column
        return records.assign(**{column: records[column].to_numpy()[rng.permutation(len(records))]})

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """Score, ceiling and floor, in words."""
        task = _task(subject)
        metric = "AUC" if task.classes else "R squared"
        return (
            f"Predicting {task.column!r} ({task.chosen}) on real holdout records, a model trained on the synthetic "
            f"records reaches {metric} {measured[0].value:.3f}, one trained on the real training records "
            f"{measured[1].value:.3f}, one trained on the smaller reference {floor[0].value:.3f}; chance is "
            f"{measured[0].chance:g}."
        )


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
    numbers = [column for column in usable if column.kind in ("numeric", "integer", "ordinal")]
    return (
        Task(numbers[-1].name, (), "chosen as the last numeric column; name another with --target") if numbers else None
    )


def _task(subject: Subject) -> Task:
    task = choose_task(subject)
    if task is None:
        raise ValueError("the subject was found unfit before")
    return task


def _classes(values: pd.Series, kind: str) -> tuple[object, ...]:
    if kind not in ("categorical", "boolean", "ordinal"):
        return ()
    levels = sorted(values.dropna().unique(), key=str)
    return tuple(levels) if 2 <= len(levels) <= MOST_CLASSES else ()


def _features(subject: Subject, target: str) -> list[str]:
    return [c.name for c in subject.dataset.schema.modelled if c.name != target and not c.constant]


def _matrix(frame: pd.DataFrame, subject: Subject, target: str) -> Floats:
    """All columns but the target as numbers; categories by their rank of frequency in train, unseen ones missing."""
    columns = []
    for name in _features(subject, target):
        if subject.dataset.schema[name].kind in ("categorical", "boolean"):
            ranked = subject.dataset.train[name].value_counts().index
            codes = pd.Index(ranked).get_indexer(pd.Index(frame[name])).astype(np.float64)
            columns.append(np.where(codes < 0, np.nan, codes))
        elif pd.api.types.is_datetime64_any_dtype(frame[name]):
            seconds = frame[name].astype("datetime64[ns]").to_numpy().astype(np.int64) / 1e9
            columns.append(np.where(frame[name].isna(), np.nan, seconds))
        else:
            columns.append(frame[name].to_numpy(dtype=np.float64, na_value=np.nan))
    return np.column_stack(columns)


def _tested(records: pd.DataFrame, task: Task, subject: Subject, rng: np.random.Generator) -> tuple[float, Floats]:
    """Score on the holdout of a model trained on `records`, and its bootstrap draws over the holdout's persons."""
    records = records[records[task.column].notna()]
    known = subject.dataset.holdout[task.column].notna().to_numpy()
    test = subject.dataset.holdout[known]
    weights = unit_weights(subject.dataset.units("holdout")[known], DRAWS, rng)
    features, questions = _matrix(records, subject, task.column), _matrix(test, subject, task.column)
    state = int(rng.integers(2**31))
    if task.classes:
        return _classify(features, records[task.column], questions, test[task.column], task, weights, state)
    return _regress(features, records[task.column], questions, test[task.column], weights, state)


def _classify(
    features: Floats,
    labels: pd.Series,
    questions: Floats,
    truth: pd.Series,
    task: Task,
    weights: NDArray[np.float32],
    state: int,
) -> tuple[float, Floats]:
    codes = pd.Index(task.classes).get_indexer(pd.Index(labels))
    correct = pd.Index(task.classes).get_indexer(pd.Index(truth))
    seen = np.unique(codes[codes >= 0])
    scores = np.zeros((len(questions), len(task.classes)))
    if len(seen) > 1:
        model = HistGradientBoostingClassifier(random_state=state).fit(features[codes >= 0], codes[codes >= 0])
        scores[:, seen] = model.predict_proba(questions)
    values, draws, shares = [], [], []
    # With two classes, one against the rest is the same question twice.
    for code in range(1 if len(task.classes) == 2 else 0, len(task.classes)):
        one, rest = correct == code, correct != code
        if min(one.sum(), rest.sum()) < SMALLEST_CLASS:
            continue
        values.append(auc(scores[one, code], scores[rest, code]))
        draws.append(auc_draws(scores[one, code], scores[rest, code], weights[:, one], weights[:, rest]))
        shares.append(one.mean())
    if not values:
        raise NotApplicableError(
            f"fewer than {SMALLEST_CLASS} holdout records in every class of {task.column!r} but one"
        )
    share = np.array(shares) / np.sum(shares)
    return float(share @ np.array(values)), np.asarray(share @ np.array(draws))


def _regress(
    features: Floats,
    labels: pd.Series,
    questions: Floats,
    truth: pd.Series,
    weights: NDArray[np.float32],
    state: int,
) -> tuple[float, Floats]:
    model = HistGradientBoostingRegressor(random_state=state).fit(features, labels.to_numpy(dtype=np.float64))
    true = truth.to_numpy(dtype=np.float64)
    squared = (true - model.predict(questions)) ** 2
    value = 1 - squared.mean() / true.var()
    total = weights.sum(axis=1)
    mean = weights @ true / total
    variance = weights @ true**2 / total - mean**2
    return float(value), np.asarray(1 - (weights @ squared / total) / variance, dtype=np.float64)


def _measured(
    name: str,
    value: float,
    draws: Floats,
    size: int,
    unit: str,
    chance: float | None,
    better: str,
    task: Task,
) -> Measured:
    bounds = (-1.0 if name == "loss" else 0.0, 1.0) if task.classes else None
    return Measured(
        name=name,
        value=value,
        n=size,
        unit=unit,
        interval=partial(_interval, value, draws, size, bounds),
        chance=chance,
        better=better,
    )


def _interval(
    value: float, draws: Floats, size: int, bounds: tuple[float, float] | None, confidence: float
) -> Interval:
    if bounds is not None:
        return bootstrap_interval(value, draws, size, confidence, bounds)
    # R squared has no lower bound, and so no scale on which its error would be even.
    reach = float(t.ppf((1 + confidence) / 2, size - 1) * draws.std(ddof=1))
    return Interval(value - reach, value + reach)
