"""Tables from a spanning tree of marginals: the baseline that deep models are held against (McKenna et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from generators.datasets import Schema
from generators.datasets.columns import LEVEL_KINDS
from generators.encoding import TabularEncoder
from generators.errors import InputError
from generators.models.base import Generator
from generators.models.parameters import PositiveFloat, PositiveInt
from generators.models.running import Beside, Paying
from generators.models.tabular.reconciling import Measurement, Tables, exact_tables, import_mbi, reconciled_tables
from generators.privacy import Curator, Event, Ledger
from generators.privacy.curator import RNG
from generators.privacy.zcdp import Counter, zcdp_rho
from generators.training import History

Floats = npt.NDArray[np.float64]
Pair = tuple[int, int]

_SHARES = {"start": 0.4, "choose": 0.1, "pairs": 0.5}
"""How a budget is divided between the first tables, the choice of pairs, and their tables."""


class TabularMarginal(Generator):
    """Makes tables from counts of a few columns at a time, joined along a spanning tree (MST); no network.

    Columns become categories, and a tree connects those that tell most about each other. Where the schema names a
    target with levels, the target takes part in every table, so that it may depend on all columns: the tree-augmented
    naive Bayes model of Friedman et al. (1997), fitted as MST is. Each record is then drawn column by column along the
    tree. A table that would tell less about the population than chance and noise blur is left out.

    Without a budget the tables are exact. Under one, noisy tables of single columns come first, the exponential
    mechanism chooses the tree by how far they are from explaining each pair, the pairs' tables get noise too, and
    `mbi` finds the graphical model closest to all of them (the extra `marginal`). No number of iterations changes
    what this costs.

    Attributes:
        bins: Categories of a numeric column.
        private_bins: The same under a budget, where noise falls on every cell.
        smoothing: Weight, in records, of what is known from fewer columns in each conditional probability.
        largest_table: Cells of the largest table; larger ones are not counted.
        iterations: Steps of mirror descent in which `mbi` reconciles noisy tables.
        encoder_: Turns columns into categories.
        tree_: (column, the columns that it depends on), each after those that it depends on.
        tables_: For each of them the probabilities, one axis a parent, the last the column itself.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularMarginal().fit(data)
        >>> len(model.sample(5))
        5
    """

    kind: ClassVar[str] = "tabular-marginal"

    bins: Annotated[int, Field(ge=2)] = 32
    private_bins: Annotated[int, Field(ge=2)] = 16
    smoothing: PositiveFloat = 1.0
    largest_table: PositiveInt = 200_000
    iterations: PositiveInt = 1000
    encoder_: TabularEncoder = field(init=False)
    tree_: tuple[tuple[int, tuple[int, ...]], ...] = field(init=False)
    tables_: tuple[Floats, ...] = field(init=False)

    def log_likelihood(self, frame: pd.DataFrame) -> Floats:
        """Return each record's exact log-likelihood in nats, shape (records,).

        As for the other autoregressive kinds, the probability of a bin is spread evenly over the values in it, and a
        real column contributes a log-density in its own units.

        Args:
            frame: Canonical frame. A cell that the model does not know, and what depends on it, counts as guessed
                evenly.
        """
        self._require_fitted()
        codes = self.encoder_.encode(frame)
        total = np.zeros(len(codes))
        for (column, parents), table in zip(self.tree_, self.tables_, strict=True):
            cells = codes[:, [*parents, column]]
            known = np.log(table[tuple(np.maximum(cells, 0).T)])
            total += np.where((cells >= 0).all(axis=1), known, -math.log(table.shape[-1]))
        likelihood: Floats = total + self.encoder_.log_spread(frame).sum(axis=1)
        return likelihood

    def record_loss(self, frame: pd.DataFrame) -> Floats:
        """Return each record's negative log-likelihood, shape (records,)."""
        return -self.log_likelihood(frame)

    def _fit(
        self, frame: pd.DataFrame, schema: Schema, ledger: Ledger, paying: Paying | None, beside: Beside
    ) -> History:
        if beside.checkpoints is not None:
            raise InputError("tabular-marginal is fitted in one go: it has no checkpoints")
        private = paying is not None
        if private:
            import_mbi()
        for callback in beside.callbacks:
            callback.started(self.kind, self.get_params(), 0)
        self.encoder_ = TabularEncoder(self.private_bins if private else self.bins, public_only=private)
        codes = self.encoder_.fit(frame, schema).encode(frame)
        self.encoder_.record(ledger)
        context = self._context(schema)
        features = [column for column in range(len(self.encoder_.sizes)) if column not in context]
        if paying is None:
            ledger.add(_what(len(features)), "none", note="exact counts, without noise")
            counter, records = Counter(codes, self.encoder_.sizes, math.inf), len(frame)
        else:
            counter = self._paid_counter(paying.curator, codes, len(features))
            records = round(paying.curator.units)
        rho = counter.rho
        start = _measured(counter, [(*context, column) for column in features], rho * _SHARES["start"])
        pairs = self._tree(counter, self._consistent(start, records), context, features, rho)
        joint = _measured(counter, [(*context, *pair) for pair in pairs], rho * _SHARES["pairs"])
        tables = self._consistent([*start, *joint], records)
        self.tree_ = _ordered(context, features, pairs)
        self.tables_ = tuple(conditional(tables((*parents, column)), self.smoothing) for column, parents in self.tree_)
        for callback in beside.callbacks:
            callback.finished([])
        return History()

    def _context(self, schema: Schema) -> tuple[int, ...]:
        """Return the target's place, if it has levels, so that every other column may depend on it."""
        names = [column.name for column in schema.modelled]
        if schema.target not in names or len(names) == 1 or schema[schema.target].kind not in LEVEL_KINDS:
            return ()
        place = names.index(schema.target)
        sizes = self.encoder_.sizes
        return (place,) if sizes[place] * max(sizes) <= self.largest_table else ()

    def _paid_counter(self, curator: Curator, codes: npt.NDArray[np.int64], features: int) -> Counter:
        """Pay for everything that will be asked, and return who answers it."""
        rho = zcdp_rho(curator.budget, curator.events)
        curator.spend(
            _what(features),
            Event("select-measure", rho=rho),
            parameters={"tables": 2 * features - 1, "choices": features - 1, "shares": _SHARES, "rng": RNG},
        )
        return Counter(codes[curator.one_each()], self.encoder_.sizes, rho, test_seed=curator.test_seed)

    def _consistent(self, measurements: Sequence[Measurement], records: int) -> Tables:
        if all(one.deviation == 0 for one in measurements):
            return exact_tables(measurements)
        return reconciled_tables(measurements, self.encoder_.sizes, records, self.iterations)

    def _tree(
        self, counter: Counter, tables: Tables, context: tuple[int, ...], features: list[int], rho: float
    ) -> list[Pair]:
        """Choose pairs of columns, as Kruskal does, by how far they are from independent given the context.

        A score is an L1 distance less what chance and noise would make of it, as in AIM (McKenna et al. 2022): below
        zero, a table blurs more than it tells. Stopping, with score 0, is a choice like any other.
        """
        edges = len(features) - 1
        noise = math.sqrt(edges / (2 * rho * _SHARES["pairs"])) if edges else 0.0
        single = {column: tables((*context, column)) for column in features}
        scores: dict[Pair, float] = {}
        for pair in ((one, other) for place, one in enumerate(features) for other in features[:place]):
            if math.prod(self.encoder_.sizes[column] for column in (*context, *pair)) > self.largest_table:
                continue
            expected = _independent(single[pair[0]], single[pair[1]])
            scores[pair] = counter.distance((*context, *pair), expected) - _blur(expected, noise)
        part = {column: column for column in features}
        chosen: list[Pair] = []
        for _ in range(edges):
            possible = [pair for pair in scores if part[pair[0]] != part[pair[1]]]
            place = counter.choose([0.0, *(scores[pair] for pair in possible)], rho * _SHARES["choose"] / edges)
            if place == 0:
                break
            one, other = possible[place - 1]
            chosen.append((one, other))
            part = {column: part[one] if label == part[other] else label for column, label in part.items()}
        return chosen

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        sizes = self.encoder_.sizes
        codes = np.zeros((n, len(sizes)), dtype=np.int64)
        for (column, parents), table in zip(self.tree_, self.tables_, strict=True):
            uniform = torch.rand(n, generator=generator, dtype=torch.float64).numpy()
            block = self.encoder_.blocks_[column]
            if not parents and block.name in conditions:
                # What depends on nothing else has its value from the start; other conditions are met by drawing again.
                wanted = int(block.encode(pd.Series([conditions[block.name]], dtype=object))[0])
                if wanted >= 0:
                    codes[:, column] = wanted
                    continue
            steps = np.cumsum(table, axis=-1)[tuple(codes[:, list(parents)].T)]
            codes[:, column] = (uniform[:, None] >= steps[..., :-1]).sum(axis=1)
        within = torch.rand(codes.shape, generator=generator, dtype=torch.float64).numpy()
        return self.encoder_.decode(codes, within)

    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        tree = [[column, list(parents)] for column, parents in self.tree_]
        weights = {f"table.{place}": torch.from_numpy(table) for place, table in enumerate(self.tables_)}
        return {"encoder": self.encoder_.to_dict(), "tree": tree}, weights

    def _restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self.encoder_ = TabularEncoder.from_dict(state["encoder"], self.schema_)
        self.tree_ = tuple((column, tuple(parents)) for column, parents in state["tree"])
        self.tables_ = tuple(weights[f"table.{place}"].numpy() for place in range(len(self.tree_)))


