"""What hyper-parameters may be, said once in each generator's fields and checked before its constructor runs.

Annotate every hyper-parameter of a generator with one of these types, or with any type that pydantic can check:
`bins: Annotated[int, Field(ge=2)] = 32`. Nothing is converted: text is no number and a bool is no integer.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import torch
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from generators.errors import InputError

_RULES = ConfigDict(strict=True, allow_inf_nan=False)


def _usable(device: str) -> str:
    try:
        torch.zeros(1, device=resolved_device(device)).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch says it in any of these ways
        raise ValueError("no such device here; use cpu, auto, or cuda where torch finds a GPU") from error
    return device


PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Device = Annotated[str, AfterValidator(_usable)]
Schedule = Literal["cosine", "linear", "constant"]


def resolved_device(device: str) -> torch.device:
    """Return the device that a hyper-parameter names; `auto` is the first GPU, or the CPU where there is none."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def check_parameters(owner: Any, given: dict[str, Any]) -> None:
    """Hold arguments against the annotations of a class's fields.

    Args:
        owner: The class (or function) whose annotations say what is allowed.
        given: Arguments by name.

    Raises:
        InputError: One is of the wrong type or outside its range; the message is one line that names it.

    Example:
        >>> def build(bins: PositiveInt) -> None: ...
        >>> check_parameters(build, {"bins": 3})
    """
    for name, value in given.items():
        try:
            _rule(owner, name).validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise InputError(f"{name} is {value!r}: {problem}{_hint(value)}") from None


@cache
def _rule(owner: Any, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(owner, include_extras=True).get(name, Any), config=_RULES)


def _hint(value: Any) -> str:
    """Explain the commonest surprise: YAML takes a number such as 1e-3, without a point, for text."""
    try:
        return f" (this is text; in YAML write {float(value)})" if isinstance(value, str) else ""
    except ValueError:
        return ""
