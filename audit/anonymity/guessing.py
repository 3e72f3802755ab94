"""Guessing a withheld column from the others: what counts as right, and a forest that learns to do it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from audit.neighbours import Points, Space
from audit.statistics import Floats
from generators import Column

TOLERANCE = 0.05  # a number is guessed when it is missed by no more than this share of the truth
DAY = 86_400.0  # seconds by which a date may be missed
TREES = 16
MOST_LEARNT = 10_000  # records that a forest is grown on
MOST_LEVELS = 64  # categories that a forest tells apart: each costs a number in every node of every tree
_ANOTHER = -2  # stands for all rarer categories; no record's code, so that guessing it is never right

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Secret:
    """A column to be guessed, and where points hold it.

    Attributes:
        column: the column.
        numbers: its place among the numbers, none for a category.
        codes: its place among the codes; for a number, that of its missing mark, if any cell misses it.
    """

    column: Column
    numbers: NDArray[np.int64]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, column: Column, space: Space) -> Secret:
        """The column as points in this space hold it."""
        return cls(column, *space.locate([column.name]))

    def right(self, guesses: Points, truth: Points) -> Bools:
        """Which guesses are right: the same category, a number within 5% of |truth|, a date within a day.

        Whether a number is missing must be guessed too. Ordinal numbers must be met exactly.

        Args:
            guesses: the records whose secret is the guess, shape (n,).
            truth: the attacked records, shape (n,).
        """
        same = (guesses.codes[:, self.codes] == truth.codes[:, self.codes]).all(axis=1)
        if not len(self.numbers):
            return np.asarray(same)
        absent = truth.codes[:, self.codes].any(axis=1)
        guess, true = guesses.numbers[:, self.numbers[0]], truth.numbers[:, self.numbers[0]]
        return np.asarray(same & (absent | self.close(guess, true)))

    def close(self, guess: Floats, true: Floats) -> Bools:
        """Which numbers are close enough; the tolerance is of the truth and not of the guess, whatever the sign."""
        kind = self.column.kind
        allowed = DAY if kind == "datetime" else 0.0 if kind == "ordinal" else TOLERANCE * np.abs(true)
        return np.asarray(np.abs(guess - true) <= allowed + 1e-9 * np.abs(true))

    @property
    def is_number(self) -> bool:
        """Whether the guess is a number."""
        return len(self.numbers) > 0


class Forest:
    """Learns a secret from other columns: extremely randomised trees grown to the last record.

    Such trees remember single records as a nearest neighbour does, and generalise where many records agree. Whether a
    number is missing is learnt together with the number. Of a category with very many levels the 64 commonest are told
    apart, and the others are never guessed.

    Args:
        points: records to learn from; a random 10,000 of them where there are more.
        secret: what to guess.
        known: names of the columns to guess from.
        space: where the points were placed.
        rng: source of randomness.

    Source: Geurts, Ernst and Wehenkel, "Extremely randomized trees" (Machine Learning 2006).
    """

    def __init__(
        self, points: Points, secret: Secret, known: list[str], space: Space, rng: np.random.Generator
    ) -> None:
        self._secret, self._places = secret, space.locate(known)
        learnt = points.take(rng.permutation(len(points))[:MOST_LEARNT])
        kind = ExtraTreesRegressor if secret.is_number else ExtraTreesClassifier
        self._model = kind(n_estimators=TREES, random_state=int(rng.integers(2**31)))
        self._model.fit(self._features(learnt), self._taught(learnt))

    def tried(self, truth: Points) -> tuple[Bools, Floats]:
        """Whether each record's secret is guessed, and how easily: the share of trees that are right, 0 to 1.

        The guess is what most trees vote for, or the median of their numbers.
        """
        votes = self._votes(truth)
        ease = np.asarray(np.mean([self._judged(vote, truth) for vote in votes], axis=0, dtype=np.float64))
        return self._judged(self._agreed(votes), truth), ease

    def _taught(self, points: Points) -> Floats:
        """What is learnt: a code, or a number beside whether it is missing, both with an equal say in every split."""
        if not self._secret.is_number:
            codes = points.codes[:, self._secret.codes[0]]
            levels, times = np.unique(codes, return_counts=True)
            common = levels[np.argsort(-times, kind="stable")[:MOST_LEVELS]]
            return np.where(np.isin(codes, common), codes, _ANOTHER).astype(np.float64)
        missing = points.codes[:, self._secret.codes].any(axis=1)
        taught = np.stack([points.numbers[:, self._secret.numbers[0]], missing], axis=1)
        self._scale = np.where(taught.std(axis=0) > 0, taught.std(axis=0), 1.0)
        return np.asarray(taught / self._scale)

    def _votes(self, points: Points) -> Floats:
        """What each tree says of each record, (trees, n): a code, or a number that is NaN for a missing one."""
        features = self._features(points)
        said = np.stack([tree.predict(features) for tree in self._model.estimators_])
        if not self._secret.is_number:
            return np.asarray(self._model.classes_[said.astype(np.int64)])
        number, missing = np.moveaxis(said * self._scale, -1, 0)
        return np.where(missing > 0.5, np.nan, number)

    def _agreed(self, votes: Floats) -> Floats:
        if self._secret.is_number:
            absent = np.isnan(votes).mean(axis=0) > 0.5
            return np.where(absent, np.nan, np.nanmedian(np.where(absent, 0.0, votes), axis=0))
        levels = self._model.classes_
        counts = np.stack([(votes == level).sum(axis=0) for level in levels])
        return np.asarray(levels[counts.argmax(axis=0)])

    def _judged(self, guess: Floats, truth: Points) -> Bools:
        if not self._secret.is_number:
            return np.asarray(guess == truth.codes[:, self._secret.codes[0]])
        missing = truth.codes[:, self._secret.codes].any(axis=1)
        close = self._secret.close(guess, truth.numbers[:, self._secret.numbers[0]])
        return np.where(missing, np.isnan(guess), close)

    def _features(self, points: Points) -> NDArray[np.float32]:
        numbers, codes = self._places
        return np.hstack([points.numbers[:, numbers], points.codes[:, codes]]).astype(np.float32)
