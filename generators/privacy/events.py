"""What an accountant needs to know of a private use of data, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from generators.errors import InputError

Mechanism = Literal["gaussian", "laplace", "exponential", "dp-sgd", "select-measure"]
"""Named as in the ledger: normal or Laplace noise on an answer; a choice by the exponential mechanism; DP-SGD, normal
noise on Poisson samples; and tables chosen and measured, known by their zCDP cost alone."""


@dataclass(frozen=True)
class Event:
    """A mechanism with fixed parameters, applied a fixed number of times; neighbours differ by one privacy unit.

    Attributes:
        mechanism: See `Mechanism`.
        noise_multiplier: Deviation (normal) or scale (Laplace) of the noise over the sensitivity: L2 for normal noise,
            L1 for Laplace noise. Positive; not for the others.
        sampling_rate: Probability with which each unit takes part in each application, independently; of `dp-sgd`.
        times: How often it is applied.
        pure: Epsilon of each application of the exponential mechanism.
        rho: zCDP cost of each application of `select-measure`.
        failure: Probability with which it fails outright, such as a rare value that passes a threshold; in [0, 1).

    Example:
        >>> Event("gaussian", noise_multiplier=4.0, times=3).times
        3
    """

    mechanism: Mechanism
    noise_multiplier: float | None = None
    sampling_rate: float = 1.0
    times: int = 1
    pure: float | None = None
    rho: float | None = None
    failure: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no accountant can read."""
        needed = {"exponential": self.pure, "select-measure": self.rho}.get(self.mechanism, self.noise_multiplier)
        if needed is None or not 0 < needed < math.inf:
            raise InputError(f"{self.mechanism}: its strength is {needed}, expected a positive finite number")
        if not 0 < self.sampling_rate <= 1 or self.times < 1 or not 0 <= self.failure < 1:
            raise InputError(
                f"{self.mechanism}: need 0 < sampling_rate <= 1, times >= 1 and 0 <= failure < 1, got "
                f"{self.sampling_rate}, {self.times} and {self.failure}"
            )
        if self.sampling_rate < 1 and self.mechanism != "dp-sgd":
            raise InputError(f"{self.mechanism}: only dp-sgd is accounted with a sampling rate")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that say something, without the mechanism."""
        plain = {key: value for key, value in asdict(self).items() if value is not None and key != "mechanism"}
        if self.mechanism != "dp-sgd":
            del plain["sampling_rate"]
        return plain if self.failure else {key: value for key, value in plain.items() if key != "failure"}

    @classmethod
    def from_dict(cls, mechanism: Mechanism, data: Mapping[str, Any]) -> Self:
        """Build an event from `to_dict` data, which may hold more."""
        names = cls.__dataclass_fields__.keys() - {"mechanism"}
        return cls(mechanism, **{key: value for key, value in data.items() if key in names})