def conditional(counts: Floats, smoothing: float) -> Floats:
    """Return the probabilities of the last axis given the others, smoothed by what is known without the last parent.

    Args:
        counts: How often categories occur together; one axis a column.
        smoothing: Weight, in records, of the probability without the last parent.
    """
    if counts.ndim == 1:
        prior = np.full(counts.shape, 1 / len(counts))
    else:
        prior = np.expand_dims(conditional(counts.sum(axis=-2), smoothing), -2)
    smoothed: Floats = (counts + smoothing * prior) / (counts.sum(axis=-1, keepdims=True) + smoothing)
    return smoothed


def _independent(first: Floats, second: Floats) -> Floats:
    """Return the counts of two columns together if they are independent given the leading axis, where there is one."""
    given = first.sum(axis=-1)[..., None, None]
    product = first[..., :, None] * second[..., None, :]
    expected: Floats = np.divide(product, given, out=np.zeros_like(product), where=given > 0)
    return expected


def _blur(expected: Floats, noise: float) -> float:
    """Return about the L1 distance that chance (Poisson) and noise of this deviation put between a table and itself."""
    chance = np.minimum(2 * expected, np.sqrt(2 / math.pi * expected)).sum()
    return float(chance + math.sqrt(2 / math.pi) * noise * expected.size)


def _measured(counter: Counter, wanted: Sequence[tuple[int, ...]], rho: float) -> list[Measurement]:
    return [Measurement(columns, *counter.measure(columns, rho / len(wanted))) for columns in wanted]


def _ordered(
    context: tuple[int, ...], features: list[int], pairs: Sequence[Pair]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Direct the tree away from its first column; every column comes after those that it depends on."""
    order: list[tuple[int, tuple[int, ...]]] = [(column, ()) for column in context]
    waiting = list(features)
    reached: set[int] = set()
    while waiting:
        edge = next(
            ((a, b) for pair in pairs for a, b in (pair, pair[::-1]) if a in reached and b in waiting),
            None,
        )
        column, parents = (waiting[0], context) if edge is None else (edge[1], (*context, edge[0]))
        order.append((column, parents))
        reached.add(column)
        waiting.remove(column)
    return tuple(order)


def _what(features: int) -> str:
    return f"tables of counts of the columns, and which pairs of {features} columns to count together"
