"""What a private training run may spend."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Literal

from generators.errors import InputError

_LARGEST_DELTA = 0.1
"""With more, whatever the epsilon, publishing one in ten records as they are would satisfy the budget."""


@dataclass(frozen=True)
class PrivacyBudget:
    """An (epsilon, delta) differential-privacy budget for one training run.

    Attributes:
        epsilon: Bound on how much any one record may change the probability of any outcome (as a log ratio); positive.
        delta: Probability with which the bound may fail, in (0, 0.1]; it should be well below 1 / records.
        unit: Whose presence is hidden. Only `record` is implemented: with a unit column, each person must have one
            record.
        relation: Which data sets are neighbours: those that differ by one added or removed record.
        n_public: Whether the number of training records is public. It has to be: sampling rate and denominator use it.
        deterministic_noise_for_tests: Seed for noise and sampling, for tests only. A run with it gives NO privacy,
            and its ledger says so.

    Raises:
        InputError: A value is outside its range.

    Example:
        >>> PrivacyBudget(epsilon=3, delta=1e-5).epsilon
        3
    """

    epsilon: float
    delta: float
    unit: Literal["record"] = "record"
    relation: Literal["add-or-remove-one"] = "add-or-remove-one"
    n_public: bool = True
    deterministic_noise_for_tests: int | None = None

    def __post_init__(self) -> None:
        """Refuse budgets that promise nothing or that no mechanism here can keep."""
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise InputError(f"epsilon is {self.epsilon}, expected a positive finite number")
        if not 0 < self.delta <= _LARGEST_DELTA:
            raise InputError(
                f"delta is {self.delta}, expected a number in (0, {_LARGEST_DELTA}] and well below 1/records, such as "
                "1e-5: it is the chance that the promise fails outright"
            )
        if self.unit != "record":
            raise InputError(f"privacy unit '{self.unit}' is not available; only 'record' is")
        if self.relation != "add-or-remove-one":
            raise InputError(f"neighbouring relation '{self.relation}' is not available; only 'add-or-remove-one' is")
        if not self.n_public:
            raise InputError("n_public=False is not available: the sampling rate uses the number of records as public")

    def warn_if_weak(self, records: int) -> None:
        """Warn when delta is so large that publishing a random record outright would satisfy the budget."""
        if self.delta >= 1 / records:
            warnings.warn(
                f"delta {self.delta:g} is not below 1/{records} records: it would allow revealing one outright",
                stacklevel=3,
            )
