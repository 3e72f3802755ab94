"""Texts read off: is what a training text says found again more often than what other texts say?

What counts as found differs from attack to attack: a passage word for word, an e-mail address, a sentence that the
model finishes as its author did. How it is counted does not, and stands here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Attack, Case, Cases, Measured, NotApplicableError, Subject
from audit.checks.small_cells import hits_figure, share_in_words
from audit.statistics import Interval, Strata
from generators.datasets.payload import payload_column
from reports import Figure

MOST_COMMON = 3
"""Texts that share a part with so many others, or more, are one stratum."""

FEWEST = 30
"""Texts of either kind that an attack must be able to ask about."""


@dataclass(frozen=True)
class Found:
    """What became of texts.

    Attributes:
        asked: which can be asked about at all, shape (texts,).
        hit: which of them were found, shape (texts,).
        common: in how many others of the texts the most common part of each stands, shape (texts,): what many write,
            chance finds more often.
    """

    asked: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    common: NDArray[np.int64]

    def part(self, rows: slice) -> Found:
        """What became of some of the texts."""
        return Found(self.asked[rows], self.hit[rows], self.common[rows])


Keys = list[set[tuple[str, ...]]]
"""For each text what it could be recognised by: passages, addresses, names."""


def recognised(keys: Keys, said: set[tuple[str, ...]], known: set[tuple[str, ...]]) -> Found:
    """Which texts have something that was said and that nobody is known to share?

    Args:
        keys: by text, what it could be recognised by; a text without any is not asked about.
        said: what stands in the published texts.
        known: what stands in the reference: what everybody writes is nobody's.

    Example:
        >>> found = recognised([{("ann",)}, {("bob",)}, set()], said={("ann",)}, known=set())
        >>> found.asked.tolist(), found.hit.tolist()
        ([True, True, False], [True, False, False])
    """
    own = [mine - known for mine in keys]
    counts = Counter(key for mine in own for key in mine)
    return Found(
        np.array([bool(mine) for mine in own], dtype=bool),
        np.array([not mine.isdisjoint(said) for mine in own], dtype=bool),
        np.array([max((counts[key] - 1 for key in mine), default=0) for mine in own], dtype=np.int64),
    )


class ReadOff(Attack):
    """An attack that says of each text whether it was found again; a leaf writes `found` and names its `estimate`.

    The same is counted for texts that were never trained on, within strata of how many other texts share a part of a
    text, whoever they are. With p0 the chance that one of these is found, a training text is found with probability
    p0 + f (1 - p0), and the estimate is f, between -1 and 1: the share found beyond chance. Its interval is a score
    interval, whose lower end an exact permutation test confirms (`statistics.stratified`).
    """

    modalities: ClassVar[tuple[str, ...]] = ("text",)
    estimate: ClassVar[str]
    reads_published: ClassVar[bool] = True
    """Whether it is published texts that are read; of fewer published ones, each has to give away more."""

    what: ClassVar[str]
    """What happens to a text that is found, for the reader: "repeated word for word"."""

    remedy: ClassVar[str] = (
        "Remove repeated texts before training, replace names, numbers and addresses, stop earlier, use a smaller "
        "model, or train under differential privacy."
    )

    def __init__(self) -> None:
        self._found: dict[str, tuple[Found, Found]] = {}

    @abstractmethod
    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Which of these texts the attack finds again; they come in one list, and nothing says who was trained on."""

    def cases(self, subject: Subject) -> Cases:
        """Looking for texts is cheap, so many more are compared than attacks with scores could take."""
        return subject.compared

    @final
    def leak(self, estimate: str, size: float, target: Case) -> float:  # noqa: ARG002
        """The excess is the share itself, counted per synthetic text where those are fewer."""
        return size * (target.published_per_member if self.reads_published else 1.0)

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """The share found beyond chance; several cases are counted as strata of one comparison."""
        counted = Strata.together([self._strata(case, subject) for case in cases])
        published = self.cases(subject).main.published_per_member if self.reads_published else 1.0
        return [
            Measured(
                name=self.estimate,
                value=counted.excess(),
                n=int(min(counted.members.sum(), counted.nonmembers.sum())),
                unit="share of training texts" if published == 1 else "per synthetic text",
                interval=partial(_interval, counted),
                chance=0.0,
                bounds=(-1.0, 1.0),
            ).scaled(1 / published)
        ]

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many texts were found, in words."""
        mine, others = (in_words(one) for one in self.looked(self.cases(subject).main, subject))
        return (
            f"{mine} of the training texts asked about are {self.what}, against {others} of texts that were never "
            f"trained on; {measured[0].value:.2%} beyond chance."
        )

    def figures(self, subject: Subject) -> list[Figure]:
        """How often training texts are found, and others."""
        looked = zip(("training texts", "other texts"), self.looked(self.cases(subject).main, subject), strict=True)
        return [
            hits_figure(
                f"Texts that are {self.what}",
                "The difference counts, not the height: what many people write is found by chance.",
                [(name, int(one.hit.sum()), int(one.asked.sum())) for name, one in looked],
                "share of texts",
                subject.policy.confidence_shown,
            )
        ]

    @final
    def looked(self, case: Case, subject: Subject) -> tuple[Found, Found]:
        """What was found of the case's members and non-members.

        Raises:
            NotApplicableError: Too few texts can be asked about.
        """
        if case.name not in self._found:
            column = payload_column(subject.dataset.schema).name
            parts = [frame[column].tolist() for frame in (case.frames.members, case.frames.nonmembers)]
            everyone = self.found(parts[0] + parts[1], case, subject)
            members, others = everyone.part(slice(len(parts[0]))), everyone.part(slice(len(parts[0]), None))
            fewest = min(int(members.asked.sum()), int(others.asked.sum()))
            if fewest < FEWEST:
                raise NotApplicableError(f"needs {FEWEST} texts of either kind that it could find, and has {fewest}")
            self._found[case.name] = members, others
        return self._found[case.name]

    def _strata(self, case: Case, subject: Subject) -> Strata:
        members, others = self.looked(case, subject)
        asked = np.concatenate([members.asked, others.asked])
        units = np.concatenate([case.member_units, case.member_units.max(initial=0) + 1 + case.nonmember_units])
        return Strata.count(
            np.concatenate([members.hit, others.hit])[asked],
            (np.arange(len(asked)) < len(members.asked))[asked],
            np.minimum(np.concatenate([members.common, others.common]), MOST_COMMON)[asked],
            units[asked] if subject.dataset.schema.unit is not None else None,
        )


def texts_of(frame: pd.DataFrame, subject: Subject) -> list[str]:
    """The texts of a frame."""
    texts: list[str] = frame[payload_column(subject.dataset.schema).name].tolist()
    return texts


def in_words(found: Found) -> str:
    """A share in words that does not single out a handful."""
    return share_in_words(int(found.hit.sum()), int(found.asked.sum()))


def _interval(strata: Strata, confidence: float) -> Interval:
    return strata.interval(confidence)
