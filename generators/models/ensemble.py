"""Many models of one kind, each trained on its own part of the same records: shadows and controls of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from generators.datasets import Dataset
from generators.models.base import Generator
from generators.privacy import PrivacyBudget


def fit_many(
    template: Generator,
    pool: Dataset,
    members: Sequence[npt.NDArray[np.int64]],
    seeds: Sequence[int],
    budget: PrivacyBudget | None = None,
) -> list[Generator]:
    """Train one model for each set of members, all with the template's kind and hyper-parameters.

    Args:
        template: Says what to train; it is not changed, and need not be fitted.
        pool: A data set whose train part holds the records to choose from.
        members: For each model the row numbers in the pool's train part that it is trained on, shape (records,).
        seeds: For each model its seed.
        budget: What each model may spend; None trains without differential privacy.

    Returns:
        Fitted models, in order. They follow from the arguments alone (without a budget), however many workers there
        are: `joblib.parallel_config` around the call says where they work.

    Example:
        >>> from generators import create, load_dataset
        >>> pool = load_dataset("affairs").split(seed=0)
        >>> rows = [np.arange(500), np.arange(250, 750)]
        >>> models = fit_many(create("tabular-vae", epochs=1), pool, rows, seeds=[1, 2])
        >>> [model.rows_ for model in models]
        [500, 500]
    """
    return list(
        Parallel()(
            delayed(_fitted)(template, pool, rows, seed, budget) for rows, seed in zip(members, seeds, strict=True)
        )
    )


def _fitted(
    template: Generator, pool: Dataset, rows: npt.NDArray[np.int64], seed: int, budget: PrivacyBudget | None
) -> Generator:
    model = type(template)(**{**template.get_params(), "seed": seed})
    part = replace(pool, parts={"train": pool.train.iloc[rows].reset_index(drop=True)})
    return model.fit(part, budget, progress=False)
