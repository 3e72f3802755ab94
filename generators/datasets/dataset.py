"""A data set: its schema and its disjoint parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from generators.datasets.overlap import find_overlap
from generators.datasets.payload import cell_bytes
from generators.datasets.schema import Schema
from generators.errors import InputError

Modality = Literal["tabular", "image", "text", "audio"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Records with a schema, in one piece or in disjoint parts.

    Attributes:
        name: What to call it in messages and reports.
        schema: The columns, the privacy unit and the target.
        parts: Canonical frames by part: `records` before a split; `train` (members), `holdout` (non-members) and
            `reference` (what an attacker may know) after it.
        modality: What a record is.
        notes: Things worth knowing that did not stop the data from being used, one sentence each.

    Example:
        >>> data = Dataset.from_frame("toy", pd.DataFrame({"x": [str(i % 7) for i in range(80)]})).split(seed=0)
        >>> [len(data.train), len(data.holdout), len(data.reference)]
        [40, 20, 20]
    """

    name: str
    schema: Schema
    parts: Mapping[str, pd.DataFrame]
    modality: Modality = "tabular"
    notes: tuple[str, ...] = field(default=())

    @property
    def train(self) -> pd.DataFrame:
        """The members: what a generator is fitted on."""
        return self._part("train")

    @property
    def holdout(self) -> pd.DataFrame:
        """The non-members: records of the same population that no generator has seen."""
        return self._part("holdout")

    @property
    def reference(self) -> pd.DataFrame:
        """What an attacker may know about the population."""
        return self._part("reference")

    @property
    def records(self) -> pd.DataFrame:
        """All records of a data set that is not split yet."""
        if "records" not in self.parts:
            raise InputError(f"{self.name}: is split already, into {', '.join(self.parts)}")
        return self.parts["records"]

    def _part(self, part: str) -> pd.DataFrame:
        if part not in self.parts:
            hint = "call .split(seed=...) first" if "records" in self.parts else f"it has {', '.join(self.parts)}"
            raise InputError(f"{self.name}: has no part '{part}'; {hint}")
        return self.parts[part]

    @classmethod
    def from_frame(
        cls,
        name: str,
        frame: pd.DataFrame,
        *,
        schema: Schema | None = None,
        unit: str | None = None,
        target: str | None = None,
    ) -> Dataset:
        """Make an unsplit data set of any typed frame; its schema is inferred unless given."""
        from generators.datasets.reading import as_text

        cells = as_text(frame, name)
        schema = schema or Schema.infer(cells, unit=unit, target=target)
        return cls(name, schema, {"records": schema.coerce(cells, name)})

    @classmethod
    def from_parts(
        cls,
        name: str,
        *,
        train: pd.DataFrame,
        holdout: pd.DataFrame,
        schema: Schema,
        reference: pd.DataFrame | None = None,
        seed: int = 0,
        sources: Mapping[str, str] | None = None,
        modality: Modality = "tabular",
    ) -> Dataset:
        """Make a data set of parts that were split elsewhere, and check that they are disjoint.

        Args:
            name: What to call it.
            train: Canonical frame of members.
            holdout: Canonical frame of non-members.
            schema: What the columns are.
            reference: Canonical frame of what an attacker may know; without it, a random half of the holdout (by
                person) becomes the reference, and a note says so.
            seed: Which half.
            sources: File of each part, for messages; notes, which reports publish, leave out its folder.
            modality: What a record is.

        Raises:
            InputError: A person stands in two parts, or holdout rows stand in train more often than chance explains.
        """
        names = {part: (sources or {}).get(part, part) for part in ("train", "holdout", "reference")}
        notes: list[str] = []
        given = {"train": train, "holdout": holdout} | ({} if reference is None else {"reference": reference})
        parts = {part: frame.loc[:, list(schema.names)].reset_index(drop=True) for part, frame in given.items()}
        whole = cls(name, schema, parts, modality)
        _check_people(whole, names)
        for part in list(parts)[1:]:
            notes += _check_overlap(whole, part, names)
        if reference is None:
            chosen = _shuffled_groups(whole.units("holdout"), (0.5, 0.5), seed)
            kept, spare = (parts["holdout"].iloc[rows].reset_index(drop=True) for rows in chosen)
            parts = {**parts, "holdout": kept, "reference": spare}
            notes.append(
                f"no reference given: half of {Path(names['holdout']).name} ({len(spare)} rows) serves as reference"
            )
            whole = replace(whole, parts=parts)
        for part, frame in parts.items():
            if frame.empty:
                raise InputError(f"{names[part]}: the part '{part}' would hold no records; give more of them")
        return replace(whole, notes=tuple(notes))

    def split(self, seed: int = 0, shares: Sequence[float] = (0.5, 0.25, 0.25)) -> Dataset:
        """Split into train, holdout and reference, disjoint by person.

        Args:
            seed: Which records go where; the same seed gives the same parts.
            shares: Shares of the people (records, without a unit column) for train, holdout and reference, in (0, 1),
                with sum at most 1.

        Returns:
            A data set with three parts, records in their original order.

        Raises:
            InputError: The shares do not fit, or there are too few records for three parts.
        """
        if len(shares) != 3 or min(shares) <= 0 or sum(shares) > 1 + 1e-9:
            raise InputError(f"{self.name}: shares are three positive numbers with sum at most 1, not {tuple(shares)}")
        chosen = _shuffled_groups(self.units("records"), shares, seed)
        parts = {
            part: self.records.iloc[rows].reset_index(drop=True)
            for part, rows in zip(("train", "holdout", "reference"), chosen, strict=True)
        }
        if any(frame.empty for frame in parts.values()):
            raise InputError(f"{self.name}: {len(self.records)} records of too few people for three parts")
        return replace(self, parts=parts)

    def units(self, part: str) -> npt.NDArray[np.int64]:
        """Return the person of each record as codes from 0, shape (rows,); without a unit column, the row's number."""
        frame = self._part(part)
        if self.schema.unit is None:
            return np.arange(len(frame), dtype=np.int64)
        return np.asarray(pd.factorize(frame[self.schema.unit])[0], dtype=np.int64)

    def fingerprint(self, part: str) -> str:
        """Return the SHA-256 (hex) of a part's canonical content: the same on every machine, from CSV or Parquet."""
        frame = self._part(part)
        digest = hashlib.sha256()
        for column in self.schema.columns:
            digest.update(json.dumps([column.name, len(frame)]).encode())
            values = frame[column.name]
            if column.is_number:
                numbers = values.to_numpy(dtype="<f8") + 0.0  # adding zero makes -0.0 equal to 0.0
                numbers[np.isnan(numbers)] = np.nan  # one bit pattern for every missing cell
                digest.update(numbers.tobytes())
            elif column.kind == "datetime":
                digest.update(values.to_numpy(dtype="datetime64[ns]").astype("<i8").tobytes())
            elif column.kind in ("image", "audio"):
                for cell in values:
                    digest.update(cell_bytes(cell))
            else:
                cells = [None if missing else cell for cell, missing in zip(values, values.isna(), strict=True)]
                digest.update(json.dumps(cells, ensure_ascii=False).encode())
        return digest.hexdigest()


