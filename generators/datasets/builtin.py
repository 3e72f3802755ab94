"""Data sets that come with the dependencies, with schemas that show what a data holder would declare.

Levels come from the published codebooks. Where a codebook names no bounds, they are taken from these data, which have
been public for decades, and rounded outwards; `public` says so. For data of your own that would not do: declare what
was known before the data were seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd

from generators.datasets.columns import Column, Kind
from generators.datasets.dataset import Modality
from generators.datasets.payload import payload_frame
from generators.datasets.schema import Schema
from generators.errors import InputError

_FAIR = "codebook of Fair (1978), A Theory of Extramarital Affairs"
_FAIR_RANGE = "the published data themselves, rounded up: the survey of Fair (1978) is public"
_RAND = "codebook of the RAND Health Insurance Experiment, as in Cameron and Trivedi (2005)"
_RAND_RANGE = "the published data themselves, rounded up: the RAND Health Insurance Experiment is public"
_WDBC = "summary table of Wolberg, Street and Mangasarian (1995), in scikit-learn's description"
_OPTDIGITS = "description of Alpaydin and Kaynak (1998), in scikit-learn's documentation"


def _scale(name: str, levels: tuple[float, ...], public: str) -> Column:
    return Column(name, "ordinal", levels=levels, public=public)


def _choice(name: str, levels: tuple[str, ...], public: str, kind: Kind = "categorical") -> Column:
    return Column(name, kind, levels=levels, public=public)


def _range(
    name: str, low: float, high: float, public: str, kind: Kind = "numeric", frequent: tuple[float, ...] = ()
) -> Column:
    return Column(name, kind, low=low, high=high, public=public, frequent=frequent)


_OCCUPATIONS = ("1", "2", "3", "4", "5", "6")

# The target is one that the other answers explain; affairs themselves, the study's own, they hardly do (R squared .01).
_AFFAIRS = Schema(
    (
        _scale("rate_marriage", (1.0, 2.0, 3.0, 4.0, 5.0), _FAIR),
        _scale("age", (17.5, 22.0, 27.0, 32.0, 37.0, 42.0), _FAIR),
        _scale("yrs_married", (0.5, 2.5, 6.0, 9.0, 13.0, 16.5, 23.0), _FAIR),
        _scale("children", (0.0, 1.0, 2.0, 3.0, 4.0, 5.5), _FAIR),
        _scale("religious", (1.0, 2.0, 3.0, 4.0), _FAIR),
        _scale("educ", (9.0, 12.0, 14.0, 16.0, 17.0, 20.0), _FAIR),
        _choice("occupation", _OCCUPATIONS, _FAIR),
        _choice("occupation_husb", _OCCUPATIONS, _FAIR),
        _range("affairs", 0, 60, _FAIR_RANGE, frequent=(0.0,)),
    ),
    target="yrs_married",
)

# The target is the number of doctor's visits, the outcome of the experiment.
_RANDHIE = Schema(
    (
        _range("mdvis", 0, 80, _RAND_RANGE, "integer", frequent=tuple(float(visits) for visits in range(11))),
        _scale("lncoins", (0.0, 3.258096, 3.931826, 4.564348, 4.61512), _RAND),
        _choice("idp", ("0", "1"), _RAND, "boolean"),
        _range("lpi", 0, 7.2, _RAND_RANGE, frequent=(0.0,)),
        _range("fmde", 0, 8.3, _RAND_RANGE, frequent=(0.0,)),
        _range("physlm", 0, 1, _RAND, frequent=(0.0, 1.0)),
        _range("disea", 0, 60, _RAND_RANGE, frequent=(0.0,)),
        _choice("hlthg", ("0", "1"), _RAND, "boolean"),
        _choice("hlthf", ("0", "1"), _RAND, "boolean"),
        _choice("hlthp", ("0", "1"), _RAND, "boolean"),
    ),
    target="mdvis",
)

# Minimum and maximum as printed there, for mean, standard error and worst of ten measures. They are rounded: a record
# just beyond one counts as standing on it.
_WDBC_MEASURES = {
    "radius": ((6.981, 28.11), (0.112, 2.873), (7.93, 36.04)),
    "texture": ((9.71, 39.28), (0.36, 4.885), (12.02, 49.54)),
    "perimeter": ((43.79, 188.5), (0.757, 21.98), (50.41, 251.2)),
    "area": ((143.5, 2501.0), (6.802, 542.2), (185.2, 4254.0)),
    "smoothness": ((0.053, 0.163), (0.002, 0.031), (0.071, 0.223)),
    "compactness": ((0.019, 0.345), (0.002, 0.135), (0.027, 1.058)),
    "concavity": ((0.0, 0.427), (0.0, 0.396), (0.0, 1.252)),
    "concave points": ((0.0, 0.201), (0.0, 0.053), (0.0, 0.291)),
    "symmetry": ((0.106, 0.304), (0.008, 0.079), (0.156, 0.664)),
    "fractal dimension": ((0.05, 0.097), (0.001, 0.03), (0.055, 0.208)),
}
_BREAST_CANCER = Schema(
    (
        *(_range(f"mean {name}", *bounds[0], _WDBC) for name, bounds in _WDBC_MEASURES.items()),
        *(_range(f"{name} error", *bounds[1], _WDBC) for name, bounds in _WDBC_MEASURES.items()),
        *(_range(f"worst {name}", *bounds[2], _WDBC) for name, bounds in _WDBC_MEASURES.items()),
        _choice("diagnosis", ("benign", "malignant"), _WDBC),
    ),
    target="diagnosis",
)

_DIGITS = Schema(
    (
        *(_range(f"pixel_{row}_{column}", 0, 16, _OPTDIGITS, "integer") for row in range(8) for column in range(8)),
        _choice("digit", tuple(str(digit) for digit in range(10)), _OPTDIGITS),
    ),
    target="digit",
)


# The same digits as pictures: their 17 shades spread over 0 to 255.
_DIGITS_IMAGES = Schema(
    (Column("image", "image", shape=(8, 8, 1), public=_OPTDIGITS), _DIGITS["digit"]), target="digit"
)


def _read_affairs() -> pd.DataFrame:
    from statsmodels.datasets import fair

    data = fair.load_pandas().data
    # Occupations are names that happen to be numbers.
    return cast(pd.DataFrame, data.astype({"occupation": int, "occupation_husb": int}))


def _read_randhie() -> pd.DataFrame:
    from statsmodels.datasets import randhie

    return cast(pd.DataFrame, randhie.load_pandas().data)


def _read_breast_cancer() -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    frame = pd.DataFrame(bunch.data, columns=[str(name) for name in bunch.feature_names])
    return frame.assign(diagnosis=[str(bunch.target_names[label]) for label in bunch.target])


def _read_digits() -> pd.DataFrame:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    frame = pd.DataFrame(bunch.data.astype(int), columns=[column.name for column in _DIGITS.columns[:-1]])
    return frame.assign(digit=bunch.target.astype(int))


def _read_digits_images() -> pd.DataFrame:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.round(bunch.images[:, :, :, None] * (255 / 16)).astype(np.uint8)
    return payload_frame(_DIGITS_IMAGES["image"], pixels, {"digit": [str(digit) for digit in bunch.target]})


_BUILTIN: dict[str, tuple[Callable[[], pd.DataFrame], Schema, Modality]] = {
    "affairs": (_read_affairs, _AFFAIRS, "tabular"),
    "breast-cancer": (_read_breast_cancer, _BREAST_CANCER, "tabular"),
    "digits": (_read_digits, _DIGITS, "tabular"),
    "digits-images": (_read_digits_images, _DIGITS_IMAGES, "image"),
    "randhie": (_read_randhie, _RANDHIE, "tabular"),
}


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in data sets."""
    return tuple(_BUILTIN)


def read_builtin(name: str) -> tuple[pd.DataFrame, Schema, Modality]:
    """Return a built-in data set, its public schema and its modality: a table as published, typed; others canonical.

    Raises:
        InputError: There is no data set of this name.
    """
    if name not in _BUILTIN:
        raise InputError(f"no built-in data set '{name}'; there are {', '.join(_BUILTIN)}")
    read, schema, modality = _BUILTIN[name]
    return read(), schema, modality


def read_openml(name: str) -> tuple[pd.DataFrame, str | None]:
    """Fetch a table from openml.org (the one reader that uses the network) and return it with its target's name.

    Raises:
        InputError: The table cannot be fetched.
    """
    from sklearn.datasets import fetch_openml

    choice: dict[str, Any] = {"data_id": int(name)} if name.isdigit() else {"name": name}
    try:
        bunch = fetch_openml(**choice, as_frame=True, parser="auto")
    except (OSError, ValueError) as error:
        raise InputError(f"openml:{name}: cannot be fetched ({' '.join(str(error).split())[:200]})") from error
    target = bunch.target_names[0] if len(bunch.target_names or []) == 1 else None
    return bunch.frame, target
