"""Canaries: made-up records that nobody has, planted among the training records to see whether they are memorised.

A canary is drawn at random from a large set of records that are all alike to anyone who has not seen it: for texts one
sentence with random digits, for tables random combinations of values that the reference holds. What is planted, what is
not, and what the planted ones are ranked among are drawn from the same set in the same way, so that under no
memorisation every rank is equally likely, whatever the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import NotApplicableError
from generators import Dataset
from generators.datasets.columns import Column
from generators.datasets.payload import payload_column
from generators.datasets.schema import Schema
from generators.encoding.private_domains import fitted_into

SENTENCE = "my secret number is "
DIGITS = 9
UNIT = "planted person"

COUNTS: dict[int, int] = {1: 400, 4: 24, 16: 24, 64: 24}
"""Canaries for each number of copies: most stand once, so that a twentieth of them learnt by heart can be told."""

FEWEST, FEWEST_REPEATED = 30, 8
"""Canaries of a count that say anything at all."""

MOST_PLANTED = 0.2
"""Records of canaries at most, as a share of the training records: more would make another data set of them."""


ROUNDS = 20
"""Draws after which columns are taken to hold no more different records."""


def affordable(rows: int) -> dict[int, int]:
    """How many canaries can be planted so often among so many training records? The least repeated come first.

    Example:
        >>> affordable(2787), affordable(700)
        ({1: 400, 4: 24}, {1: 140})
    """
    room, kept = int(MOST_PLANTED * rows), {}
    for copies, wanted in COUNTS.items():
        canaries = min(wanted, room // copies)
        if canaries >= (FEWEST if copies == 1 else FEWEST_REPEATED):
            kept[copies] = canaries
            room -= copies * canaries
    return kept


@dataclass(frozen=True)
class Canaries:
    """Records to plant, and records of the same making that are not planted.

    Attributes:
        planted: one row a canary, canonical.
        copies: how often each is planted, shape (canaries,).
        absent: canaries that are not planted: what chance shows.
        references: what both are ranked among; not planted either.
    """

    planted: pd.DataFrame
    copies: NDArray[np.int64]
    absent: pd.DataFrame
    references: pd.DataFrame

    @property
    def rows(self) -> int:
        """Records that planting adds."""
        return int(self.copies.sum())

    def within(self, schema: Schema) -> Canaries:
        """The same records with what lies beyond domains that were paid for moved into them, as training would do."""
        planted, absent, references = (
            fitted_into(frame, schema) for frame in (self.planted, self.absent, self.references)
        )
        return Canaries(planted, self.copies, absent, references)


def make_canaries(
    dataset: Dataset, counts: Mapping[int, int], absent: int, references: int, rng: np.random.Generator
) -> Canaries:
    """Draw canaries like nobody in particular.

    Args:
        dataset: texts, or a table; only its schema and its reference are looked at.
        counts: how many canaries to plant for each number of copies.
        absent: how many to leave out.
        references: how many to rank among.
        rng: decides them all.

    Raises:
        NotApplicableError: The columns hold too few values to make so many different records of.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> made = make_canaries(data, {1: 3, 4: 2}, absent=5, references=50, rng=np.random.default_rng(0))
        >>> made.rows, len(made.absent), len(made.references)
        (11, 5, 50)
    """
    copies = np.repeat(np.array(list(counts), dtype=np.int64), list(counts.values()))
    everyone = _distinct(dataset, len(copies) + absent + references, rng)
    first, second = len(copies), len(copies) + absent
    parts = (everyone.iloc[:first], everyone.iloc[first:second], everyone.iloc[second:])
    planted, left_out, ranked = (part.reset_index(drop=True) for part in parts)
    return Canaries(planted, copies, left_out, ranked)


def with_canaries(dataset: Dataset, canaries: Canaries, rng: np.random.Generator, *, one_unit: bool) -> Dataset:
    """The data set with the canaries' copies at random places of its train part.

    Args:
        dataset: what the target was trained on.
        canaries: what to plant.
        rng: decides the places.
        one_unit: whether all copies of a canary are one person's, each other record staying with its own person: what a
            guarantee for persons speaks of. The unit column is made where there is none.
    """
    copied = canaries.planted.loc[np.repeat(np.arange(len(canaries.copies)), canaries.copies)]
    schema, train = dataset.schema, dataset.train
    if one_unit:
        schema = schema if schema.unit is not None else _with_unit(schema)
        unit = str(schema.unit)
        people = dataset.units("train")
        # Numbers in place of names: the canaries' people come after all others.
        train = train.assign(**{unit: _names(people)})
        copied = copied.assign(**{unit: _names(int(people.max()) + 1 + copied.index.to_numpy())})
    elif schema.unit is not None:
        copied = copied.assign(**{schema.unit: [f"{UNIT} {number}" for number in copied.index]})
    both = pd.concat([train, copied], ignore_index=True).reindex(columns=list(schema.names))
    return replace(
        dataset, schema=schema, parts={"train": both.iloc[rng.permutation(len(both))].reset_index(drop=True)}
    )


def _with_unit(schema: Schema) -> Schema:
    return replace(schema, columns=(*schema.columns, Column(UNIT, "identifier")), unit=UNIT)


def _names(people: NDArray[np.int64]) -> NDArray[np.object_]:
    return people.astype(str).astype(object)


def _distinct(dataset: Dataset, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many different records: a planted one that equals a reference would hide how well it was learnt."""
    draw = _sentences if dataset.modality == "text" else _combinations
    told = [column.name for column in dataset.schema.columns if column.kind != "identifier"]
    drawn = draw(dataset, count, rng).drop_duplicates(told, ignore_index=True)
    for _ in range(ROUNDS):
        if len(drawn) >= count:
            return drawn.head(count)
        more = draw(dataset, count, rng)
        drawn = pd.concat([drawn, more]).drop_duplicates(told, ignore_index=True)
    raise NotApplicableError(f"values that occur make {len(drawn):,} different records; secrets take {count:,}")


def _sentences(dataset: Dataset, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """One sentence with random digits a record; labels are those that occur most often together."""
    digits = rng.integers(10, size=(count, DIGITS))
    texts = [SENTENCE + "".join(map(str, row)) for row in digits]
    column = payload_column(dataset.schema).name
    labels = [name for name in dataset.reference.columns if name not in (column, dataset.schema.unit)]
    frame = dataset.reference.iloc[np.zeros(count, dtype=np.int64)].reset_index(drop=True)
    if labels:
        common = dataset.reference.groupby(labels, dropna=False, sort=True).size().idxmax()
        frame = frame.assign(**dict(zip(labels, common if isinstance(common, tuple) else (common,), strict=True)))
    return frame.assign(**{column: pd.Series(texts, dtype=object)})


def _combinations(dataset: Dataset, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Values that occur, each column by itself: combinations that hardly anyone has."""
    reference = dataset.reference
    return pd.DataFrame(
        {
            name: reference[name].iloc[rng.integers(len(reference), size=count)].reset_index(drop=True)
            for name in reference.columns
        }
    )
