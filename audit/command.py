"""The command as a report may show it: enough to run it again, nothing about where this machine keeps its files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

_DROPPED = ("--output", "--checks", "--record-keys")


def shown(arguments: Sequence[str]) -> str:
    """The command with file names in the place of paths.

    Example:
        >>> shown(["audit", "--train", "/home/ann/hospital/train.csv", "--output=/tmp/out"])
        'genassay audit --train train.csv --output=out'
    """
    return shlex.join(["genassay", *(_named(argument) for argument in arguments)])


def for_one_check(arguments: Sequence[str]) -> str:
    """The command that runs one check again, with `{check}` in its place; results go to a new folder.

    Example:
        >>> for_one_check(["audit", "m", "--checks", "a,b", "--output", "/tmp/out", "--seed", "1"])
        'genassay audit m --seed 1 --checks {check}'
    """
    kept, skip = [], False
    for argument in arguments:
        option = argument.partition("=")[0]
        if skip or option in _DROPPED:
            skip = not skip and "=" not in argument
            continue
        kept.append(argument)
    # A suite names its checks itself, so there they are changed and not given.
    choice = "--set 'checks=[{check}]'" if kept[:1] == ["run"] else "--checks {check}"
    return f"{shown(kept)} {choice}"


def _named(argument: str) -> str:
    option, equals, value = argument.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_named(value)}"
    return PurePath(argument).name if "/" in argument or "\\" in argument else argument
