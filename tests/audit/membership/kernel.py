"""A model that is fitted at once and leaks as much as one likes: a kernel density, and people for it to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.special import logsumexp

from generators import Column, Dataset, Schema
from generators.models.base import Generator
from generators.models.parameters import PositiveFloat
from generators.privacy.events import Event
from generators.training import History

COLUMNS = ("a", "b", "c", "d")
SCHEMA = Schema(tuple(Column(name, "numeric") for name in COLUMNS))


def people(rows: int, seed: int = 0) -> Dataset:
    """Train, holdout and reference of so many records each, from one population with rare people in it."""
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, size=(3 * rows, len(COLUMNS))) + rng.normal(size=(3 * rows, 1))
    frame = pd.DataFrame(values, columns=list(COLUMNS))
    parts = {name: frame.iloc[i::3].reset_index(drop=True) for i, name in enumerate(("train", "holdout", "reference"))}
    return Dataset("people", SCHEMA, parts)


def fresh(data: Dataset, draw: Callable[[int, int], Dataset] = people) -> Dataset:
    """The same data set, with other people of the same population in train."""
    return replace(data, parts={**data.parts, "train": draw(len(data.train), 99).train})


class Kernel(Generator):
    """A Gaussian kernel on every training record: the narrower, the better it knows them by heart."""

    kind: ClassVar[str] = "toy-kernel"

    width: PositiveFloat = 0.3
    points_: torch.Tensor = field(init=False)

    def log_likelihood(self, frame):
        asked = torch.from_numpy(frame[list(COLUMNS)].to_numpy().copy())
        inside = -(torch.cdist(asked, self.points_) ** 2).numpy() / (2 * self.width**2)
        return logsumexp(inside, axis=1) - np.log(len(self.points_)) - len(COLUMNS) * np.log(self.width)

    def _fit(self, frame, schema, ledger, paying, beside):
        del schema, paying, beside
        ledger.add("everything", "none")
        self.points_ = torch.from_numpy(frame[list(COLUMNS)].to_numpy().copy())
        return History(steps=1)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]):
        del conditions
        chosen = self.points_[torch.randint(len(self.points_), (n,), generator=generator)]
        noise = torch.randn(chosen.shape, generator=generator, dtype=torch.float64)
        return pd.DataFrame((chosen + self.width * noise).numpy(), columns=list(COLUMNS))

    def _state(self):
        return {}, {"points": self.points_}

    def _restore(self, state, weights):
        del state
        self.points_ = weights["points"]


def townspeople(rows: int, seed: int = 0) -> Dataset:
    """People of about as many towns as there are people in a part: whoever is published, so is the town."""
    rng = np.random.default_rng(seed)
    towns = pd.Series([f"town {number}" for number in rng.integers(rows, size=3 * rows)], dtype=object)
    frame = pd.DataFrame({"town": towns, "a": rng.normal(size=3 * rows)})
    parts = {name: frame.iloc[i::3].reset_index(drop=True) for i, name in enumerate(("train", "holdout", "reference"))}
    return Dataset("townspeople", Schema((Column("town", "categorical"), Column("a", "numeric"))), parts)


class Copier(Generator):
    """Publishes its training records, drawn with replacement, with other numbers."""

    kind: ClassVar[str] = "toy-copier"
    rows: Any = field(init=False)

    def _fit(self, frame, schema, ledger, paying, beside):
        del schema, paying, beside
        ledger.add("everything", "none")
        self.rows = frame
        return History(steps=1)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]):
        del conditions
        drawn = self.rows.iloc[torch.randint(len(self.rows), (n,), generator=generator).numpy()].reset_index(drop=True)
        return drawn.assign(a=torch.randn(n, generator=generator, dtype=torch.float64).numpy())

    def _state(self):
        raise NotImplementedError

    _restore = _state


class Judge(Kernel):
    """The same with a discriminator and no likelihood, as a GAN has."""

    kind: ClassVar[str] = "toy-judge"
    log_likelihood = None  # type: ignore[assignment]

    def discriminate(self, frame):
        return Kernel.log_likelihood(self, frame)


class Diffuser(Judge):
    """The same as if it were a diffusion model: what is familiar is easily freed of noise."""

    kind: ClassVar[str] = "toy-diffuser"

    def denoising_losses(self, frame, times, draws=1, seed=0):
        del draws, seed
        return np.exp(np.minimum(-Kernel.log_likelihood(self, frame) / 4, 500))[:, None] * (1 + np.array(times))

    def proximal_errors(self, frame, times):
        return self.denoising_losses(frame, times)

    retracing_errors = proximal_errors


class Blurred(Kernel):
    """The same; under a budget it spends all of it and then knows nobody: its points are drawn from nowhere."""

    kind: ClassVar[str] = "toy-blurred"

    def _fit(self, frame, schema, ledger, paying, beside):
        if paying is None:
            return super()._fit(frame, schema, ledger, paying, beside)
        paying.curator.spend("nothing", Event("gaussian", noise_multiplier=10.0))
        drawn = np.random.default_rng(self.seed).standard_t(3, size=frame[list(COLUMNS)].shape)
        self.points_ = torch.from_numpy(drawn)
        return History(steps=1)


class Forgetful(Blurred):
    """The same, and it knows nobody without a budget either."""

    kind: ClassVar[str] = "toy-forgetful"

    def _fit(self, frame, schema, ledger, paying, beside):
        super()._fit(frame, schema, ledger, paying, beside)
        drawn = np.random.default_rng(self.seed).standard_t(3, size=frame[list(COLUMNS)].shape)
        self.points_ = torch.from_numpy(drawn)
        return History(steps=1)


def public_people(rows: int, seed: int = 0) -> Dataset:
    """The same people, with ranges that count as public."""
    data = people(rows, seed)
    columns = [Column(name, "numeric", low=-1000.0, high=1000.0, public="the test") for name in COLUMNS]
    return replace(data, schema=Schema(tuple(columns)))
