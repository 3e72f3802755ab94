"""The policy: which limits estimates are held against, at which confidence, and how much work a check may do."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generators import InputError


class Limit(BaseModel):
    """A bound on one estimate, which way it bounds, and why it stands where it stands.

    One that `accuses_only` can warn and fail, and otherwise says nothing: for estimates that stand beside a main one
    and can seldom be cleared. Each of them may make but a part of one gate's error: that of an equal share among the
    check's limits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: float
    reason: str = Field(min_length=1)
    better: Literal["lower", "higher"] = "lower"
    accuses_only: bool = False


class Policy(BaseModel):
    """Everything about a verdict that is a choice and not a measurement.

    `limits` maps a check id (a pattern like ``membership.*`` is allowed) to its estimates' limits; where several
    patterns match, the last one in the file wins, so that a suite can override the defaults; `null` takes a limit away.

    Example:
        >>> default_policy().limit("membership.distance", "auc").limit
        0.55
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    confidence_shown: float = Field(gt=0.5, lt=1)
    confidence_verdict: float = Field(gt=0.5, lt=1)
    draws: int = Field(ge=200, le=20_000)
    max_scored: int = Field(ge=100)
    max_compared: int = Field(ge=100)
    max_synthetic: int = Field(ge=100)
    shadows: int = Field(ge=8, le=1024, multiple_of=2)
    near_copy_tolerance: float = Field(gt=0, lt=1)
    near_content_tolerance: float = Field(gt=0, lt=1)
    subgroups: tuple[str, ...]
    limits: dict[str, dict[str, Limit | None]]

    def limit(self, check: str, estimate: str) -> Limit | None:
        """The limit on this estimate of this check; None where nothing is demanded."""
        found = None
        for pattern, limits in self.limits.items():
            if fnmatchcase(check, pattern):
                found = limits.get(estimate, found)
        return found

    def override(self, changes: dict[str, Any], source: str) -> Policy:
        """A policy with some values replaced; a change that makes no sense is an `InputError` naming its key."""
        merged = self.model_dump()
        for key, value in changes.items():
            if key == "limits" and isinstance(value, dict):
                for pattern, limits in value.items():
                    if not isinstance(limits, dict):
                        raise InputError(f"{source}: policy.limits.{pattern} must map estimates to limits")
                    # Put last, so that it wins over every earlier pattern that matches the same check.
                    merged["limits"][pattern] = {**merged["limits"].pop(pattern, {}), **limits}
            else:
                merged[key] = value
        try:
            return Policy.model_validate(merged)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{source}: policy.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@cache
def default_policy() -> Policy:
    """The policy that ships with genassay (`audit/checks/policy.yaml`)."""
    text = Path(__file__).with_name("policy.yaml").read_text(encoding="utf-8")
    return Policy.model_validate(yaml.safe_load(text))
