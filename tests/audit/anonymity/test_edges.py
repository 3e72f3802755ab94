"""Data at the edge of what can be attacked: every attack answers, and breaks at none of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from generators import Dataset, Schema
from tests.audit.anonymity.people import SCHEMA, people, population

ATTACKS = ["anonymity.inference", "anonymity.linkability", "anonymity.singling-out"]
SECRET = {"anonymity.inference": {"secret": "town"}, "anonymity.linkability": {}, "anonymity.singling-out": {}}
ANSWERS = {"pass", "warn", "fail", "inconclusive"}


def everyone(change):
    """Sixty people each in train, holdout and reference, and more that are published, all changed alike."""
    return [change(people(rows, part).reset_index(drop=True)) for part, rows in enumerate((60, 60, 60, 120))]


def as_they_are(frame):
    return frame


def gaps(frame):
    """Half of every column is missing."""
    rng = np.random.default_rng(0)
    return frame.mask(pd.DataFrame(rng.random(frame.shape) < 0.5, columns=frame.columns, index=frame.index))


def alike(frame):
    """Everybody has the same town, joined on the same day, and nobody has a balance."""
    return frame.assign(town="a", joined=pd.Timestamp("2001-01-01"), balance=np.nan)


def repeated(frame):
    """Ten people, each of them several times."""
    return frame.iloc[np.arange(len(frame)) % 10].reset_index(drop=True)


def two_columns(frame):
    return frame[["town", "joined"]]


WORLDS = {change.__name__: everyone(change) for change in (gaps, alike, repeated, two_columns)}


def run(attack, train, holdout, reference, fresh, **choices):
    schema = Schema(tuple(column for column in SCHEMA.columns if column.name in train))
    data = Dataset.from_parts("edge", train=train, holdout=holdout, reference=reference, schema=schema)
    return all_checks()[attack]().run(Subject(records_target(fresh), data, default_policy(), 0, **choices))[0]


EDGES = [
    pytest.param(attack, world, marks=[pytest.mark.slow] if attack == ATTACKS[0] and world != "gaps" else [])
    for attack in ATTACKS
    for world in WORLDS
]


@pytest.mark.parametrize(("attack", "world"), EDGES)
def test_every_attack_answers(attack, world):
    finding = run(attack, *WORLDS[world])
    assert finding.status in ANSWERS, finding.why
    assert all(np.isfinite([one.value, one.low, one.high]).all() for one in finding.estimates)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_release_of_nothing_but_one_record_says_nothing(attack):
    train, holdout, reference, fresh = everyone(as_they_are)
    finding = run(attack, train, holdout, reference, fresh.iloc[[0] * 120].reset_index(drop=True))
    assert finding.status in {"pass", "inconclusive"}, finding.why


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_release_of_the_training_data_fails(attack):
    data, _ = population(3, 300)
    finding, _ = all_checks()[attack]().run(
        Subject(records_target(data.train), data, default_policy(), 0, **SECRET[attack])
    )
    assert finding.status == "fail", finding.why


@pytest.mark.parametrize("cells", ["a", None])
def test_a_secret_with_one_level_in_what_was_published(cells):
    train, holdout, reference, fresh = everyone(as_they_are)
    finding = run("anonymity.inference", train, holdout, reference, fresh.assign(town=cells), secret="town")
    assert finding.status in ANSWERS, finding.why


@pytest.mark.parametrize("attack", ATTACKS)
def test_people_of_many_records_are_people(attack):
    """Twelve people of five records each are too few, whatever is found; sixty are counted as sixty."""
    schema = Schema((*SCHEMA.columns, replace(SCHEMA.columns[0], name="person", kind="identifier")), unit="person")
    parts = {}
    for number, part in enumerate(("train", "holdout", "reference")):
        frame = people(300, number).reset_index(drop=True)
        parts[part] = frame.assign(person=np.arange(300) // 5 + 1000.0 * number)
    data = Dataset.from_parts("edge", schema=schema, **parts)
    published = people(300, 9).reset_index(drop=True).assign(person=np.arange(300.0))
    finding, _ = all_checks()[attack]().run(
        Subject(records_target(published), data, default_policy(), 0, **SECRET[attack])
    )
    assert finding.status in ANSWERS, finding.why
    if attack != "anonymity.singling-out":  # which counts descriptions
        assert {one.n for one in finding.estimates} == {60}
        assert {round(one.value / 0.1, 6) % 1 for one in finding.estimates} == {0.0}
