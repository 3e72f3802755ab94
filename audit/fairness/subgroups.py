"""Who the subgroups are, and the base of every check that compares them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from audit.checks import EVERY_MODALITY, Evaluation, Measured, NotApplicableError, Sample, Subject
from audit.checks.small_cells import SMALLEST_CELL
from audit.statistics import Interval
from generators import InputError
from reports import Figure, Table

FEWEST = 30
"""People that a subgroup needs in every part of the real data; smaller ones are suppressed."""

MOST_LEVELS = 12
MOST_GROUPS = 40


@dataclass(frozen=True)
class Group:
    """A subgroup: the records that have one level of one column.

    Attributes:
        column: the column.
        level: its level; None for records where it is missing.
    """

    column: str
    level: object

    @property
    def label(self) -> str:
        """What it is called."""
        shown = "missing" if self.level is None else f"{self.level:g}" if isinstance(self.level, float) else self.level
        return f"{self.column} = {shown}"

    def of(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which records of a frame belong to it."""
        cells = frame[self.column]
        return np.asarray(cells.isna() if self.level is None else cells == self.level, dtype=bool)


@dataclass(frozen=True)
class Share:
    """What was measured in one subgroup.

    Attributes:
        label: the subgroup.
        people: real people behind it.
        value: what was measured.
        error: its standard error, above 0.
        interval: gives the interval at a confidence.
    """

    label: str
    people: int
    value: float
    error: float
    interval: Callable[[float], Interval]


class Subgrouped(Evaluation):
    """A measurement by subgroup, with the worst one and how far it lies behind.

    Subgroups are the levels of the columns that the policy names, or else of all columns with at most twelve levels;
    those of fewer than 30 people in any part of the real data are suppressed. A subgroup stands out where a one-sided
    test against what is expected rejects after Holm's correction for the number of subgroups. The interval of the worst
    one is widened by Bonferroni, for it was picked.

    Source: Holm, "A simple sequentially rejective multiple test procedure" (Scandinavian Journal of Statistics 1979).
    """

    modalities = EVERY_MODALITY
    quantity: ClassVar[str]
    better: ClassVar[str] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    expected: ClassVar[float | None] = None

    def __init__(self) -> None:
        self._found: dict[str, tuple[list[Share], Share]] = {}

    @abstractmethod
    def by_group(
        self, sample: Sample, subject: Subject, groups: Sequence[Group], rng: np.random.Generator
    ) -> tuple[list[Share], Share]:
        """What is measured in each subgroup that has enough records, and in all of them together."""

    def unfit(self, subject: Subject) -> str | None:
        """There must be subgroups."""
        return None if subject.shared(subgroups)[0] else f"no column has subgroups of at least {FEWEST} people"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """The worst subgroup, and everybody."""
        shares, everybody = self.by_group(sample, subject, subject.shared(subgroups)[0], rng)
        if not shares:
            raise NotApplicableError(f"no subgroup has {FEWEST} people among the records that were compared")
        self._found[sample.case] = shares, everybody
        worst = shares[int(np.argmax(self._behind(shares, everybody)))]
        return [
            self._measured(f"worst_{self.measures[0].removeprefix('worst_')}", worst, len(shares)),
            self._measured(self.measures[1], everybody, 1),
        ]

    def alarm(self, case: str, measured: list[Measured], subject: Subject) -> bool | None:  # noqa: ARG002
        """Whether any subgroup stands out, at the confidence of verdicts."""
        shares, everybody = self._found[case]
        return bool((holm(self._p_values(shares, everybody)) <= 1 - subject.policy.confidence_verdict).any())

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """Who stands out, in words."""
        shares, everybody = self._found["synthetic"]
        adjusted = holm(self._p_values(shares, everybody))
        level = 1 - subject.policy.confidence_verdict
        out = [share.label for share, p in zip(shares, adjusted, strict=True) if p <= level]
        worst = shares[int(np.argmax(self._behind(shares, everybody)))]
        found = f"{', '.join(out[:3])} {'stands' if len(out) == 1 else 'stand'} out" if out else "none stands out"
        suppressed = subject.shared(subgroups)[1]
        quantity = self.quantity[0].upper() + self.quantity[1:]
        return (
            f"Of {len(shares)} subgroups {found}. {quantity} is {measured[0].value:.3f} for {worst.label} and "
            f"{measured[1].value:.3f} for everybody; among fresh real records the worst subgroup has "
            f"{floor[0].value:.3f}." + (f" {suppressed} smaller subgroups are suppressed." if suppressed else "")
        )

    def tables(self, subject: Subject) -> list[Table]:
        """Every subgroup with its interval and its corrected p-value, the worst first."""
        shares, everybody = self._found["synthetic"]
        floor = {share.label: share.value for share in self._found["real"][0]}
        adjusted = holm(self._p_values(shares, everybody))
        rows: list[list[str | int | float | None]] = []
        for place in np.argsort(-self._behind(shares, everybody)):
            share, real = shares[place], floor.get(shares[place].label)
            low, high = share.interval(subject.policy.confidence_shown)
            rows.append(
                [
                    share.label,
                    SMALLEST_CELL * round(share.people / SMALLEST_CELL),
                    f"{share.value:.3f} ({low:.3f} to {high:.3f})",
                    None if real is None else f"{real:.3f}",
                    float(f"{adjusted[place]:.2g}"),
                ]
            )
        return [
            Table(
                title=f"{self.title}, by subgroup",
                description="The floor is what fresh real records show; p-values are Holm's, corrected for all rows.",
                columns=["subgroup", "real people, in fives", f"{self.quantity} (95% interval)", "floor", "p"],
                rows=rows,
            )
        ]

    def figures(self, subject: Subject, rng: np.random.Generator) -> list[Figure]:  # noqa: ARG002
        """The subgroups as bars, beside everybody."""
        shares, everybody = self._found["synthetic"]
        order = np.argsort(-self._behind(shares, everybody))[:20]
        ends = [shares[place].interval(subject.policy.confidence_shown) for place in order]
        return [
            Figure(
                kind="subgroups",
                title=f"{self.title}, by subgroup",
                description="The worst first; a subgroup stands out only where the table's corrected p-value says so.",
                data={
                    "groups": [shares[place].label for place in order],
                    "sizes": [shares[place].people for place in order],
                    "values": [shares[place].value for place in order],
                    "low": [min(end.low, shares[place].value) for end, place in zip(ends, order, strict=True)],
                    "high": [max(end.high, shares[place].value) for end, place in zip(ends, order, strict=True)],
                    "overall": everybody.value,
                    "unit": self.quantity,
                },
            )
        ]

    def _behind(self, shares: list[Share], everybody: Share) -> NDArray[np.float64]:
        """How many standard errors each subgroup lies behind what is expected."""
        expected, error = (everybody.value, everybody.error) if self.expected is None else (self.expected, 0.0)
        sign = 1 if self.better == "lower" else -1
        return np.array([sign * (share.value - expected) / np.hypot(share.error, error) for share in shares])

    def _p_values(self, shares: list[Share], everybody: Share) -> NDArray[np.float64]:
        return np.asarray(norm.sf(self._behind(shares, everybody)), dtype=np.float64)

    def _measured(self, name: str, share: Share, selected_from: int) -> Measured:
        return Measured(
            name=name,
            value=share.value,
            n=share.people,
            unit=self.quantity + (f", the worst of {selected_from} subgroups" if selected_from > 1 else ""),
            interval=partial(_widened, share, selected_from),
            better=self.better,
            bounds=self.bounds,
        )


