"""Every check that exists, by id; a new one needs its own file and a line in its family's `__init__`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TypeVar

from audit.checks.check import Check
from generators import InputError

Kind = TypeVar("Kind", bound=type[Check])

_CHECKS: dict[str, type[Check]] = {}


def register(check: Kind) -> Kind:
    """Class decorator: make a check known under its id."""
    if check.id in _CHECKS:
        raise ValueError(f"two checks are called {check.id!r}")
    _CHECKS[check.id] = check
    return check


def all_checks() -> dict[str, type[Check]]:
    """Every check by id, in order of id."""
    return dict(sorted(_CHECKS.items()))


def select(wanted: list[str] | None) -> list[type[Check]]:
    """The checks named by ids, families (`membership`) or patterns (`membership.*`); all of them for None.

    An `InputError` names what matches nothing, and what could have been meant.
    """
    known = all_checks()
    if wanted is None:
        return list(known.values())
    chosen: dict[str, type[Check]] = {}
    for name in wanted:
        matches = {
            check: kind
            for check, kind in known.items()
            if check == name or check.partition(".")[0] == name or fnmatchcase(check, name)
        }
        if not matches:
            raise InputError(f"no check is called {name!r}; there are {', '.join(known)}")
        chosen.update(matches)
    return [known[check] for check in sorted(chosen)]
