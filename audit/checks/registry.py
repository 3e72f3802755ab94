"""Every check that exists, by id; a new one needs its own file and a line in its family's `__init__`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from audit.checks.check import Check
from audit.checks.policy import Policy
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


def asked_for(check: type[Check], wanted: Sequence[str] | None) -> bool:
    """Whether a check is to run: one that is costly only if its own id, or a pattern with a `*`, asks for it.

    Naming a family asks for what can be had in minutes; the rest is listed as not run.
    """
    return not check.costly or any(
        name == check.id or ("*" in name and fnmatchcase(check.id, name)) for name in wanted or ()
    )


def check_limits(policy: Policy, source: str) -> None:
    """Refuse a limit that no check can be held against: an `InputError` names it and what there is."""
    for pattern, limits in policy.limits.items():
        held = [check for name, check in _CHECKS.items() if fnmatchcase(name, pattern)]
        if not held:
            raise InputError(f"{source}: policy.limits.{pattern} matches no check; there are {', '.join(all_checks())}")
        for estimate in limits:
            known = sorted({name for check in held for name in check.measures})
            if estimate not in known:
                where = f"{source}: policy.limits.{pattern}.{estimate}"
                raise InputError(f"{where} is nothing that is measured there; these are: {', '.join(known)}")
