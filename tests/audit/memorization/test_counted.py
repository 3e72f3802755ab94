"""Hits are counted by people, shown without handfuls, and weighed alike for every attack that counts them."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from audit.checks import Subject, default_policy
from audit.memorization.counted import CountedAttack, Tries, told_apart
from audit.statistics import smallest_detectable_excess
from audit.targets import records_target
from generators import Column, Dataset, Schema


class Clairvoyant(CountedAttack):
    """Hits what it is told to hit: a share of members and of others, by stratum."""

    id = "memorization.clairvoyant"
    title = question = source = knowledge = remedy = "for this test alone"
    findings: ClassVar[dict] = {"excess_seen": "seen records"}
    measures: ClassVar[tuple] = tuple(findings)
    rates: ClassVar[dict] = {}

    def tried(self, estimate, case, subject):  # noqa: ARG002
        rng = self.rng(subject, case.name)
        person = told_apart(case.member_units, case.nonmember_units)
        member = np.arange(len(person)) < len(case.members)
        stratum = np.arange(len(person)) % 2
        chance = np.array([0.02, 0.5])[stratum]
        leak = np.array(self.rates.get(case.name.partition("-")[0], (0.0, 0.0)))[stratum] * member
        hit = rng.random(len(person)) < chance + leak * (1 - chance)
        return Tries(hit, member, stratum, person)

    def answer(self, measured, subject):  # noqa: ARG002
        mine, others = self.shares(subject)["excess_seen"]
        return f"{mine} against {others}"


def subject_of(people=None, seed=0, rows=3000):
    """Records of one number; with `people`, so many of them belong to one person."""
    schema, rng = Schema((Column("a", "numeric"),)), np.random.default_rng(seed)
    parts = {name: pd.DataFrame({"a": rng.normal(size=rows)}) for name in ("train", "holdout", "reference")}
    if people is not None:
        schema = Schema((*schema.columns, Column("person", "identifier")), unit="person")
        parts = {
            name: part.assign(person=[f"{name} {row // people}" for row in range(rows)]) for name, part in parts.items()
        }
    return Subject(records_target(parts["reference"]), Dataset("numbers", schema, parts), default_policy(), seed)


def test_people_are_counted_and_not_their_records():
    attack, subject = Clairvoyant(), subject_of(people=5)
    (found,) = attack.measure([attack.cases(subject).main], subject)
    assert found.n == min(len(set(subject.dataset.parts[part]["person"])) for part in ("train", "holdout"))
    assert attack.who(subject) == "people"
    tries = attack.tries("excess_seen", attack.cases(subject).main, subject)
    hit, people = tries.people(members=True)
    assert people == 600
    assert hit > tries.hit[tries.member].mean() * people  # whoever has five records is hit more often than any of them
    assert attack.figures(subject)[0].data["labels"][0] == "seen records, training people"


def test_a_handful_is_not_shown():
    attack, subject = Clairvoyant(), subject_of()
    main = attack.cases(subject).main
    tries = attack.tries("excess_seen", main, subject)
    few = np.zeros(len(tries.hit), dtype=bool)
    few[:3] = True
    attack._tries["main", "excess_seen"] = replace(tries, hit=few)
    (figure,) = attack.figures(subject)
    assert 0.001 not in figure.data["values"]
    assert attack.shares(subject)["excess_seen"][0].startswith("under")


@pytest.mark.parametrize(("rare", "common"), [(0.1, 0.1), (0.2, 0.0), (0.0, 0.2)])
def test_a_leak_that_differs_between_strata_counts_by_how_many_it_concerns(rare, common, monkeypatch):
    """A tenth of all members leaks on top of chance, or a fifth of those that chance seldom hits, or often."""
    monkeypatch.setattr(Clairvoyant, "rates", {"main": (rare, common)})
    missed = np.array([0.98, 0.5])
    truth = float((np.array([rare, common]) * missed).sum() / missed.sum())
    covered = 0
    for seed in range(10):
        attack, subject = Clairvoyant(), subject_of(seed=seed)
        (found,) = attack.measure([attack.cases(subject).main], subject)
        low, high = found.interval(0.95)
        covered += low <= truth <= high
    assert covered >= 8


def test_the_smallest_leak_noticed_is_noticed():
    """By fresh audits of the same size, and hardly one half as large."""
    attack, subject = Clairvoyant(), subject_of()
    strata = attack.tries("excess_seen", attack.cases(subject).negative, subject).strata()
    share = smallest_detectable_excess(strata, rng=np.random.default_rng(0))
    assert 0.005 < share < 0.05
    assert attack.power(subject)["smallest_detectable_share"]["excess_seen"] == pytest.approx(share, rel=0.4)
    assert smallest_detectable_excess(strata, 0.95, rng=np.random.default_rng(0)) < share
    assert smallest_detectable_excess(strata, excesses=[0.0001], rng=np.random.default_rng(0)) is None
