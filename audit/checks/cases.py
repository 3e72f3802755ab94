"""The cases an attack is run on: the target itself, and the controls whose answer is known beforehand.

Every case has the same shape, so an attack cannot tell a control from the real thing:

- *main*: the synthetic records, and members (train) against non-members (holdout).
- *negative*: half of the reference stands in the place of the synthetic records. Nobody leaked.
- *planted*: the negative case with the records of some members put among the published ones, at a known share.
- *drift*: half of train as the target, the other half against the holdout, both ways round. Nobody whose membership is
  asked was published, so what shows is a mere difference between the parts.

In each case the attacker's reference shares no record with what is published or asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks.drawing import half, some_units
from audit.neighbours import Neighbours, Points, join
from audit.statistics import unit_weights
from generators import Generator

IntArray = NDArray[np.int64]
Weights = NDArray[np.float32]
Plant = Callable[[Points, np.random.Generator], Points]


class Behind(NamedTuple):
    """The model behind a case, and how often each leaked record stood in its training data."""

    model: Generator
    copies: int = 1


ModelOf = Callable[["Case"], Behind]


class Leak(NamedTuple):
    """What was planted: which share of the members (or of the people), as what, and by which function."""

    share: float
    label: str
    plant: Plant
    whole_people: bool = False


@dataclass(frozen=True)
class Frames:
    """The records of a case as canonical frames, for attacks that need more than points; row by row the same records.

    Records that a control plants stand here as they were before anything was done to their points.
    """

    published: pd.DataFrame
    reference: pd.DataFrame
    members: pd.DataFrame
    nonmembers: pd.DataFrame


@dataclass(frozen=True)
class Case:
    """One situation to attack.

    Attributes:
        name: which case this is; also seeds the randomness of what is done with it.
        synthetic: the published records.
        reference: what the attacker knows about the population.
        members: records that the published ones were made from.
        nonmembers: records that they were not made from.
        member_units: the person behind each member.
        nonmember_units: the person behind each non-member.
        reference_units: the person behind each reference record.
        member_rows: where these members stand among all scored members.
        leaked: for a planted case, which members were planted.
        leak: for a planted case, how they were chosen and made.
        copies: how often each leaked record stood in the training data of the case's model.
        published_per_member: published records per member of the whole training data, 1 where there are more.
        looked_at: share of the published records that the attack looks at.
        neighbours: shared nearest-neighbour searches.
        frames: the same records as frames.
        model: the generator behind the published records, for attacks that may ask it.
    """

    name: str
    synthetic: Points
    reference: Points
    members: Points
    nonmembers: Points
    member_units: IntArray
    nonmember_units: IntArray
    reference_units: IntArray
    member_rows: IntArray
    neighbours: Neighbours
    frames: Frames
    model: Generator | None = None
    leaked: IntArray | None = None
    leak: Leak | None = None
    copies: int = 1
    published_per_member: float = 1.0
    looked_at: float = 1.0


@dataclass(frozen=True)
class Part:
    """One part of the data: its records as points and as a frame, and the person behind each."""

    points: Points
    units: IntArray
    frame: pd.DataFrame

    def take(self, rows: IntArray) -> Part:
        """The part's records at these row numbers."""
        return Part(self.points.take(rows), self.units[rows], self.frame.iloc[rows])

    def with_leaked(self, leaked: Part, plant: Plant, rng: np.random.Generator) -> Part:
        """The part with leaked records put among its own."""
        return Part(
            join(self.points, plant(leaked.points, rng)),
            np.concatenate([self.units, leaked.units]),
            pd.concat([self.frame, leaked.frame]),
        )


