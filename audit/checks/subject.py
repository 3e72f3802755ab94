"""The subject of an audit: a target, the real data it was made from, and what checks share while they probe it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from audit.checks.cases import Behind, Case, Cases, ModelOf, Part
from audit.checks.policy import Policy
from audit.checks.retrained import model_behind
from audit.neighbours import Neighbours
from audit.spaces import ContentSpace, Space
from audit.targets import Target
from generators import Dataset, InputError, Schema

FEWEST = 30
Made = TypeVar("Made")


@dataclass(frozen=True)
class Subject:
    """Everything a check may look at.

    Attributes:
        target: what is probed.
        dataset: the real data, split into train, holdout and reference.
        policy: limits and amounts of work.
        seed: source of every random choice of the audit.
        again: the command that runs one check of this audit again, with `{check}` in the check's place.
        asked: ids of the checks that were asked for by name, costly ones among them; empty for a default audit.
        secret: the column that an attacker wants to learn; None lets the check choose.
        known: the columns that the attacker knows of a person; none given means all but the secret.
        keep: folder where shadow models are kept, so that an audit that was interrupted goes on with them.
    """

    target: Target
    dataset: Dataset
    policy: Policy
    seed: int
    again: str = ""
    asked: tuple[str, ...] = ()
    secret: str | None = None
    known: tuple[str, ...] = ()
    keep: Path | None = None
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a secret or known columns that make no sense."""
        require_columns(self.dataset.schema, self.secret, self.known)

    @property
    def synthetic(self) -> pd.DataFrame:
        """The published records."""
        return self.target.records

    @cached_property
    def too_few(self) -> str | None:
        """Why these data cannot decide anything, or None."""
        for name in ("train", "holdout", "reference"):
            people = len(np.unique(self.dataset.units(name)))
            if people < FEWEST:
                return (
                    f"{name} holds {people} people: intervals resample people and need at least {FEWEST} in each part"
                )
        return None

    @cached_property
    def neighbours(self) -> Neighbours:
        """Nearest-neighbour searches, shared by all checks."""
        data = self.dataset
        kind = Space if data.modality == "tabular" else ContentSpace
        return Neighbours(kind(data.schema, self.synthetic, data.reference, [data.train, data.holdout]))

    @cached_property
    def part(self) -> dict[str, Part]:
        """The real parts as points with their persons."""
        return {
            name: Part(
                self.neighbours.space.place(self.dataset.parts[name]),
                self.dataset.units(name),
                self.dataset.parts[name],
            )
            for name in ("train", "holdout", "reference")
        }

    @cached_property
    def scored(self) -> Cases:
        """Cases for attacks that score every record against every published one."""
        return self._cases(self.policy.max_scored, self.policy.max_synthetic)

    @cached_property
    def compared(self) -> Cases:
        """Cases for attacks that look for copies: cheap enough for more records, and for all published ones."""
        return self._cases(self.policy.max_compared, None)

    @cached_property
    def whole(self) -> Cases:
        """Cases for attacks that must look at every record at once."""
        return self._cases(max(len(part.units) for part in self.part.values()), None)

    @cached_property
    def retrained(self) -> Cases:
        """Cases with a model behind each, for attacks that ask the model: those of controls are trained like it."""
        return self._cases(self.policy.max_scored, self.policy.max_synthetic, self._retraining)

    def shared(self, make: Callable[[Subject], Made], *name: Hashable) -> Made:
        """What `make` builds of this subject: built once, however many checks ask for it.

        It is remembered by its name, such as a check and a case; without one, by the function that builds it.
        """
        key = name or (make,)
        if key not in self._made:
            self._made[key] = make(self)
        made: Made = self._made[key]
        return made

    def found(self, *name: Hashable) -> Any | None:
        """What was built under this name; None if nobody has asked for it."""
        return self._made.get(name)

    def reproduce(self, check: str) -> str:
        """The command that runs this one check again."""
        return self.again.replace("{check}", check)

    def _retraining(self, case: Case) -> Behind:
        return model_behind(case, self.target, self.dataset, self.seed)

    @cached_property
    def _published(self) -> Part:
        return Part(self.neighbours.space.place(self.synthetic), np.arange(len(self.synthetic)), self.synthetic)

    def _cases(self, most: int, most_synthetic: int | None, model_of: ModelOf | None = None) -> Cases:
        return Cases(
            self.neighbours,
            self._published,
            self.part["train"],
            self.part["holdout"],
            self.part["reference"],
            most=most,
            most_synthetic=most_synthetic,
            draws=self.policy.draws,
            seed=self.seed,
            model_of=model_of,
        )


def require_columns(schema: Schema, secret: str | None, known: Sequence[str] = ()) -> None:
    """Stop where the secret or a known column is not in the data, says nothing, or is both."""
    columns = {column.name: column for column in schema.columns}
    for role, name in [("secret", secret), *(("known column", name) for name in known)]:
        if name is None:
            continue
        if name not in columns:
            raise InputError(f"{role} {name!r}: no such column; there are {', '.join(columns)}")
        if columns[name].constant:
            raise InputError(f"{role} {name!r}: every record has the same value, so there is nothing to infer")
        if name == schema.unit or columns[name].kind == "identifier":
            raise InputError(f"{role} {name!r}: names a record or a person and says nothing about them; choose another")
    if secret is not None and secret in known:
        raise InputError(f"secret {secret!r}: stands among the known columns too; take it out of them")
    if len(set(known)) != len(known):
        raise InputError("known columns: one is named twice")
