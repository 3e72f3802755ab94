"""Data copying: synthetic records that lie closer to train than new real records do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from audit.checks import EVERY_MODALITY, Attack, Case, Cases, Measured, Subject, register
from audit.checks.drawing import half
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
from audit.statistics import Floats, Interval, normal_quantile
from reports import Figure

COMPARED = 5000
MOST_CELLS = 20
FEWEST = 20
"""Records of either kind that a cell needs to speak."""


@register
class DataCopying(Attack):
    """Do synthetic records lie closer to the training records than new real records do, anywhere in the data?

    The three-sample test: within each cell of a partition, distances to the nearest training record are compared
    between synthetic and held-out records by the Mann-Whitney statistic. Cells keep copying in one corner from being
    outweighed by novelty in another. They are the surroundings of randomly drawn real records, since mixed columns have
    no means for k-means to move.

    A generator that crowds where records are dense is closer to train than new records are, without copying: so the
    probability that a synthetic record is the closer one is compared with what other real records in its place show.

    Estimates: `excess_closeness` (lower is better, -1 to 1), the probability that a synthetic record is closer than a
    held-out one, in excess of chance; `c_t`, the published statistic, below -3 for copying, with its normal interval.

    Source: Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models"
    (AISTATS 2020), section 4; the comparison with relabelled records is ours.
    """

    id = "memorization.data-copying"
    title = "Data copying"
    question = "Do synthetic records lie closer to the training records than new real records do?"
    source = "Meehan, Chaudhuri and Dasgupta (AISTATS 2020), C_T, against relabelled real records"
    measures = ("excess_closeness", "c_t")
    modalities = EVERY_MODALITY
    knowledge = "reads the published records; the audit compares them with training records and with others"
    remedy = "Stop earlier, use a smaller model or more records, or train under differential privacy."

    def __init__(self) -> None:
        self._found: dict[str, tuple[Excess, CellTest]] = {}

    def cases(self, subject: Subject) -> Cases:
        """All that are compared for copies: a training record left out would hide its copies."""
        return subject.compared

    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """A copy beats every held-out record but those that chance copied, and a fresh one beats half of them."""
        chance = float((target.neighbours.nearest(target.nonmembers, target.members)[:, 0] == 0).mean())
        return share_to_plant(2 * size / (1 - chance), target) if chance < 1 else 0.0

    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """Closeness in excess of relabelled records, and the published statistic."""
        found = [self._measured(case, subject) for case in cases]
        value = float(np.mean([test.statistic for _, test in found]))
        spread = float(np.sqrt(np.mean([test.spread**2 for _, test in found])))
        return [
            averaged("excess_closeness", "probability, beyond chance", [one for one, _ in found]),
            Measured(
                name="c_t",
                value=value,
                n=min(one.n for one, _ in found),
                unit="standard deviations of chance",
                interval=partial(_normal, value, spread),
                chance=0.0,
                better="none",
                bounds=(-1e6, 1e6),
            ),
        ]

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """The test in words."""
        test = self._measured(self.cases(subject).main, subject)[1]
        return (
            f"A synthetic record is closer to the training records than a held-out one {test.closer:.1%} of the time "
            f"(C_T {test.statistic:.1f}); {in_percent(measured[0])} beyond what other real records in their place show."
        )

    def figures(self, subject: Subject) -> list[Figure]:
        """The statistic cell by cell."""
        test = self._measured(self.cases(subject).main, subject)[1]
        reach = normal_quantile(subject.policy.confidence_shown)
        order = np.argsort(test.scores)
        return [
            Figure(
                kind="bars",
                title="Closeness to train by region of the data",
                description="One bar a cell, in standard deviations of chance; below zero the synthetic records lie "
                "closer to train than held-out ones, as copies do.",
                data={
                    "labels": [f"region {number}" for number in range(1, len(order) + 1)],
                    "values": [round(float(test.scores[cell]), 3) for cell in order],
                    "low": [round(float(test.scores[cell] - reach), 3) for cell in order],
                    "high": [round(float(test.scores[cell] + reach), 3) for cell in order],
                    "reference": 0.0,
                    "reference_label": "chance",
                    "unit": "standard deviations",
                },
            )
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """By normal theory on the negative control."""
        quiet = self._measured(self.cases(subject).negative, subject)[0]
        return power(quiet, subject.policy.confidence_verdict, "probability, beyond chance, that a copy is the closer")

    def _measured(self, case: Case, subject: Subject) -> tuple[Excess, CellTest]:
        if case.name not in self._found:
            rng = self.rng(subject, case.name)
            tested = half(case.nonmember_units, rng)
            pool = Pool.of(
                rng,
                (case.members, case.member_units),
                (case.nonmembers.take(np.flatnonzero(~tested)), case.nonmember_units[~tested]),
                (case.reference, case.reference_units),
            )
            asked = case.synthetic.take(np.sort(rng.permutation(len(case.synthetic))[:COMPARED]))
            tests = case.nonmembers.take(np.sort(rng.permutation(np.flatnonzero(tested))[:COMPARED]))
            count = int(np.clip(min(len(asked), len(tests)) // (5 * FEWEST), 1, MOST_CELLS))
            centres = pool.points.take(np.sort(rng.permutation(len(pool.units))[:count]))
            cells = Cells.of(*(case.neighbours.closest(points, centres)[1][:, 0] for points in (asked, tests)))
            near = [case.neighbours.closest(points, pool.points, pool.neighbours) for points in (asked, tests)]

            def distances(labels: Mask) -> list[Floats]:
                return [first_labelled(labels, rows, lengths)[0] for lengths, rows in near]

            def closeness(labels: Mask) -> tuple[Floats, Floats]:
                return cells.placements(*distances(labels))

            self._found[case.name] = excess(pool, closeness, rng), cells.test(*distances(pool.labels))
        return self._found[case.name]


@dataclass(frozen=True)
class CellTest:
    """The published statistic.

    Attributes:
        statistic: C_T, the cells' Mann-Whitney scores weighted by their share of held-out records.
        spread: its standard deviation if synthetic and held-out records are alike.
        closer: probability that a synthetic record is the closer one.
        scores: the score of each cell.
    """

    statistic: float
    spread: float
    closer: float
    scores: Floats


@dataclass(frozen=True)
class Cells:
    """Synthetic and held-out records by cell; cells with too few of either are left out.

    Attributes:
        asked: cell of each synthetic record, shape (m,), -1 where it is left out.
        tests: cell of each held-out record, shape (n,).
        sizes: how many of each the cells hold, shape (2, cells).
    """

    asked: NDArray[np.int64]
    tests: NDArray[np.int64]
    sizes: Floats

    @classmethod
    def of(cls, asked: NDArray[np.int64], tests: NDArray[np.int64]) -> Cells:
        """Group by cell numbers; everything is one cell where no cell has enough of both."""
        count = int(max(asked.max(), tests.max())) + 1
        sizes = np.array([np.bincount(cells, minlength=count) for cells in (asked, tests)], dtype=np.float64)
        kept = (sizes >= FEWEST).all(axis=0) | (count == 1)
        if not kept.any():
            return cls.of(np.zeros_like(asked), np.zeros_like(tests))
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        return cls(number[asked], number[tests], sizes[:, kept])

    @property
    def weights(self) -> Floats:
        """Each cell's share of the held-out records, summing to one."""
        return np.asarray(self.sizes[1] / self.sizes[1].sum())

    def placements(self, asked: Floats, tests: Floats) -> tuple[Floats, Floats]:
        """For each record, how often the synthetic one wins within its cell, weighted so that the plain mean counts.

        Args:
            asked: distance to train of each synthetic record.
            tests: the same of each held-out record.

        Returns:
            From the synthetic records' side and from the held-out ones'; both have the same mean: the probability, over
            the cells' weights, that the synthetic record is the closer one, ties counting half.
        """
        of = np.concatenate([self.asked, self.tests])
        ranks = rankdata(_apart(np.concatenate([asked, tests]), of))
        own = [rankdata(_apart(*part)) for part in ((asked, self.asked), (tests, self.tests))]
        # Mid-ranks among both, less those among one's own kind, count who of the others lies below, ties half; those of
        # lower cells all do.
        below = np.split(ranks, [len(asked)])
        found = []
        for side, (cells, mine, both) in enumerate(zip((self.asked, self.tests), own, below, strict=True)):
            others = self.sizes[1 - side]
            lower = np.concatenate([[0.0], np.cumsum(others)])[:-1] + np.count_nonzero(of[self._side(1 - side)] < 0)
            share = (both - mine - lower[cells]) / others[cells]
            wins = 1 - share if side == 0 else share
            found.append(np.where(cells < 0, 0.0, wins * (self.weights / self.sizes[side])[cells] * len(cells)))
        return found[0], found[1]

    def _side(self, side: int) -> slice:
        return slice(None, len(self.asked)) if side == 0 else slice(len(self.asked), None)

    def test(self, asked: Floats, tests: Floats) -> CellTest:
        """C_T: Mann-Whitney scores of the cells (Meehan et al., section 4.2), ties allowed for in their variance."""
        cells = range(self.sizes.shape[1])
        scores = np.array([_mann_whitney(asked[self.asked == cell], tests[self.tests == cell]) for cell in cells])
        statistic, spread = float(self.weights @ scores), float(np.sqrt(self.weights @ self.weights))
        return CellTest(statistic, spread, float(self.placements(asked, tests)[0].mean()), scores)


_FARTHEST = 1e5


def _apart(distances: Floats, cells: NDArray[np.int64]) -> Floats:
    """Distances moved so that every cell lies wholly above the one before."""
    return np.asarray(np.minimum(distances, _FARTHEST) + 2 * _FARTHEST * cells)


def _mann_whitney(asked: Floats, tests: Floats) -> float:
    """The standardised rank sum; negative where the asked distances are the smaller ones.

    Example:
        >>> round(_mann_whitney(np.array([0.0, 0.1, 0.2]), np.array([1.0, 2.0, 3.0])), 2)
        -1.96
    """
    m, n = len(asked), len(tests)
    both = np.concatenate([asked, tests])
    ranks = rankdata(both)
    ties = np.unique(both, return_counts=True)[1].astype(np.float64)
    total = m + n
    variance = m * n / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    above = float(ranks[:m].sum()) - m * (m + 1) / 2 - m * n / 2
    return above / variance**0.5 if variance > 0 else 0.0


def _normal(value: float, spread: float, confidence: float) -> Interval:
    reach = normal_quantile(confidence) * spread
    return Interval(value - reach, value + reach)
