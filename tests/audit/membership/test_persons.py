"""Persons are told by all of their records: little by little, or by one that gives them away."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.checks import all_checks
from audit.membership.persons import of_people
from audit.statistics import auc
from generators import Column, Dataset
from tests.audit.membership.test_attacks import subject_of
from tests.audit.planting import affairs

CHECK = "membership.persons"


def scores_of(rng, people, sizes, leak):
    """Record scores of some people: nothing leaks, all of a person's records, or one of them."""
    size = rng.choice(sizes, people)
    person = np.repeat(np.arange(people), size)
    scores = rng.normal(size=len(person)) + 0.5 * rng.normal(size=people)[person]
    hit = rng.random(people) < 0.2
    if leak == "all":
        scores[hit[person]] += 1.5
    elif leak == "one":
        scores[np.flatnonzero(np.r_[True, np.diff(person) > 0])[hit]] += 5
    return scores, person


@pytest.mark.parametrize(("leak", "low", "high"), [("nothing", 0.47, 0.53), ("all", 0.56, 0.62), ("one", 0.56, 0.62)])
def test_people_are_found_whichever_way_they_leak(leak, low, high):
    rng = np.random.default_rng(0)
    member, other = scores_of(rng, 2000, [1, 2, 4, 8], leak), scores_of(rng, 2000, [1, 2, 4, 8], "nothing")
    found = of_people(np.r_[member[0], other[0]], np.r_[member[1], other[1] + 2000])
    assert low < auc(found[:2000], found[2000:]) < high


def test_having_many_records_makes_nobody_a_member():
    rng = np.random.default_rng(0)
    few, many = scores_of(rng, 2000, [1, 2], "nothing"), scores_of(rng, 2000, [6, 12], "nothing")
    found = of_people(np.r_[few[0], many[0]], np.r_[few[1], many[1] + 2000])
    assert abs(auc(found[:2000], found[2000:]) - 0.5) < 0.04


def of_persons(seed, share):
    """The affairs survey as if three answers belonged to a person, with a share of train's people published."""
    data, fresh = affairs(seed)
    parts = {}
    for name, frame in {**data.parts, "fresh": fresh}.items():
        parts[name] = frame.assign(person=pd.Series([f"{name}{i // 3}" for i in range(len(frame))], dtype=object))
    schema = replace(data.schema, columns=(*data.schema.columns, Column("person", "identifier")), unit="person")
    count = 3 * round(share * len(data.train) / 3)
    published = pd.concat([parts["train"][:count], parts.pop("fresh")[count:]], ignore_index=True)
    return published, Dataset("affairs by person", schema, parts)


def test_people_who_leaked_are_found_better_than_their_records():
    published, data = of_persons(0, 0.3)
    subject = subject_of(published, data)
    finding, _ = all_checks()[CHECK]().run(subject)
    records, _ = all_checks()["membership.combined"]().run(subject)
    assert [one.name for one in finding.estimates] == ["person_auc", "person_tpr_at_fpr_0.1"]
    assert finding.status == "fail"
    planted, nobody = finding.controls.positive.estimates, finding.controls.negative.estimates
    assert all(one.value > none.value + 0.02 for one, none in zip(planted, nobody, strict=True))
    assert finding.estimates[0].n == records.estimates[0].n == len(set(data.holdout["person"]))
    assert finding.estimates[1].value > records.estimates[1].value


def test_fresh_people_raise_no_alarm():
    published, data = of_persons(1, 0.0)
    finding, gates = all_checks()[CHECK]().run(subject_of(published, data, seed=1))
    assert finding.controls.negative.status == "quiet"
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}


def test_without_people_there_is_nothing_to_ask():
    data, fresh = affairs(0)
    finding, gates = all_checks()[CHECK]().run(subject_of(fresh, data))
    assert finding.status == "not-applicable"
    assert "--unit" in finding.why
    assert gates == []
