"""How far does each column's distribution lie from the real one?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Evaluation, Measured, Subject, register
from audit.statistics import Floats, Interval, bootstrap_interval, unit_weights
from reports import Figure

DRAWS = 300


@register
class Marginals(Evaluation):
    """Does each column, taken alone, look like the real one?

    Numbers are compared by the Kolmogorov-Smirnov distance (the largest gap between two cumulative distributions),
    categories by total variation (half the sum of differences of shares); both run from 0, equal, to 1, disjoint, and a
    missing value is a value. Samples of equal size are compared, so that the floor (real against real) carries the
    same share of chance.

    Source: Kolmogorov (1933), Smirnov (1939); use as fidelity measures as in SDMetrics' column shapes.
    """

    id = "fidelity.marginals"
    title = "Column distributions"
    question = "Does each column, taken alone, look like the real one?"
    measures = ("mean_distance", "worst_distance")
    source = "Kolmogorov-Smirnov and total-variation distances per column"
    remedy = "Train longer, give the model more bins or capacity, or a larger privacy budget."
    damage_done = "with one column replaced by its most frequent value"

    def unfit(self, subject: Subject) -> str | None:
        """A table of identifiers and constants alone has nothing to compare."""
        return None if _columns(subject) else "no column carries values that vary"

    def measure(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Mean distance over columns, and that of the worst column."""
        distances, draws, size = self._distances(records, subject, rng)
        worst = int(np.argmax(distances))
        return [
            _measured("mean_distance", float(distances.mean()), draws.mean(axis=1), size, "mean over columns", 1),
            # Taking the worst of many columns is a selection: its interval is widened by Bonferroni.
            _measured(
                "worst_distance", float(distances[worst]), draws[:, worst], size, "the worst column", len(distances)
            ),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse the most varied column to its mode."""
        name = max(_columns(subject), key=lambda column: records[column].nunique())
        modes = records[name].mode()
        return records.assign(**{name: modes.iloc[0]}) if len(modes) else records

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The mean distance beside its floor, in words."""
        return (
            f"On average a column lies {measured[0].value:.3f} from the real one on a scale from 0 to 1, where fresh "
            f"real records lie {floor[0].value:.3f}; the worst column lies {measured[1].value:.3f} away."
        )

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:
        """Distance of every column beside its floor."""
        names = _columns(subject)
        distances, draws, size = self._distances(subject.synthetic, subject, rng)
        floor, _, _ = self._distances(subject.dataset.reference, subject, rng)
        order = np.argsort(-distances)[:40]
        intervals = [bootstrap_interval(float(distances[j]), draws[:, j], size, 0.95) for j in order]
        return [
            Figure(
                kind="column-distances",
                title="Distance of each column from the real one",
                description="0 is equal, 1 is disjoint; the floor is what fresh real records show."
                + (f" The 40 worst of {len(names)} columns." if len(names) > len(order) else ""),
                data={
                    "columns": [names[j] for j in order],
                    "synthetic": [float(distances[j]) for j in order],
                    "low": [interval.low for interval in intervals],
                    "high": [interval.high for interval in intervals],
                    "floor": [float(floor[j]) for j in order],
                    "unit": "distance (0 to 1)",
                },
            )
        ]

    @staticmethod
    def _distances(records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> tuple[Floats, Floats, int]:
        """Distances (columns,), bootstrap draws of them (draws, columns), and the size of the samples compared."""
        holdout = subject.dataset.holdout
        size = min(len(subject.synthetic), len(subject.dataset.reference), len(records))
        sample = records.iloc[np.sort(rng.permutation(len(records))[:size])]
        ours = unit_weights(np.arange(size), DRAWS, rng)
        theirs = unit_weights(subject.dataset.units("holdout"), DRAWS, rng)
        values, draws = [], []
        for name in _columns(subject):
            ordered = subject.dataset.schema[name].kind in ("numeric", "integer", "ordinal", "datetime")
            codes, levels = _codes(sample[name], holdout[name], ordered)
            mine, real = codes[:size], codes[size:]
            values.append(_gap(_share(mine, levels), _share(real, levels), ordered))
            drawn = [
                _gap(_share(mine, levels, w1), _share(real, levels, w0), ordered)
                for w1, w0 in zip(ours, theirs, strict=True)
            ]
            draws.append(np.array(drawn))
        return np.array(values), np.column_stack(draws), size


def _columns(subject: Subject) -> list[str]:
    return [column.name for column in subject.dataset.schema.modelled if not column.constant]


def _codes(sample: pd.Series, real: pd.Series, ordered: bool) -> tuple[NDArray[np.int64], int]:
    """Level numbers of both, one after the other, in order of value where there is one; missing is the last level."""
    both = pd.concat([sample, real], ignore_index=True)
    codes, uniques = pd.factorize(both, sort=ordered, use_na_sentinel=True)
    codes = np.where(codes < 0, len(uniques), codes).astype(np.int64)
    return codes, len(uniques) + 1


def _share(codes: NDArray[np.int64], levels: int, weights: NDArray[np.float32] | None = None) -> Floats:
    counts = np.bincount(codes, weights=weights, minlength=levels).astype(np.float64)
    return np.asarray(counts / counts.sum())


def _gap(mine: Floats, real: Floats, ordered: bool) -> float:
    if ordered:
        return float(np.abs(np.cumsum(mine - real)).max())
    return float(np.abs(mine - real).sum() / 2)


def _measured(name: str, value: float, draws: Floats, size: int, unit: str, selected_from: int) -> Measured:
    return Measured(
        name=name,
        value=value,
        n=size,
        unit=f"distance, 0 to 1, {unit}",
        interval=partial(_interval, value, draws, size, selected_from),
    )


def _interval(value: float, draws: Floats, size: int, selected_from: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, size, 1 - (1 - confidence) / selected_from)
