"""The subject of an audit: a target, the real data it was made from, and what checks share while they probe it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from audit.checks.cases import Cases, Part
from audit.checks.policy import Policy
from audit.neighbours import Neighbours, Points, Space
from audit.targets import Target
from generators import Dataset


@dataclass(frozen=True)
class Subject:
    """Everything a check may look at.

    Attributes:
        target: what is probed.
        dataset: the real data, split into train, holdout and reference.
        policy: limits and amounts of work.
        seed: source of every random choice of the audit.
        command: the command that would run this audit again, without the choice of checks.
    """

    target: Target
    dataset: Dataset
    policy: Policy
    seed: int
    command: str = ""

    @property
    def synthetic(self) -> pd.DataFrame:
        """The published records."""
        return self.target.records

    @cached_property
    def neighbours(self) -> Neighbours:
        """Nearest-neighbour searches, shared by all checks."""
        data = self.dataset
        return Neighbours(Space(data.schema, [self.synthetic, data.reference], [data.train, data.holdout]))

    @cached_property
    def part(self) -> dict[str, Part]:
        """The real parts as points with their persons."""
        return {
            name: Part(self.neighbours.space.place(self.dataset.parts[name]), self.dataset.units(name))
            for name in ("train", "holdout", "reference")
        }

    @cached_property
    def scored(self) -> Cases:
        """Cases for attacks that score every record against every published one."""
        return self._cases(self.policy.max_scored)

    @cached_property
    def compared(self) -> Cases:
        """Cases for attacks that look for copies, which is cheap enough for many more records."""
        return self._cases(self.policy.max_compared)

    def reproduce(self, check: str) -> str:
        """The command that runs this one check again."""
        return f"{self.command} --checks {check}" if self.command else ""

    @cached_property
    def _published(self) -> Points:
        return self.neighbours.space.place(self.synthetic)

    def _cases(self, most: int) -> Cases:
        return Cases(
            self.neighbours,
            self._published,
            self.part["train"],
            self.part["holdout"],
            self.part["reference"],
            most=most,
            most_synthetic=self.policy.max_synthetic,
            draws=self.policy.draws,
            seed=self.seed,
        )
