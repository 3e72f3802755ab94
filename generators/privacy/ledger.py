"""Every touch of private data by a generator, written down: it cannot be edited unnoticed, and is never overdrawn."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

from generators.errors import InputError
from generators.privacy.accountant import accountant_of, composed_epsilon
from generators.privacy.budget import PrivacyBudget
from generators.privacy.entries import START, Entry
from generators.privacy.events import Event
from generators.privacy.held import held, settle
from generators.privacy.statement import privacy_statement

_FORMAT = 2


class Ledger:
    """A hash-chained list of entries, to which a budget can be set.

    The chain shows edits, insertions and deletions; `head` fixes the end. It is no signature: whoever rewrites every
    entry and every copy of the head can forge it.

    Args:
        path: File that always holds the ledger: each entry is on the disk before `add` or `charge` returns, after all
            that other processes have written to it meanwhile. None keeps it in memory until `save`.

    Example:
        >>> ledger = Ledger()
        >>> ledger.allow(PrivacyBudget(epsilon=1, delta=1e-5), unit="record")
        >>> _ = ledger.charge("how many records there are", Event("gaussian", 50.0))
        >>> 0.8 < ledger.remaining() < 1
        True
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def head(self) -> str:
        """Hash of the last entry: whoever knows it can tell that nothing is missing."""
        return self._entries[-1].hash if self._entries else START

    @property
    def budget(self) -> Entry | None:
        """All that may be spent; None if nothing is promised."""
        return next((entry for entry in self if entry.mechanism == "budget"), None)

    @property
    def events(self) -> list[Event]:
        """The private uses so far."""
        return [event for entry in self if (event := entry.event) is not None]

    @property
    def spent(self) -> tuple[float, float] | None:
        """The (epsilon, delta) of all uses together; None if nothing private was done, or something unprotected."""
        if any(entry.mechanism in ("none", "test-mode") for entry in self):
            return None
        last = next((entry for entry in reversed(self._entries) if entry.spent is not None), None)
        return None if last is None else (cast("float", last.spent), cast("float", last.delta))

    @property
    def claim(self) -> dict[str, Any] | None:
        """The guarantee as an audit cites it: epsilon, delta, unit, relation, accountant; None if there is none."""
        if self.spent is None or self.budget is None:
            return None
        epsilon, delta = self.spent
        promised = self.budget.parameters
        return {
            "epsilon": epsilon,
            "delta": delta,
            "unit": promised["unit"],
            "relation": promised["relation"],
            "accountant": accountant_of(self.events),
        }

    def allow(self, budget: PrivacyBudget, unit: str) -> None:
        """Set all that may ever be spent; nothing private comes before.

        Args:
            budget: Its delta must be a number.
            unit: Whose presence is hidden, in words: `record`, or `person (COLUMN)`.

        Raises:
            InputError: There is a budget already.
        """
        with self._up_to_date():
            if self.budget is not None:
                raise InputError("this ledger has a budget already, which cannot be changed")
            parameters = {"unit": unit, "relation": budget.relation}
            self._append(
                Entry("all that may be spent", "budget", parameters, epsilon=budget.epsilon, delta=budget.known_delta)
            )

    def remaining(self) -> float:
        """Return the epsilon that is left: what was allowed less what all uses so far cost together.

        Raises:
            InputError: The ledger has no budget.
        """
        allowed = self._allowed()
        return max(0.0, cast("float", allowed.epsilon) - (self.spent or (0.0, 0.0))[0])

    def charge(
        self,
        what: str,
        event: Event,
        *,
        parameters: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> Entry:
        """Pay for a private use, before it happens.

        Args:
            what: What is read or learnt, in plain words.
            event: How.
            parameters: What a reader should know beside the event.
            note: Likewise, in words.

        Raises:
            InputError: The ledger has no budget, or it would be overdrawn; nothing is charged then.
        """
        with self._up_to_date():
            return self._charge(what, event, dict(parameters or {}), note)

    def _charge(self, what: str, event: Event, parameters: dict[str, Any], note: str) -> Entry:
        allowed = self._allowed()
        epsilon, delta = cast("float", allowed.epsilon), cast("float", allowed.delta)
        together = composed_epsilon([*self.events, event], delta)
        if together > epsilon:
            before = f"{self.spent[0]:.4g}" if self.spent else "nothing"
            raise InputError(
                f"{what}: the ledger allows epsilon {epsilon:g} at delta {delta:g}, of which {before} is spent; this "
                f"would make it {together:.4g}. Nothing was done; ask for less"
            )
        alone = composed_epsilon([event], delta) if self.events else together
        return self._append(
            Entry(
                what,
                event.mechanism,
                {**event.to_dict(), **parameters},
                epsilon=alone,
                delta=delta,
                spent=together,
                note=note,
            )
        )

    def add(
        self,
        what: str,
        mechanism: Literal["public", "none", "test-mode", "post-processing"],
        *,
        parameters: Mapping[str, Any] | None = None,
        public: str | None = None,
        note: str = "",
    ) -> Entry:
        """Append a touch without a cost; see `Entry` for the arguments."""
        with self._up_to_date():
            return self._append(Entry(what, mechanism, dict(parameters or {}), public=public, note=note))

    def statement(self) -> str:
        """Say in prose what is promised, to whom, on what grounds, and what is not covered."""
        return privacy_statement(self._entries, self.claim)

    def withdraw(self) -> None:
        """Remove the ledger's file if this run alone has written it and nothing was charged: as if never opened."""
        if self.path is None or not len(self):
            return
        with self._up_to_date():
            if not self.events:
                self.path.unlink()

    def copy(self) -> Ledger:
        """Return a ledger of its own with the same entries, kept in memory."""
        other = Ledger()
        other._entries = [*self._entries]
        return other

    def to_list(self) -> list[dict[str, Any]]:
        """Return the entries as JSON-ready data."""
        return [asdict(entry) for entry in self]

    def save(self, path: str | Path) -> None:
        """Write the ledger as JSON, whole or not at all, and onto the disk."""
        path = Path(path)
        text = json.dumps({"version": _FORMAT, "entries": self.to_list()}, indent=2, allow_nan=False)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
            settle(path.parent)
        finally:
            Path(beside).unlink(missing_ok=True)

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
            format_, entries = data["version"], data["entries"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: cannot be read as a ledger ({' '.join(str(error).split())})") from error
        if format_ != _FORMAT:
            raise InputError(f"{path}: has format {format_}, this version reads {_FORMAT}")
        return cls.from_list(entries, source=str(path), head=head)

    @classmethod
    def from_list(cls, data: Sequence[Mapping[str, Any]], *, source: str, head: str | None = None) -> Ledger:
        """Build a ledger from `to_list` data and check its chain; see `load`."""
        ledger = cls()
        try:
            entries = [Entry(**entry) for entry in data]
            sound = [entry.hash == entry.computed_hash() for entry in entries]
        except (TypeError, ValueError) as error:
            raise InputError(f"{source}: cannot be read as a ledger ({' '.join(str(error).split())})") from error
        for number, entry in enumerate(entries, start=1):
            if entry.previous != ledger.head or not sound[number - 1]:
                raise InputError(f"{source}: entry {number} was altered after it was written; do not trust this ledger")
            ledger._entries.append(entry)
        if head is not None and ledger.head != head:
            raise InputError(f"{source}: entries are missing at the end, or were replaced; do not trust this ledger")
        return ledger

    @classmethod
    def opened(cls, path: str | Path) -> Ledger:
        """Return the ledger that a file holds, or an empty one, that goes on being written there.

        Raises:
            InputError: The file is no ledger, or was altered.
        """
        path = Path(path)
        ledger = cls.load(path) if path.exists() else cls()
        ledger.path = path
        return ledger

    @contextmanager
    def _up_to_date(self) -> Iterator[None]:
        """Take up what other processes have charged to the file since, and keep them waiting meanwhile."""
        if self.path is None:
            yield
            return
        with held(self.path):
            if len(self) and not self.path.exists():
                raise InputError(f"{self.path}: is gone, and with it what others may have charged; put it back")
            if self.path.exists():
                there = Ledger.load(self.path)
                if [entry.hash for entry in there][: len(self)] != [entry.hash for entry in self]:
                    raise InputError(f"{self.path}: no longer holds what was charged to it; do not trust this ledger")
                self._entries = there._entries
            yield

    def _allowed(self) -> Entry:
        if self.budget is None:
            raise InputError("this ledger has no budget: nothing private can be charged to it")
        return self.budget

    def _append(self, entry: Entry) -> Entry:
        entry = replace(entry, previous=self.head)
        entry = replace(entry, hash=entry.computed_hash())
        self._entries.append(entry)
        if self.path is not None:
            self.save(self.path)
        return entry
