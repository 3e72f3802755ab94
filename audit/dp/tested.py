"""One assumption of a bound, held against what was seen: how surprising is it if the trainer does what it claims?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from audit.statistics import Floats


@dataclass(frozen=True)
class Tested:
    """A test of one thing that a private trainer must do.

    Attributes:
        what: What is tested, in a few words.
        claimed: What the claim says of it.
        seen: What was measured.
        p: Probability of anything as surprising from a trainer that does as it claims.
        cause: What is wrong if it fails.
    """

    what: str
    claimed: str
    seen: str
    p: float
    cause: str


def failed(tests: list[Tested], level: float) -> list[Tested]:
    """Return the tests that fail, so that a sound trainer fails any of them with at most this probability.

    Example:
        >>> fine, wrong = Tested("a", "", "", 0.01, ""), Tested("b", "", "", 1e-9, "no noise")
        >>> [one.cause for one in failed([fine, wrong], 0.001)]
        ['no noise']

    Source: Bonferroni's inequality.
    """
    return [one for one in tests if not one.p >= level / len(tests)]  # what is not a number fails, too


def two_sided(z: float) -> float:
    """Probability of a standard normal number so far from 0, on either side."""
    return float(2 * stats.norm.sf(abs(z)))


def correlation_p(r: Floats | float, n: int) -> Floats:
    """Probability of a correlation so far from 0 between n independent normal pairs with known means."""
    r = np.clip(np.asarray(r, dtype=np.float64), -1 + 1e-15, 1 - 1e-15)
    return np.asarray(2 * stats.t.sf(np.abs(r) * np.sqrt((n - 1) / (1 - r**2)), n - 1))


def first_of(smallest: float, tries: int) -> float:
    """The p-value of the smallest of so many p-values.

    Example:
        >>> first_of(1e-6, 100) < 1.1e-4
        True
    """
    return min(1.0, smallest * tries)