def _shuffled_groups(units: npt.NDArray[np.int64], shares: Sequence[float], seed: int) -> list[npt.NDArray[np.int64]]:
    """Deal people into groups of the given shares; return each group's rows in their original order."""
    people = np.unique(units)
    order = np.random.default_rng(seed).permutation(len(people))
    edges = np.round(np.cumsum([0.0, *shares]) * len(people)).astype(np.int64)
    rank = order[np.searchsorted(people, units)]
    return [np.flatnonzero((rank >= low) & (rank < high)) for low, high in pairwise(edges)]


def _check_people(data: Dataset, names: Mapping[str, str]) -> None:
    unit = data.schema.unit
    if unit is None:
        return
    parts = list(data.parts)
    for i, first in enumerate(parts):
        for second in parts[i + 1 :]:
            shared = set(data.parts[first][unit]) & set(data.parts[second][unit])
            if shared:
                raise InputError(
                    f"{names[second]}: column '{unit}': {len(shared)} people also stand in {names[first]}; "
                    "split by person, so that parts are disjoint"
                )


def _check_overlap(data: Dataset, part: str, names: Mapping[str, str]) -> list[str]:
    found = find_overlap(data.train, data.parts[part], data.schema, data.units("train"))
    if found.count == 0:
        return []
    equal, chance = f"{found.count} of {len(data.parts[part])} rows are equal to rows of", f"{found.expected:.0f}"
    if found.beyond_chance and part != "reference":
        raise InputError(
            f"{names[part]}: {equal} {names['train']} (first: row {found.first}), where chance explains about "
            f"{chance}; a holdout must not have been trained on: remove these rows or split again"
        )
    # Notes are published: no folders, and no row to look up.
    about = f"{Path(names[part]).name}: {equal} {Path(names['train']).name}, where chance explains about {chance}"
    return [f"{about}: the attacker is given part of the training data" if found.beyond_chance else about]
