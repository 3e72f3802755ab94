"""Zero-concentrated differential privacy: what noisy tables and private choices cost together (Bun and Steinke 2016).

Costs add up: mechanisms that satisfy rho_1-zCDP, rho_2-zCDP, ... satisfy (rho_1 + rho_2 + ...)-zCDP together, also when
each is picked in the light of the answers before it. One conversion at the end gives epsilon and delta.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from generators.errors import InputError
from generators.privacy.accountant import composed_epsilon
from generators.privacy.budget import PrivacyBudget
from generators.privacy.events import Event

Floats = npt.NDArray[np.float64]


def zcdp_rho(budget: PrivacyBudget, before: Sequence[Event] = ()) -> float:
    """Return the rho that spends what a budget has left: never more, and very nearly all of it.

    Args:
        budget: What may be spent.
        before: What it has paid for already.
    """

    def spent(rho: float) -> float:
        return composed_epsilon([*before, Event("select-measure", rho=rho)], budget.known_delta)

    low, high = 0.0, max(1.0, budget.epsilon)
    while spent(high) <= budget.epsilon:
        low, high = high, 2 * high
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) <= budget.epsilon else (low, middle)
    if low == 0:
        raise InputError(f"nothing of epsilon {budget.epsilon:g} is left for the tables")
    return low


class Counter:
    """Answers questions about tables of counts of private records, and spends a zCDP budget on the answers.

    Formal guarantee: all answers together satisfy rho-zCDP for neighbours that differ by one added or removed record.
    It rests on two facts. One record changes one cell of a table of counts by 1, so normal noise of deviation
    sqrt(1 / (2 rho')) on every cell is rho'-zCDP. And it changes a score whose sensitivity is 1 by at most 1, so
    choosing with probability proportional to exp(e / 2 * score), e = sqrt(8 rho'), is rho'-zCDP: the exponential
    mechanism is e^2 / 8-zCDP (Cesar and Rogers 2021).

    Args:
        codes: Categories of each record, shape (records, columns), none negative.
        sizes: Number of categories of each column.
        rho: What may be spent; infinity answers exactly. Kept as an attribute.
        test_seed: Replays the noise, for tests only; such answers are not private.

    Example:
        >>> counter = Counter(np.array([[0, 1], [1, 1]]), (2, 2), rho=math.inf)
        >>> counter.measure((0,), rho=math.inf)[0].tolist()
        [1.0, 1.0]
    """

    def __init__(
        self, codes: npt.NDArray[np.int64], sizes: tuple[int, ...], rho: float, *, test_seed: int | None = None
    ) -> None:
        self._codes = codes
        self._sizes = sizes
        self.rho = rho
        self._left = rho
        self._slack = 1e-9 * rho
        seed = int.from_bytes(os.urandom(32), "little") if test_seed is None else test_seed
        self._rng = np.random.default_rng(seed)

    def measure(self, columns: tuple[int, ...], rho: float) -> tuple[Floats, float]:
        """Return how many records have each combination of categories, and the deviation of the noise on it."""
        self._spend(rho)
        deviation = math.sqrt(1 / (2 * rho))
        exact = self._count(columns)
        return exact + self._rng.normal(0, deviation, exact.shape), deviation

    def distance(self, columns: tuple[int, ...], expected: Floats) -> float:
        """Return the L1 distance of a table from an expected one: private, for `choose` alone; its sensitivity is 1."""
        return float(np.abs(self._count(columns) - expected).sum())

    def choose(self, scores: list[float], rho: float) -> int:
        """Return the place of a high score; each changes by at most 1 with one record."""
        self._spend(rho)
        if math.isinf(rho):
            return int(np.argmax(scores))
        # The largest of logits plus Gumbel noise is a draw from their softmax.
        logits = math.sqrt(8 * rho) / 2 * np.array(scores)
        return int(np.argmax(logits + self._rng.gumbel(size=len(scores))))

    def _count(self, columns: tuple[int, ...]) -> Floats:
        shape = tuple(self._sizes[column] for column in columns)
        cells = np.ravel_multi_index(tuple(self._codes[:, column] for column in columns), shape)
        return np.bincount(cells, minlength=math.prod(shape)).reshape(shape).astype(np.float64)

    def _spend(self, rho: float) -> None:
        if math.isinf(self._left):
            return
        self._left -= rho
        if self._left < -self._slack:
            raise RuntimeError("more than the privacy budget would be spent; nothing was answered")
