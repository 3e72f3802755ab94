"""One line of a ledger: a touch of private data, or something declared public."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from generators.privacy.events import Event, Mechanism

Touch = Literal[
    "budget",
    "public",
    "none",
    "test-mode",
    "post-processing",
    "gaussian",
    "laplace",
    "exponential",
    "dp-sgd",
    "select-measure",
]
PRIVATE: tuple[str, ...] = get_args(Mechanism)
"""Mechanisms whose cost is finite."""

START = "0" * 64
"""What stands for the hash before the first entry."""


@dataclass(frozen=True)
class Entry:
    """One touch of private data, or one thing declared public.

    Attributes:
        what: What was read or learnt, in plain words.
        mechanism: `budget` (all that may be spent, first of all), `public` (nothing was read), `none` (read without
            protection), `test-mode` (noise that can be replayed, so no protection), `post-processing` (computed from
            what came before, without the records), or a private one, see `generators.privacy.events`.
        parameters: What the cost was computed from.
        epsilon: The cost, if this were all; None where there is no finite one, or nothing to pay.
        delta: The delta at which `epsilon` and `spent` hold.
        spent: What all private uses up to this one cost together.
        public: Who declared it public.
        note: What a reader should know.
        previous: Hash of the entry before.
        hash: SHA-256 over all of the above.
    """

    what: str
    mechanism: Touch
    parameters: Mapping[str, Any] = field(default_factory=dict)
    epsilon: float | None = None
    delta: float | None = None
    spent: float | None = None
    public: str | None = None
    note: str = ""
    previous: str = START
    hash: str = ""

    def computed_hash(self) -> str:
        """Return the hash that an untouched entry carries."""
        plain = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, allow_nan=False).encode()).hexdigest()

    @property
    def event(self) -> Event | None:
        """What an accountant needs of it; None if it is not a private use."""
        if self.mechanism not in PRIVATE:
            return None
        return Event.from_dict(cast("Mechanism", self.mechanism), self.parameters)
