"""Are attacks the same as Anonymeter's? Its recorded queries are put to this project's code, one by one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from audit.anonymity.guessing import Secret
from audit.anonymity.nearest import Comparison
from audit.anonymity.predicates import TOP, IntArray, Predicates, encode, from_rows, medians, univariate
from audit.neighbours import Points, Space
from generators import Schema
from generators.datasets.tokens import MISSING_TOKENS

ROUNDING = 1e-5  # distances that differ by less are the same to 32 bits


class Tables(NamedTuple):
    """Train, synthetic and control records as canonical frames, and their schema."""

    schema: Schema
    train: pd.DataFrame
    synthetic: pd.DataFrame
    control: pd.DataFrame

    @classmethod
    def read(cls, plan: dict[str, Any], folder: str = "") -> Tables:
        """The tables that a plan names; the schema is that of train."""
        raw = [pd.read_csv(folder + plan[part], dtype=str) for part in ("train", "synthetic", "control")]
        schema = Schema.infer(raw[0])
        return cls(schema, *(schema.coerce(table, "table") for table in raw))


class SameCounts(NamedTuple):
    """Predicates of one kind: how many there were, and how many agreed in what was asked."""

    predicates: int
    made_by_our_rule: int
    same_on_train: int
    same_on_control: int
    successes: int


def same_predicates(tables: Tables, found: dict[str, Any]) -> SameCounts:
    """Would this project make Anonymeter's predicates, and do they match as many records here as there?"""
    names = sorted(tables.train.columns)
    ordered = [pd.api.types.is_numeric_dtype(tables.train[name]) for name in names]
    frames = [frame.drop_duplicates() for frame in (tables.synthetic, tables.train, tables.control)]
    predicates, (synthetic, train, control) = _translated(found["predicates"], frames, names)
    if found["all"]:
        every, _ = _translated(found["all"], frames, names)
        ours, theirs = (set(map(tuple, _rows(one))) for one in (univariate(synthetic, ordered), every))
        made = len(predicates) if ours == theirs else len(ours & set(map(tuple, _rows(predicates))))
    else:
        number, row = predicates.matches(synthetic, 1)
        again = from_rows(synthetic, ordered, medians(synthetic), predicates.columns[number], row)
        made = int((_rows(again) == _rows(predicates.take(number))).all(axis=1).sum())
    counts = [predicates.counts(records) for records in (train, control)]
    same = [int((ours == found[part]).sum()) for ours, part in zip(counts, ("train", "control"), strict=True)]
    return SameCounts(len(predicates), made, *same, int((counts[0] == 1).sum()))


def _rows(predicates: Predicates) -> IntArray:
    return np.hstack([predicates.columns, predicates.low, predicates.high])


def _translated(
    listed: list[list[list[Any]]], frames: list[pd.DataFrame], names: list[str]
) -> tuple[Predicates, list[IntArray]]:
    """Recorded predicates as ranges of ranks, and the frames as ranks."""
    terms = [(number, *term) for number, predicate in enumerate(listed) for term in sorted(predicate)]
    width = len(listed[0])
    low, high = np.full((2, len(terms)), -1, dtype=np.int64)
    encoded = [np.zeros((len(frame), len(names)), dtype=np.int64) for frame in frames]
    for place, name in enumerate(names):
        asked = [(at, operator, value) for at, (_, column, operator, value) in enumerate(terms) if column == name]
        # What is a value of its own to Anonymeter, such as a question mark, is a missing cell here.
        said = [None if value in MISSING_TOKENS else value for *_, value in asked]
        values = pd.DataFrame({name: pd.Series(said, dtype=frames[0][name].dtype)})
        *parts, ranks = encode([*frames, values], [name])
        for records, part in zip(encoded, parts, strict=True):
            records[:, place] = part[:, 0]
        for (at, operator, _), rank in zip(asked, ranks[:, 0], strict=True):
            low[at], high[at] = {">=": (rank, TOP), "<=": (0, rank), "==": (rank, rank), "missing": (-1, -1)}[operator]
    columns = np.array([names.index(column) for _, column, *_ in terms], dtype=np.int64)
    return Predicates(*(part.reshape(-1, width) for part in (columns, low, high))), encoded


