"""What private training may spend."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Literal

from generators.errors import InputError

_SMALLEST_DELTA = 1e-10
"""Below, rounding in the accountant's sums of many tiny probabilities is no longer small beside delta."""

_LARGEST_DELTA = 0.1
"""With more, whatever the epsilon, publishing one in ten records as they are would satisfy the budget."""

Unit = Literal["auto", "record", "person"]


@dataclass(frozen=True)
class PrivacyBudget:
    """An (epsilon, delta) differential-privacy budget.

    Attributes:
        epsilon: Bound on how much any one unit may change the probability of any outcome (as a log ratio); positive.
        delta: Probability with which the bound may fail, in [1e-10, 0.1] and well below 1 / units; `auto` for the
            smaller of 1e-5 and a tenth of 1 / units, rounded down to one digit.
        unit: Whose presence is hidden: that of a `record`, or of a `person` with all their records. `auto` is the
            person where a unit column names people, else the record.
        relation: Which data sets are neighbours: those that differ by one added or removed unit.
        n_public: Whether the number of units is public. If it is not, a noisy number is paid for and takes its place.
        preprocessing: Share of the budget, in [0, 0.5], for what must be known before training: domains that are not
            declared public, and how often values occur. With 0 nothing of the kind is looked at, and an undeclared
            domain is an error. (The share is of the squared noise-to-signal ratio, in which costs nearly add up.)
        deterministic_noise_for_tests: Seed for noise and sampling, for tests only. A run with it gives NO privacy,
            and its ledger says so.

    Raises:
        InputError: A value is outside its range.

    Example:
        >>> PrivacyBudget(epsilon=3).resolved(units=500).delta
        1e-05
    """

    epsilon: float
    delta: float | Literal["auto"] = "auto"
    unit: Unit = "auto"
    relation: Literal["add-or-remove-one"] = "add-or-remove-one"
    n_public: bool = True
    preprocessing: float = 0.0
    deterministic_noise_for_tests: int | None = None

    def __post_init__(self) -> None:
        """Refuse budgets that promise nothing or that no mechanism here can keep."""
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise InputError(f"epsilon is {self.epsilon}, expected a positive finite number")
        if self.delta != "auto" and not (
            isinstance(self.delta, int | float) and _SMALLEST_DELTA <= self.delta <= _LARGEST_DELTA
        ):
            raise InputError(
                f"delta is {self.delta}, expected a number in [{_SMALLEST_DELTA}, {_LARGEST_DELTA}] and well below "
                "1/records, such as 1e-5, or auto: it is the chance that the promise fails outright"
            )
        if self.unit not in ("auto", "record", "person"):
            raise InputError(f"privacy unit '{self.unit}' is not available; choose record, person or auto")
        if self.relation != "add-or-remove-one":
            raise InputError(f"neighbouring relation '{self.relation}' is not available; only 'add-or-remove-one' is")
        if not 0 <= self.preprocessing <= 0.5:
            raise InputError(f"preprocessing is {self.preprocessing}, expected a share of the budget from 0 to 0.5")

    @property
    def known_delta(self) -> float:
        """The delta; `auto` must have been resolved."""
        if self.delta == "auto":
            raise InputError("delta is auto, which needs the number of units: call resolved(units)")
        return float(self.delta)

    def resolved(self, units: float) -> PrivacyBudget:
        """Return the budget with a number for delta, and warn if it is large.

        Args:
            units: Public (or noisy) number of records or people.
        """
        if self.delta == "auto":
            tenth = 0.1 / max(units, 1.0)
            digit = 10.0 ** math.floor(math.log10(tenth))
            return replace(self, delta=min(1e-5, float(f"{math.floor(tenth / digit + 1e-9) * digit:.0e}")))
        if self.delta >= 1 / units:
            warnings.warn(
                f"delta {self.delta:g} is not below 1/{units:.0f} {self.unit if self.unit != 'auto' else 'unit'}s: it "
                "would allow revealing one outright",
                stacklevel=3,
            )
        return self
