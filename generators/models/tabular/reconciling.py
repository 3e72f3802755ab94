"""Noisy tables of counts, made consistent by a graphical model (McKenna, Sheldon and Miklau 2019), with `mbi`."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from generators.errors import InputError

Floats = npt.NDArray[np.float64]
Tables = Callable[[tuple[int, ...]], Floats]
"""Gives the table of counts of some columns, one axis a column, in the order asked for."""


class Measurement(NamedTuple):
    """A table of counts over some columns, and the deviation of the noise on each cell; 0 for an exact one."""

    columns: tuple[int, ...]
    counts: Floats
    deviation: float


def exact_tables(measurements: Sequence[Measurement]) -> Tables:
    """Return the tables that exact measurements contain; only columns measured together can be asked for."""

    def tables(columns: tuple[int, ...]) -> Floats:
        fits = next(one for one in reversed(measurements) if set(columns) <= set(one.columns))
        summed = fits.counts.sum(axis=tuple(i for i, column in enumerate(fits.columns) if column not in columns))
        left = [column for column in fits.columns if column in columns]
        return np.asarray(summed.transpose([left.index(column) for column in columns]), dtype=np.float64)

    return tables


def reconciled_tables(
    measurements: Sequence[Measurement], sizes: tuple[int, ...], records: int, iterations: int
) -> Tables:
    """Return tables that agree with each other, are nowhere negative, and lie closest to noisy measurements.

    Args:
        measurements: What was measured; only columns measured together can be asked for.
        sizes: Number of categories of each column.
        records: What every table sums to.
        iterations: Steps of mirror descent.
    """
    jax, mbi = import_mbi()
    domain = mbi.Domain(tuple(range(len(sizes))), sizes)
    with jax.enable_x64(True):
        model = mbi.estimation.MirrorDescent().estimate(
            domain,
            [mbi.LinearMeasurement(one.counts.ravel(), one.columns, one.deviation) for one in measurements],
            known_total=float(records),
            iters=iterations,
        )
        # Away from JAX, which would compile every little sum.
        fitted = [Measurement(clique, np.asarray(model.marginals[clique].values), 0.0) for clique in model.cliques]
    return exact_tables(fitted)


def import_mbi() -> tuple[Any, Any]:
    """Return the modules `jax` and `mbi`.

    Raises:
        InputError: They are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mbi recommends settings of JAX; the one that matters is made above
            return importlib.import_module("jax"), importlib.import_module("mbi")
    except ImportError as error:
        raise InputError(
            f"tabular-marginal needs mbi under a privacy budget ({error}): pip install 'genassay[marginal]'"
        ) from error