class SameSearch(NamedTuple):
    """Nearest-record queries: how many, how many with one nearest record, and how many found the same there; in the
    others, how often Anonymeter's choice is among those equally near."""

    queries: int
    unique: int
    same: int
    tied: int
    among_tied: int


def same_search(tables: Tables, columns: list[str], rows: list[int], nearest: list[Any], part: str) -> SameSearch:
    """Is Anonymeter's nearest synthetic record also ours, wherever there is just one?"""
    space, queries, targets = _placed(tables, rows, part)
    theirs = np.asarray(nearest).reshape(len(rows), -1)[:, 0]
    distances = exact_distances(queries, targets, space, columns)
    ours = Comparison(queries, targets, space).nearest(columns)[:, 0]
    unique = (distances <= distances.min(axis=1, keepdims=True) + ROUNDING).sum(axis=1) == 1
    own = distances[np.arange(len(rows)), theirs]
    among = own <= distances.min(axis=1) + ROUNDING
    return SameSearch(
        len(rows),
        int(unique.sum()),
        int((ours == theirs)[unique].sum()),
        int((~unique).sum()),
        int(among[~unique].sum()),
    )


def exact_distances(queries: Points, targets: Points, space: Space, columns: list[str]) -> np.ndarray:
    """Gower distances in double precision, written down as plainly as possible, (queries, targets)."""
    numbers, codes = space.locate(columns)
    total = np.zeros((len(queries), len(targets)))
    for j in numbers:
        total += np.abs(queries.numbers[:, j, None] - targets.numbers[:, j]) / space.full_range[j]
    for j in codes:
        total += queries.codes[:, j, None] != targets.codes[:, j]
    return total


def _placed(tables: Tables, rows: list[int], part: str) -> tuple[Space, Points, Points]:
    """A space with Anonymeter's scale, which is the range of the synthetic records and the queries together."""
    asked = getattr(tables, part).iloc[rows]
    space = Space(tables.schema, tables.synthetic, asked, [tables.synthetic])
    return space, space.place(asked), space.place(tables.synthetic)


class SameSuccess(NamedTuple):
    """Guesses or links: tries, and on how many both agree; wrong guesses that Anonymeter counts as right."""

    tries: int
    same: int
    successes: int
    wrong_counted_right: int


def same_guesses(tables: Tables, found: dict[str, Any], part: str) -> SameSuccess:
    """Given Anonymeter's nearest records, are the same guesses right?"""
    space, asked, targets = _placed(tables, found[part]["rows"], part)
    column = next(column for column in tables.schema.columns if column.name == found["secret"])
    secret = Secret.of(column, space)
    right = secret.right(targets.take(np.asarray(found[part]["nearest"])), asked)
    theirs = np.asarray(found[part]["right"])
    return SameSuccess(len(theirs), int((right == theirs).sum()), int(right.sum()), int((theirs & ~right).sum()))


def same_links(tables: Tables, found: dict[str, Any], halves: list[list[str]], k: int, part: str) -> SameSuccess:
    """Are the same people linked? Compared where each half has one set of `k` nearest records and no tie for it."""
    space, asked, targets = _placed(tables, found["rows"], part)
    theirs = np.isin(np.arange(len(asked)), found["linked"])
    clear, sets = np.ones(len(asked), dtype=bool), []
    for columns in halves:
        comparison = Comparison(asked, targets, space)
        near = comparison.nearest(columns, k + 1)
        sets.append(near[:, :k])
        distances = exact_distances(asked, targets, space, columns)
        last, following = (np.take_along_axis(distances, near[:, [at]], axis=1)[:, 0] for at in (k - 1, k))
        clear &= following - last > ROUNDING
    linked = (sets[0][:, :, None] == sets[1][:, None, :]).any(axis=(1, 2))
    return SameSuccess(int(clear.sum()), int((linked == theirs)[clear].sum()), int(linked[clear].sum()), 0)
