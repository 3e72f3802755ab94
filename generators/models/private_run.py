"""A run under a budget, as its checkpoints describe it: what was charged, and what was learnt before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.datasets import Dataset, Schema
from generators.errors import InputError
from generators.privacy import Ledger, PrivacyBudget, PrivatePlan
from generators.privacy.budget import Unit
from generators.training import Checkpoints


@dataclass(frozen=True)
class PrivateRun:
    """What a resumed run needs to know of its first part.

    Attributes:
        identity: Kind, hyper-parameters and budget: a resumed run must have the same.
        ledger: What was charged, for the whole run.
        schema: With the domains that were paid for.
        plan: Steps and noise.
    """

    identity: Mapping[str, Any]
    ledger: Ledger
    schema: Schema
    plan: PrivatePlan

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "identity": dict(self.identity),
            "ledger": self.ledger.to_list(),
            "schema": self.schema.to_dict(),
            "plan": asdict(self.plan),
        }

    @classmethod
    def read(cls, checkpoints: Checkpoints, identity: Mapping[str, Any]) -> PrivateRun:
        """Read what a checkpoint says of its run.

        Raises:
            InputError: The file is damaged, or of another run.
        """
        _, facts = checkpoints.load()
        if "plan" not in facts:
            raise InputError(f"{checkpoints.path}: is of a run without a budget; resume it without one")
        for name, value in identity.items():
            if facts.get("identity", {}).get(name) != value:
                raise InputError(f"{checkpoints.path}: is of another run: not the same {name}")
        return cls.from_dict(facts, source=str(checkpoints.path))

    @property
    def budget(self) -> PrivacyBudget:
        """The budget as asked for."""
        return PrivacyBudget(**self.identity["budget"])

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any], *, source: str) -> PrivateRun:
        """Build a run from `to_dict` data."""
        return cls(
            facts["identity"],
            Ledger.from_list(facts["ledger"], source=source),
            Schema.from_dict(facts["schema"], source=source, saved=True),
            PrivatePlan(**facts["plan"]),
        )

    def units(self, counted: float, *, public: bool) -> float:
        """Return the number of records or people that the run was planned for.

        Args:
            counted: How many there are now.
            public: Whether that may be known, and so compared.

        Raises:
            InputError: There are more or fewer now.
        """
        if public and counted != self.plan.units:
            raise InputError(
                f"the run to be resumed learns from {self.plan.units:.0f} records or people, but there are "
                f"{counted:.0f} now; resume it on the same data"
            )
        return self.plan.units

    def ledger_to_go_on(self, given: Ledger | None) -> Ledger:
        """Return the ledger that the run was charged to: the caller's, if they have one that holds these entries.

        Raises:
            InputError: The caller's ledger knows nothing of this run.
        """
        if given is None:
            return self.ledger
        if self.ledger.head not in {entry.hash for entry in given}:
            raise InputError("the ledger given does not hold the charges of the run to be resumed; give its own")
        return given


def identity_of(kind: str, parameters: Mapping[str, Any], budget: PrivacyBudget) -> dict[str, Any]:
    """Return what must be the same when a run is resumed, as JSON gives it back."""
    return {"kind": kind, "parameters": dict(parameters), "budget": asdict(budget)}


def require_finite(dataset: Dataset) -> None:
    """Refuse training records with numbers that are not finite, before anything is paid for them.

    Raises:
        InputError: A column of numbers holds an infinite one. (A missing number is an ordinary value.)
    """
    for column in dataset.schema.modelled:
        if column.is_number and (wrong := np.isinf(dataset.train[column.name].to_numpy(dtype=np.float64))).any():
            row = int(wrong.argmax()) + 1
            raise InputError(
                f"column '{column.name}': row {row} holds an infinite number; correct it, or leave it empty"
            )


def units_of(dataset: Dataset, unit: Unit) -> tuple[npt.NDArray[np.int64] | None, str]:
    """Return which person each training record belongs to, None if each is its own unit; and the unit in words.

    Raises:
        InputError: People are to be protected, but no column names them, or it leaves some unnamed.
    """
    column = dataset.schema.unit
    if unit == "record" or (unit == "auto" and column is None):
        return None, "record"
    if column is None:
        raise InputError("unit is person, but no column names people; say which one does (--unit COLUMN)")
    if (gaps := int(dataset.train[column].isna().sum())) > 0:
        raise InputError(f"column '{column}': {gaps} records name no person; name them, or remove them")
    return dataset.units("train"), f"person ({column})"
