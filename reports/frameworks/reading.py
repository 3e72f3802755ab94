"""Framework files: YAML, read so that whatever is wrong is named by its line."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Collection, Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from reports.errors import DocumentError
from reports.frameworks.model import Framework

_HERE = Path(__file__).parent
# Some checks of these families may be missing from an installation; a pattern over a family is right all the same.
_FAMILIES = {
    "membership",
    "anonymity",
    "memorization",
    "dp",
    "robustness",
    "fidelity",
    "utility",
    "fairness",
    "explain",
}


@functools.cache
def builtin_frameworks() -> tuple[Framework, ...]:
    """The frameworks that ship with genassay, by name of file.

    Example:
        >>> [framework.id for framework in builtin_frameworks()][:2]
        ['edpb-28-2024', 'eu-ai-act']
    """
    return tuple(load_framework(path) for path in sorted(_HERE.glob("*.yaml")))


def load_framework(path: str | Path, checks: Collection[str] | None = None) -> Framework:
    """Read a framework file.

    Args:
        path: the YAML file; those beside this module show what it may hold.
        checks: ids of the checks that exist; every id in the file must be one of them. Not looked at if None.

    Raises:
        DocumentError: the file is missing, is not YAML, says what it may not or names an unknown check; the message
            names the line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        doubled = next(_doubled(node), None)
        raw = yaml.safe_load(text)
    except FileNotFoundError:
        raise DocumentError(f"{path}: no such file; a framework is a YAML file with a table of clauses") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8 text at byte {error.start}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise DocumentError(f"{path}: {where}not valid YAML ({_said(error)})") from None
    if not isinstance(raw, dict) or node is None:
        raise DocumentError(f"{path}: line 1: a framework is a mapping with id, title, publisher, about and rows")
    if doubled is not None:
        raise DocumentError(f"{path}: line {doubled.start_mark.line + 1}: {doubled.value!r} is given twice")
    try:
        framework = Framework.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "framework"
        told = first["msg"].removeprefix("Value error, ")
        raise DocumentError(f"{path}: line {_line(node, first['loc'])}: {where}: {told}") from None
    for number, row in enumerate(framework.rows):
        for at, pattern in enumerate(row.findings):
            if checks is not None and (wrong := _unknown(pattern, checks)):
                line = _line(node, ("rows", number, "findings", at))
                raise DocumentError(f"{path}: line {line}: rows.{number}.findings: {wrong}")
    return framework


def _unknown(pattern: str, checks: Collection[str]) -> str | None:
    """What is wrong with an id or a pattern, or None."""
    family = pattern.partition(".")[0]
    families = {name.partition(".")[0] for name in checks} | _FAMILIES
    if "*" in pattern and "." in pattern and family in families:
        return None
    if pattern in checks:
        return None
    near = difflib.get_close_matches(pattern, [*checks, *(f"{name}.*" for name in sorted(families))], n=1)
    return f"no check is called {pattern!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _line(node: yaml.Node, path: tuple[int | str, ...]) -> int:
    """The line, from 1, of the deepest part of `path` that the file holds."""
    for key in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            inner = {name.value: (name, value) for name, value in node.value}
            if key not in inner:
                break
            name, value = inner[str(key)]
            # A scalar may start on a later line than its key (as folded text does); a reader looks for the key.
            node = value if isinstance(value, yaml.CollectionNode) else name
        else:
            break
    return int(node.start_mark.line) + 1


def _doubled(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Keys that occur twice in one mapping: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _doubled(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubled(value)


def _said(error: Exception) -> str:
    return " ".join(str(getattr(error, "problem", None) or error).split())