def subgroups(subject: Subject) -> tuple[list[Group], int]:
    """The subgroups with enough people, the largest first where there are more than forty, and how many were too small.

    Raises:
        InputError: the policy names a column that is not in the data, or has too many levels.
    """
    schema, train = subject.dataset.schema, subject.dataset.train
    declared = subject.policy.subgroups
    for name in declared:
        if name not in schema.names:
            raise InputError(f"policy.subgroups: {name!r} is no column; there are {', '.join(schema.names)}")
    columns = declared or [
        column.name
        for column in schema.modelled
        if column.kind in ("categorical", "boolean", "ordinal") and 2 <= train[column.name].nunique() <= MOST_LEVELS
    ]
    found, suppressed = [], 0
    for name in columns:
        levels: list[object] = [*sorted(train[name].dropna().unique(), key=str)]
        levels += [None] if train[name].isna().any() else []
        for group in (Group(name, level) for level in levels):
            people = min(_people(subject, part, group) for part in ("train", "holdout", "reference"))
            if people >= FEWEST:
                found.append((people, group))
            else:
                suppressed += 1
    largest = sorted(found, key=lambda one: -one[0])[:MOST_GROUPS]
    return [group for _, group in largest], suppressed


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's corrected p-values, shape (tests,): those below a level may all be rejected at it.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _people(subject: Subject, part: str, group: Group) -> int:
    return len(np.unique(subject.dataset.units(part)[group.of(subject.dataset.parts[part])]))


def _widened(share: Share, selected_from: int, confidence: float) -> Interval:
    return share.interval(1 - (1 - confidence) / selected_from)
