"""Every touch of private data by a generator, written down so that it cannot be edited unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from generators.errors import InputError

Mechanism = Literal["public", "none", "dp-sgd", "select-measure", "test-mode", "post-processing"]
PRIVATE = ("dp-sgd", "select-measure")
"""Mechanisms whose cost is finite."""

_START = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One touch of private data, or one thing declared public.

    Attributes:
        what: What was read or learnt, in plain words.
        mechanism: `public` (nothing was read), `none` (read without protection), `dp-sgd`, `select-measure` (tables
            chosen by the exponential mechanism and measured with Gaussian noise), or `test-mode` (noise that can be
            replayed, so no protection), or `post-processing` (computed from what came before, without the records).
        parameters: What the cost was computed from.
        epsilon: The cost; None where there is no finite one, or nothing to pay.
        delta: See `PrivacyBudget`.
        public: Who declared it public.
        note: What a reader should know.
        previous: Hash of the entry before.
        hash: SHA-256 over all of the above.
    """

    what: str
    mechanism: Mechanism
    parameters: Mapping[str, Any] = field(default_factory=dict)
    epsilon: float | None = None
    delta: float | None = None
    public: str | None = None
    note: str = ""
    previous: str = _START
    hash: str = ""

    def computed_hash(self) -> str:
        """Return the hash that an untouched entry carries."""
        plain = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, allow_nan=False).encode()).hexdigest()


class Ledger:
    """A hash-chained list of entries.

    The chain shows edits, insertions and deletions; `head` fixes the end. It is no signature: whoever rewrites every
    entry and every copy of the head can forge it.

    Example:
        >>> ledger = Ledger()
        >>> _ = ledger.add("columns and their kinds", "public", public="the data holder")
        >>> len(ledger)
        1
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def head(self) -> str:
        """Hash of the last entry: whoever knows it can tell that nothing is missing."""
        return self._entries[-1].hash if self._entries else _START

    def add(
        self,
        what: str,
        mechanism: Mechanism,
        *,
        parameters: Mapping[str, Any] | None = None,
        epsilon: float | None = None,
        delta: float | None = None,
        public: str | None = None,
        note: str = "",
    ) -> Entry:
        """Append an entry; see `Entry` for the arguments."""
        entry = Entry(what, mechanism, dict(parameters or {}), epsilon, delta, public, note, previous=self.head)
        entry = replace(entry, hash=entry.computed_hash())
        self._entries.append(entry)
        return entry

    @property
    def spent(self) -> tuple[float, float] | None:
        """The (epsilon, delta) of all entries together, by basic composition; None if some touch was unprotected."""
        if not any(entry.mechanism in PRIVATE for entry in self):
            return None
        if any(entry.mechanism in ("none", "test-mode") for entry in self):
            return None
        return sum(entry.epsilon or 0.0 for entry in self), sum(entry.delta or 0.0 for entry in self)

    @property
    def claim(self) -> dict[str, Any] | None:
        """The guarantee as an audit cites it: epsilon, delta, unit, relation, accountant; None if there is none."""
        spent = self.spent
        if spent is None:
            return None
        training = next(entry for entry in self if entry.mechanism in PRIVATE).parameters
        return {
            "epsilon": spent[0],
            "delta": spent[1],
            **{key: training.get(key) for key in ("unit", "relation", "accountant")},
        }

    def to_list(self) -> list[dict[str, Any]]:
        """Return the entries as JSON-ready data."""
        return [asdict(entry) for entry in self]

    def save(self, path: str | Path) -> None:
        """Write the ledger as JSON."""
        text = json.dumps({"version": 1, "entries": self.to_list()}, indent=2, allow_nan=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, *, head: str | None = None) -> Ledger:
        """Read a ledger and check its chain.

        Args:
            path: A file written by `save`.
            head: The hash that the last entry must have, when it is known from elsewhere.

        Raises:
            InputError: The file is missing, is no ledger, or was altered.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            entries = [Entry(**entry) for entry in data["entries"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot be read as a ledger ({' '.join(str(error).split())})") from error
        ledger = cls()
        for number, entry in enumerate(entries, start=1):
            if entry.previous != ledger.head or entry.hash != entry.computed_hash():
                raise InputError(f"{path}: entry {number} was altered after it was written; do not trust this ledger")
            ledger._entries.append(entry)
        if head is not None and ledger.head != head:
            raise InputError(f"{path}: entries are missing at the end, or were replaced; do not trust this ledger")
        return ledger

    def statement(self) -> str:
        """Say in prose what is promised, to whom, on what grounds, and what is not covered."""
        spent = self.spent
        if any(entry.mechanism == "test-mode" for entry in self):
            return (
                "This model gives NO privacy: it was trained in deterministic_noise_for_tests mode, whose noise anyone "
                "can replay. It exists for tests only."
            )
        if spent is None:
            touched = "; ".join(entry.what for entry in self if entry.mechanism == "none") or "nothing is recorded"
            return (
                "No differential-privacy guarantee exists for this model. It learnt from the training data without any "
                f"protection: {touched}. Audits can show leaks, but cannot show that there are none."
            )
        return _private_statement(*spent, list(self))


def _private_statement(epsilon: float, delta: float, entries: list[Entry]) -> str:
    paid = next(entry for entry in entries if entry.mechanism in PRIVATE)
    run = paid.parameters
    declared: dict[str, list[str]] = {}
    for entry in entries:
        if entry.mechanism == "public":
            declared.setdefault(entry.public or "nobody named", []).append(entry.what)
    public = "; ".join(f"{', '.join(whats)} (by {who})" for who, whats in declared.items())
    later = "; ".join(entry.what for entry in entries if entry.mechanism == "post-processing")
    afterwards = f"Computed from them without reading a record, so at no cost: {later}. " if later else ""
    # Rounded up, so that the sentence never promises more than the accountant found.
    shown = f"{epsilon + 5e-4:.3f}"
    return (
        f"The weights of this model satisfy ({shown}, {delta:g})-differential privacy for one {run['unit']}, where "
        f"neighbouring data sets differ by adding or removing one record. {_how(paid)}; accountant: "
        f"{run['accountant']}. Noise and random choices come from {run['rng']}. {afterwards}Taken as public, at no "
        f"cost: {public}. Not covered: releases other than this one model and what is computed from it (each further "
        "model trained on these records adds its own cost), choosing hyper-parameters by looking at the data, "
        "floating-point and timing attacks, and any number computed on the real data, such as the metrics and attacks "
        "of an audit report."
    )


def _how(entry: Entry) -> str:
    run = entry.parameters
    if entry.mechanism == "select-measure":
        return (
            f"They were computed from at most {run['tables']} tables of counts with Gaussian noise on every cell, some "
            f"of them chosen by {run['choices']} uses of the exponential mechanism: {run['rho']:.6g}-zero-concentrated "
            "differential privacy in all"
        )
    return (
        f"They were trained by DP-SGD for {run['steps']} steps fixed beforehand, with Poisson sampling at rate "
        f"{run['sampling_rate']:.6g}, gradients clipped to norm {run['clip']:g} and noise multiplier "
        f"{run['noise_multiplier']:.6g}"
    )
