"""Which regions of the real records do the synthetic ones miss, and which do they crowd?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.cluster import MiniBatchKMeans

from audit.checks import EVERY_MODALITY, Evaluation, Measured, Sample, Subject, register
from audit.checks.small_cells import share_in_words
from audit.fidelity.damages import one_neighbourhood
from audit.fidelity.distance import compared_size
from audit.fidelity.placing import Rows, holdout_sample, placed_by_train
from audit.statistics import Floats, Interval, bootstrap_interval, unit_weights
from reports import Table

FEWEST = 30  # records that a mode has on average, or shares of it say nothing
MOST_MODES = 50
MOST = 5000
DRAWS = 200
_LITTLE = 0.2  # a mode with less than this part of its real share is missing


@register
class Modes(Evaluation):
    """Which regions of the real records do the synthetic ones miss, and which do they crowd?

    The training records are clustered into up to 50 modes (k-means on features; whole columns on tables). A mode is
    different where a two-sample test of its two shares rejects at the 99.9% level after Bonferroni's correction for the
    number of modes. `missing_mass` is the share of real records in different modes to which the synthetic records give
    less than a fifth of their real share; `crowding` the excess share of the records in crowded modes, half the sum of
    all differences of shares.

    Source: Richardson and Weiss, "On GANs and GMMs" (NeurIPS 2018), number of statistically different bins.
    """

    id = "diversity.modes"
    title = "Modes: missing and crowded"
    question = "Which regions of the real records do the synthetic ones miss, and which do they crowd?"
    measures = ("different_modes", "missing_mass", "crowding")
    source = "Richardson and Weiss, On GANs and GMMs (NeurIPS 2018), number of statistically different bins"
    modalities = EVERY_MODALITY
    remedy = "Modes go missing in GANs first: train longer, with another family, or with a larger privacy budget."
    damage_done = "drawn from the tenth of them that is most alike"

    def __init__(self) -> None:
        self._found: dict[str, tuple[Floats, Floats, NDArray[np.bool_]]] = {}

    def unfit(self, subject: Subject) -> str | None:
        """Modes need records."""
        size = compared_size(subject, MOST)
        return None if _modes(size) >= 2 else f"only {size} records a side; {2 * FEWEST} are needed"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Shares of the modes in both samples, and what they say."""
        ours, theirs, our_units, their_units = self._where(sample, subject)
        count = int(max(ours.max(), theirs.max())) + 1
        mine, real = _shares(ours, count), _shares(theirs, count)
        weights = [unit_weights(units, DRAWS, rng) for units in (our_units, their_units)]
        drawn_mine, drawn_real = _shares(ours, count, weights[0]), _shares(theirs, count, weights[1])
        spread = np.hypot(drawn_mine.std(axis=1), drawn_real.std(axis=1))
        bar = float(norm.isf((1 - subject.policy.confidence_verdict) / 2 / count))
        different = np.abs(mine - real) > bar * np.where(spread > 0, spread, np.inf)
        people = min(len(np.unique(our_units)), len(np.unique(their_units)))
        missing = different & (mine < _LITTLE * real)
        self._found[sample.case] = mine, real, different
        return [
            _measured("different_modes", float(different.mean()), np.zeros(2), count, "share of modes, 0 to 1"),
            # Which modes are missing is found in the sample itself; resamples judge those.
            _measured(
                "missing_mass",
                float(real[missing].sum()),
                drawn_real[missing].sum(axis=0),
                people,
                "share of real records in missing modes, 0 to 1",
            ),
            _measured(
                "crowding",
                float(np.abs(mine - real).sum() / 2),
                np.abs(drawn_mine - drawn_real).sum(axis=0) / 2,
                people,
                "share of records in excess, 0 to 1",
            ),
        ]

    def alarm(self, case: str, measured: list[Measured], subject: Subject) -> bool | None:  # noqa: ARG002
        """Whether any mode differs, at the confidence of verdicts and corrected for their number."""
        return measured[0].value > 0

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Lose every mode but the surroundings of one record."""
        return one_neighbourhood(records, subject, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """What is missing and what is crowded, in words."""
        return (
            f"Of {measured[0].n} modes of the real records {measured[0].value:.0%} have a share that chance does not "
            f"explain (fresh real records: {floor[0].value:.0%}); {measured[1].value:.1%} of the real records lie in "
            f"modes that are all but missing ({floor[1].value:.1%})."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """The largest missing and crowded modes, told by their size alone."""
        mine, real, different = self._found["synthetic"]
        order, size = np.argsort(-np.abs(mine - real)), compared_size(subject, MOST)
        rows: list[list[str | int | float | None]] = [
            [
                f"{real[mode]:.1%}",
                share_in_words(mine[mode] * size, size),
                "missing" if mine[mode] < real[mode] else "crowded",
            ]
            for mode in order[:10]
            if different[mode] and real[mode] * size >= FEWEST
        ]
        if not rows:
            return []
        return [
            Table(
                title="Modes whose share differs most",
                description="Shares of real and of synthetic records; modes of under 30 real records are left out.",
                columns=["real", "synthetic", "it is"],
                rows=rows,
            )
        ]

    @staticmethod
    def _where(
        sample: Sample, subject: Subject
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The mode of each record of the sample and of the holdout, and their persons."""
        size = compared_size(subject, MOST)
        placed = subject.shared(placed_by_train)
        (ours, our_units), (theirs, their_units) = (placed.rows(one, size) for one in (sample, holdout_sample(subject)))
        centres = subject.shared(_centres)
        return _nearest(ours, centres), _nearest(theirs, centres), our_units, their_units


def _centres(subject: Subject) -> Rows:
    """Centres of the modes of the training records."""
    train = Sample("train", subject.dataset.train, subject.dataset.units("train"))
    rows, _ = subject.shared(placed_by_train).rows(train, min(len(train.frame), MOST))
    model = MiniBatchKMeans(_modes(compared_size(subject, MOST)), n_init=3, random_state=subject.seed)
    return np.asarray(model.fit(rows).cluster_centers_, dtype=np.float32)


def _modes(size: int) -> int:
    return min(MOST_MODES, size // FEWEST)


def _nearest(rows: Rows, centres: Rows) -> NDArray[np.int64]:
    return np.asarray(((centres**2).sum(axis=1) - 2 * rows @ centres.T).argmin(axis=1), dtype=np.int64)


def _shares(modes: NDArray[np.int64], count: int, weights: NDArray[np.float32] | None = None) -> Floats:
    """The share of each mode, shape (modes,), or in each resample, shape (modes, draws)."""
    if weights is None:
        return np.asarray(np.bincount(modes, minlength=count) / len(modes))
    sums = np.stack([weights[:, modes == mode].sum(axis=1) for mode in range(count)])
    return np.asarray(sums / sums.sum(axis=0), dtype=np.float64)


def _measured(name: str, value: float, draws: Floats, units: int, unit: str) -> Measured:
    return Measured(name=name, value=value, n=units, unit=unit, interval=partial(_interval, value, draws, units))


def _interval(value: float, draws: Floats, units: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, max(units, 2), confidence)
