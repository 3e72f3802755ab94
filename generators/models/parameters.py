"""What hyper-parameters may be, said once in each constructor's annotations and checked before it runs.

Annotate every constructor argument of a generator with one of these types, or with any type that pydantic can check:
`bins: Annotated[int, Field(ge=2)] = 32`. Nothing is converted: text is no number and a bool is no integer.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Annotated, Any, get_type_hints

import torch
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from generators.errors import InputError

_RULES = ConfigDict(strict=True, allow_inf_nan=False)


def _usable(device: str) -> str:
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch says it in any of these ways
        raise ValueError("no such device here; use cpu, or cuda where torch finds a GPU") from error
    return device


PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Device = Annotated[str, AfterValidator(_usable)]


def check_parameters(constructor: Any, given: dict[str, Any]) -> None:
    """Hold arguments against the annotations of a constructor.

    Args:
        constructor: The `__init__` whose arguments they are.
        given: Arguments by name.

    Raises:
        InputError: One is of the wrong type or outside its range; the message is one line that names it.

    Example:
        >>> def build(bins: PositiveInt) -> None: ...
        >>> check_parameters(build, {"bins": 3})
    """
    for name, value in given.items():
        try:
            _rules(constructor)[name].validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise InputError(f"{name} is {value!r}: {problem}{_hint(value)}") from None


@cache
def _rules(constructor: Any) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(constructor, include_extras=True)
    return {
        name: TypeAdapter(hints.get(name, Any), config=_RULES) for name in inspect.signature(constructor).parameters
    }


def _hint(value: Any) -> str:
    """Explain the commonest surprise: YAML takes a number such as 1e-3, without a point, for text."""
    try:
        return f" (this is text; in YAML write {float(value)})" if isinstance(value, str) else ""
    except ValueError:
        return ""