class Cases:
    """Builds the cases of one audit; halves and samples of people are drawn by whole privacy units.

    Args:
        neighbours: shared nearest-neighbour searches.
        synthetic: the target's records, each a unit of its own.
        train: the members.
        holdout: the non-members.
        reference: records known to the attacker; disjoint from the others.
        most: at most this many members, and this many non-members, are asked about.
        most_synthetic: at most this many published records are looked at; None for all of them.
        draws: bootstrap resamples of the scored records.
        seed: source of all randomness.
        model_of: gives the model behind a case, for attacks that ask it; by default there is none.
    """

    def __init__(
        self,
        neighbours: Neighbours,
        synthetic: Part,
        train: Part,
        holdout: Part,
        reference: Part,
        *,
        most: int,
        most_synthetic: int | None,
        draws: int,
        seed: int,
        model_of: ModelOf | None = None,
    ) -> None:
        self._neighbours, self._draws, self._seed, self._model_of = neighbours, draws, seed, model_of
        self._most = most
        self._most_synthetic = most_synthetic
        self._reference = reference
        rng = np.random.default_rng([seed, 1])
        self._train, self._holdout = train, holdout
        self._scored_rows = some_units(train.units, most, rng)
        self._members = train.take(self._scored_rows)
        self._nonmembers = holdout.take(some_units(holdout.units, most, rng))
        self._in_first_half = half(train.units, rng)
        base = half(reference.units, rng)
        self._base, self._other_reference = reference.take(np.flatnonzero(base)), reference.take(np.flatnonzero(~base))
        self._synthetic = synthetic.take(rng.permutation(len(synthetic.units))[:most_synthetic])
        self._published_per_member = min(1.0, len(synthetic.units) / len(train.units))
        # Whoever asks the model sees all that was learnt, however few of its records are looked at.
        self._looked_at = len(self._synthetic.units) / len(synthetic.units) if model_of is None else 1.0
        self._planted: dict[str, Case] = {}

    @cached_property
    def main(self) -> Case:
        """The target as it is."""
        return self._case(
            "main",
            self._synthetic,
            self._reference,
            published_per_member=self._published_per_member,
            looked_at=self._looked_at,
        )

    @cached_property
    def negative(self) -> Case:
        """A target made of reference records: nobody leaked."""
        return self._case("negative", self._base, self._other_reference)

    @cached_property
    def drift(self) -> tuple[Case, Case]:
        """Half of train as the target, the other half against the holdout, both ways round."""
        first, second = self._in_first_half, ~self._in_first_half
        return self._drift("drift-1", first), self._drift("drift-2", second)

    def planted(self, share: float, label: str, plant: Plant, *, whole_people: bool = False) -> Case:
        """The negative case with a share of the members leaked into it by `plant` (remembered under `label`).

        With `whole_people` it is a share of the people, each with all their records.
        """
        name = f"planted-{share:.4f}-{label}" + ("-people" if whole_people else "")
        if name not in self._planted:
            rng = np.random.default_rng([self._seed, 2, round(share * 1e6)])
            units = self._members.units
            of_row = np.unique(units, return_inverse=True)[1].reshape(-1) if whole_people else np.arange(len(units))
            among = int(of_row.max()) + 1
            chosen = rng.permutation(among)[: max(1, round(share * among))]
            leaked = np.flatnonzero(np.isin(of_row, chosen))
            published = self._base.with_leaked(self._members.take(leaked), plant, rng)
            leak = Leak(share, label, plant, whole_people)
            self._planted[name] = self._case(name, published, self._other_reference, leaked=leaked, leak=leak)
        return self._planted[name]

    def asks_the_same(self, other: Cases) -> bool:
        """Whether both ask about the same people, case by case, of the same audit."""
        same_parts = self._train is other._train and self._holdout is other._holdout
        return same_parts and (self._seed, self._most) == (other._seed, other._most)

    def like(self, case: Case) -> Case:
        """The case of the same name among these: the same people, with what these cases have besides.

        Raises:
            ValueError: It asks about other people; see `asks_the_same`.
        """
        if case.leak is not None:
            share, label, plant, whole_people = case.leak
            found = self.planted(share, label, plant, whole_people=whole_people)
        elif case.name.startswith("drift"):
            found = next(one for one in self.drift if one.name == case.name)
        else:
            found = self.main if case.name == "main" else self.negative
        pairs = [(getattr(found, name), getattr(case, name)) for name in ("member_units", "nonmember_units", "leaked")]
        if found is not case and not all(np.array_equal(*pair) for pair in pairs):
            raise ValueError(f"the cases called {case.name} ask about different people")
        return found

    @cached_property
    def weights(self) -> tuple[Weights, Weights]:
        """Bootstrap weights of members (draws, n1) and non-members (draws, n0), the same ones in every case."""
        rng = np.random.default_rng([self._seed, 3])
        return (
            unit_weights(self._members.units, self._draws, rng),
            unit_weights(self._nonmembers.units, self._draws, rng),
        )

    def _drift(self, name: str, target: NDArray[np.bool_]) -> Case:
        rng = np.random.default_rng([self._seed, 4])
        published = self._train.take(rng.permutation(np.flatnonzero(target))[: self._most_synthetic])
        return self._case(name, published, self._reference, rows=np.flatnonzero(~target[self._scored_rows]))

    def _case(
        self,
        name: str,
        published: Part,
        reference: Part,
        *,
        rows: IntArray | None = None,
        leaked: IntArray | None = None,
        leak: Leak | None = None,
        published_per_member: float = 1.0,
        looked_at: float = 1.0,
    ) -> Case:
        members = self._members if rows is None else self._members.take(rows)
        case = Case(
            name=name,
            synthetic=published.points,
            reference=reference.points,
            reference_units=reference.units,
            members=members.points,
            nonmembers=self._nonmembers.points,
            member_units=members.units,
            nonmember_units=self._nonmembers.units,
            member_rows=np.arange(len(members.units)) if rows is None else rows,
            neighbours=self._neighbours,
            frames=Frames(published.frame, reference.frame, members.frame, self._nonmembers.frame),
            leaked=leaked,
            leak=leak,
            published_per_member=published_per_member,
            looked_at=looked_at,
        )
        if self._model_of is None:
            return case
        model, copies = self._model_of(case)
        return replace(case, model=model, copies=copies)
