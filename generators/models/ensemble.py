"""Many models of one kind, each trained on its own part of the same records: shadows and controls of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from joblib import Parallel, delayed
from torch import Tensor, nn

from generators.datasets import Dataset
from generators.models.base import Generator
from generators.models.neural import NeuralGenerator
from generators.models.running import Beside
from generators.privacy import PrivacyBudget, PrivatePlan
from generators.training import Course, History, Phase, Watch
from generators.training.ensemble import (
    PaidRun,
    Run,
    StackingError,
    models_at_once,
    require_stackable,
    train_many,
    train_many_privately,
)
from generators.training.ensemble.noise import RNG

Rows = npt.NDArray[np.int64]

_TASK = 16
"""Models a task, whoever works on it: so results do not depend on the number of workers, and few have work."""


def fit_many(
    template: Generator,
    pool: Dataset,
    members: Sequence[Rows],
    seeds: Sequence[int],
    budget: PrivacyBudget | None = None,
    *,
    encoders: Literal["pool", "own"] = "pool",
) -> list[Generator]:
    """Train one model for each set of members, all with the template's kind and hyper-parameters.

    Networks that can be stacked are trained together, to what each would learn alone but for rounding. Other kinds are
    fitted one after another: those that are no networks or have several phases, set records aside for validation, or
    have other layers than linear ones, embeddings and layer normalisations.

    Without a budget all models share encoders (levels, bins, vocabularies) fitted once on the whole train part of the
    pool, as an attacker does who knows the population; each model's ledger says so. With `own` each model fits them on
    its members alone. Under a budget this is always so: encoders follow from public domains, or are paid for.

    Args:
        template: Says what to train; it is not changed, and need not be fitted.
        pool: A data set whose train part holds the records to choose from.
        members: For each model the row numbers in the pool's train part that it is trained on, shape (records,).
        seeds: For each model its seed.
        budget: What each model may spend; None trains without differential privacy.
        encoders: What encoders learn from, without a budget: the `pool`, or each model's `own` members.

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
    shared = encoders == "pool" and budget is None and isinstance(template, NeuralGenerator)
    lender = _fresh(template).learn_encoders(pool) if shared else None  # type: ignore[attr-defined]
    chosen = list(zip(members, seeds, strict=True))
    tasks = [chosen[start : start + _TASK] for start in range(0, len(chosen), _TASK)]
    fitted = Parallel()(delayed(_fitted)(template, pool, task, budget, lender) for task in tasks)
    return [model for models in fitted for model in models]


def _fitted(
    template: Generator,
    pool: Dataset,
    task: Sequence[tuple[Rows, int]],
    budget: PrivacyBudget | None,
    lender: NeuralGenerator | None,
) -> list[Generator]:
    parts = [part_of(pool, rows) for rows, _ in task]

    def fit(beside: Beside) -> list[Generator]:
        models = [_fresh(template, seed=seed) for _, seed in task]
        return [model.fit_beside(part, budget, None, beside) for model, part in zip(models, parts, strict=True)]

    alone = Beside(progress=False, lender=lender)
    if len(task) == 1 or not isinstance(template, NeuralGenerator):
        return fit(alone)
    together = _Together()
    try:
        models = fit(replace(alone, loops=together))
        together.train_all()
    except StackingError:
        return fit(alone)
    return models


def part_of(pool: Dataset, rows: Rows) -> Dataset:
    """Return a data set whose train part is these rows of the pool's."""
    return replace(pool, parts={"train": pool.train.iloc[rows].reset_index(drop=True)})


def _fresh(template: Generator, **parameters: Any) -> Generator:
    return type(template)(**{**template.get_params(), **parameters})


class _Together:
    """Takes the place of the training loops: puts runs off, and then does them together.

    A model that is fitted with this is whole but for its weights and history, which are filled in by `train_all`.
    """

    rng = RNG

    def __init__(self) -> None:
        self._free: list[tuple[Run, Watch, History]] = []
        self._paid: list[PaidRun] = []
        self._how: dict[str, Any] = {}

    def train(
        self,
        network: nn.Module,
        rows: Tensor,
        phases: Sequence[Phase],
        course: Course,
        *,
        order: torch.Generator,
        draw: Any,
        validation: Tensor | None,
        watch: Watch,
    ) -> History:
        """Put off a run without privacy."""
        if len(phases) > 1 or phases[0] != Phase(network, phases[0].parameters):
            raise StackingError("the network has several phases, or an optimiser of its own")
        if draw is not None or validation is not None or watch.look is not None:
            raise StackingError("the run draws its own batches, or looks at the half-trained network")
        # Alone, it would go on with torch's global generator where initial weights left it.
        stream = torch.Generator()
        stream.set_state(torch.get_rng_state())
        history = History()
        self._free.append((Run(network, rows, course, order, stream), watch, history))
        return history

    def train_privately(
        self,
        objective: nn.Module,
        rows: Tensor,
        plan: PrivatePlan,
        *,
        people: Tensor | None,
        between: Any,
        saved: Any,
        observe: Any,
        title: str,
        progress: bool,
        **how: Any,
    ) -> None:
        """Put off a private run."""
        del saved, observe, title, progress  # none of them is asked for
        if between is not None:
            raise StackingError("something learns between the private steps")
        self._paid.append(PaidRun(objective, rows, plan, people))
        self._how = how

    def train_all(self) -> None:
        """Do what was put off, as many networks at once as is fast."""
        if self._paid:
            networks, rows = [run.objective for run in self._paid], self._paid[0].rows
            batch = max(run.plan.expected_batch_size for run in self._paid)
        else:
            networks, rows = [run.network for run, _, _ in self._free], self._free[0][0].rows
            batch = self._free[0][0].course.batch_size
        require_stackable(networks, rows)
        size = models_at_once(networks[0], len(networks), rows[:2], batch)
        for start in range(0, len(networks), size):
            if self._paid:
                train_many_privately(self._paid[start : start + size], **self._how)
                continue
            done = self._free[start : start + size]
            for (_, watch, history), found in zip(done, train_many([run for run, _, _ in done]), strict=True):
                history.steps, history.losses = found.steps, found.losses
                history.notes = watch.notes(found) if watch.notes is not None else []
