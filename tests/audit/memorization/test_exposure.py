"""Exposure of planted secrets: ranks, medians, canaries, and whole runs of trainers that leak and that do not."""

from __future__ import annotations

from dataclasses import field, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import audit.memorization.exposure as module
from audit.checks import NotApplicableError, Subject, default_policy
from audit.memorization import Exposure
from audit.memorization.canaries import affordable, make_canaries, with_canaries
from audit.memorization.ranks import (
    CHANCE,
    Memorized,
    enough_to_pass,
    exposure,
    extrapolated_exposure,
    median_interval,
    smallest_noticed,
)
from audit.targets import model_target, records_target
from generators import PrivacyBudget, create
from tests.audit.membership.kernel import Kernel, people
from tests.generators.models.toy import tabular, text

SMALL = {"width": 16, "layers": 1, "heads": 2, "context": 32, "max_length": 20}


class Heedless(Kernel):
    """Knows every training record by heart: its loss counts how often a record stood there, and little else."""

    kind: ClassVar[str] = "toy-heedless"
    learns: ClassVar[bool] = True
    seen_: dict = field(init=False)

    def record_loss(self, frame):
        keys = [tuple(row) for row in frame.to_numpy().tolist()]
        noise = np.array([hash(key) % 997 / 997 for key in keys])
        return noise - self.learns * np.array([self.seen_.get(key, 0) for key in keys], dtype=float)

    def _fit(self, frame, schema, ledger, paying, beside):
        keys = [tuple(row) for row in frame[list(schema.names)].to_numpy().tolist()]
        self.seen_ = pd.Series(keys).value_counts().to_dict()
        return super()._fit(frame, schema, ledger, paying, beside)


class Deaf(Heedless):
    """Learns nothing from any record."""

    kind: ClassVar[str] = "toy-deaf"
    learns: ClassVar[bool] = False


class Patchy(Heedless):
    """Learns by heart a fifth of the records that stood there once, and all that stood there more often."""

    kind: ClassVar[str] = "toy-patchy"

    def _fit(self, frame, schema, ledger, paying, beside):
        history = super()._fit(frame, schema, ledger, paying, beside)
        self.seen_ = {key: count for key, count in self.seen_.items() if count > 1 or hash(key) % 5 == 0}
        return history


def probe(family, seed=0, rows=2500):
    data = people(rows, seed)
    model = family().fit(data, progress=False)
    return Exposure().run(Subject(model_target(model, 200, 0), data, default_policy(), seed))


@pytest.mark.parametrize("family", [Heedless, Patchy])
def test_a_trainer_that_learns_by_heart_fails(family):
    finding, gates = probe(family)
    assert [one.name for one in finding.estimates] == ["memorized_1", "memorized", "exposure_1", "exposure_4"]
    assert {gate.estimate: gate.status for gate in gates} == {"memorized_1": "fail", "memorized": "fail"}
    truth = 1.0 if family is Heedless else 0.2
    assert finding.estimates[0].low <= truth <= finding.estimates[0].high
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    assert finding.tables[0].rows[0][:2] == ["once", 400]


def test_the_median_does_not_see_a_learnt_fifth():
    """Which is why no limit stands on it."""
    finding, _ = probe(Patchy)
    once = next(one for one in finding.estimates if one.name == "exposure_1")
    assert once.value < 2


def test_a_trainer_that_learns_repeated_records_only_is_told_by_all_secrets_together():
    class Repeated(Patchy):
        kind: ClassVar[str] = "toy-repeated"

        def _fit(self, frame, schema, ledger, paying, beside):
            history = super()._fit(frame, schema, ledger, paying, beside)
            self.seen_ = {key: count for key, count in self.seen_.items() if count > 1}
            return history

    _, gates = probe(Repeated, rows=4000)
    statuses = {gate.estimate: gate.status for gate in gates}
    assert statuses["memorized_1"] in ("pass", "inconclusive")
    assert statuses["memorized"] in ("warn", "fail")


def test_a_trainer_that_learns_nothing_raises_no_alarm():
    """Nor could it be shown to leak if it learnt: its own positive control says so."""
    finding, gates = probe(Deaf)
    assert {gate.status for gate in gates} == {"inconclusive"}
    assert finding.controls.positive.status == "missed"
    assert all(one.low <= 0 <= one.high for one in finding.estimates[:2])


def test_a_trainer_that_learns_nothing_but_could_passes():
    """The same trainer, silent on all but records that are repeated without end."""

    class Slow(Patchy):
        kind: ClassVar[str] = "toy-slow"

        def _fit(self, frame, schema, ledger, paying, beside):
            history = super()._fit(frame, schema, ledger, paying, beside)
            self.seen_ = {key: count for key, count in self.seen_.items() if count > 30}
            return history

    finding, gates = probe(Slow)
    assert {gate.estimate: gate.status for gate in gates} == {"memorized_1": "pass", "memorized": "pass"}
    assert finding.controls.positive.status == "detected"
    assert finding.power["smallest_detectable_share"]["memorized_1"] <= 0.05


def test_a_finding_says_how_many_training_records_a_pass_takes():
    finding, gates = probe(Deaf, rows=700)
    assert {gate.status for gate in gates} == {"inconclusive"}
    assert "passes with 1,700 training records; there are 700." in finding.why
    assert "made up 17% of what the trainer saw" in finding.why


def test_few_training_records_decide_nothing_and_say_how_many_would():
    finding, gates = probe(Deaf, rows=120)
    assert finding.status == "inconclusive"
    assert gates == []
    assert "training records are needed" in finding.why


@pytest.mark.slow
def test_forty_seeds_without_memorisation_raise_no_alarm():
    covered = 0
    for seed in range(40):
        finding, gates = probe(Deaf, seed)
        assert not {gate.status for gate in gates} & {"warn", "fail"}
        covered += finding.estimates[0].low <= 0 <= finding.estimates[0].high
    assert covered >= 36


def test_shares_beyond_chance_cover_the_truth():
    """Ranks among shared references, a share of the secrets on top: coverage, and errors at the verdict's level."""
    rng = np.random.default_rng(0)
    for share in (0.0, 0.05, 0.2):
        covered = alarms = 0
        for _ in range(600):
            losses = rng.normal(size=400)
            losses[rng.random(400) < share] = -9
            counted = Memorized.of(exposure(losses, rng.normal(size=2047), rng), 2047)
            covered += counted.interval(0.95).low <= share <= counted.interval(0.95).high
            alarms += counted.interval(0.999).low > share
        assert covered >= 0.94 * 600
        assert alarms <= 2


def test_the_design_is_as_strong_as_it_says():
    assert smallest_noticed(400, 2047, 0.999) <= 0.05
    assert enough_to_pass(0.05, 2047, 0.999) <= 400
    assert smallest_noticed(40, 2047, 0.999) > 0.1


def test_canaries_leave_four_fifths_to_the_training_records():
    for rows in (0, 149, 150, 700, 2787, 5000, 20_000):
        kept = affordable(rows)
        assert sum(copies * canaries for copies, canaries in kept.items()) <= 0.2 * rows
    assert affordable(20_000) == {1: 400, 4: 24, 16: 24, 64: 24}
    assert affordable(149) == {}


def test_the_table_of_ranks_holds_what_the_verdict_was_made_of():
    finding, _ = probe(Patchy)
    ranks = finding.tables[1]
    once = ranks.columns.index("planted once")
    top = next(row for row in ranks.rows if row[0] == 32)
    share = float(str(top[once]).rstrip("%")) / 100
    assert (share - CHANCE) / (1 - CHANCE) == pytest.approx(finding.estimates[0].value, abs=1e-4)


def test_exposures_without_memorisation_are_those_of_uniform_ranks():
    rng = np.random.default_rng(0)
    found = exposure(rng.normal(size=20_000), rng.normal(size=1023), rng)
    assert np.median(found) == pytest.approx(1.0, abs=0.1)
    assert found.max() == pytest.approx(10.0)
    tied = exposure(np.zeros(20_000), np.zeros(1023), rng)
    assert np.median(tied) == pytest.approx(1.0, abs=0.05)  # ties are broken at random


def test_the_extrapolation_goes_on_where_ranks_end():
    rng = np.random.default_rng(0)
    references = rng.normal(10, 1, 2000)
    found = extrapolated_exposure(np.array([10.0, 4.0]), references)
    assert found[0] == pytest.approx(1.0, abs=0.2)
    assert found[1] > 20
    assert np.isnan(extrapolated_exposure(np.zeros(2), np.zeros(9))).all()


def test_median_intervals_cover():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        low, high = median_interval(rng.exponential(size=24), 0.95, (0.0, 99.0))
        covered += low <= np.log(2) <= high
    assert covered / 2000 >= 0.945
    assert median_interval(np.ones(3), 0.999, (0.0, 11.0)) == (0.0, 11.0)


@pytest.mark.parametrize("make", [tabular, text])
def test_canaries_stand_in_train_as_often_as_they_should(make):
    data = make()
    made = make_canaries(data, {1: 3, 4: 2}, 5, 20, np.random.default_rng(0))
    planted = with_canaries(data, made, np.random.default_rng(1), one_unit=True)
    assert len(planted.train) == len(data.train) + 11
    assert list(planted.train.columns) == list(planted.schema.names)
    people_of = planted.units("train")
    new = np.unique(people_of, return_counts=True)[1]
    assert sorted(new)[-2:] == [4, 4]
    assert len(new) == len(data.train) + 5
    unit = str(planted.schema.unit)
    for _, group in planted.train.groupby(unit):
        assert len(group.drop(columns=unit).astype(str).drop_duplicates()) == 1


def test_canaries_of_texts_differ_in_their_digits_alone():
    made = make_canaries(text(), {1: 4}, 4, 40, np.random.default_rng(0))
    texts = pd.concat([made.planted, made.absent, made.references])["text"]
    assert texts.nunique() == 48
    assert texts.str.replace(r"\d{9}", "", regex=True).nunique() == 1


def test_canaries_of_tables_differ_or_are_not_made():
    data = people(100)
    coarse = replace(data, parts={name: part.round().clip(-2, 2) for name, part in data.parts.items()})
    made = make_canaries(coarse, {1: 50}, 50, 200, np.random.default_rng(0))
    assert len(pd.concat([made.planted, made.absent, made.references]).drop_duplicates()) == 300
    with pytest.raises(NotApplicableError, match="different records; secrets take 1,100"):
        make_canaries(coarse, {1: 50}, 50, 1000, np.random.default_rng(0))


def test_what_cannot_be_trained_again_is_no_question():
    data = people(700)
    finding, _ = Exposure().run(Subject(records_target(data.reference), data, default_policy(), 0))
    assert finding.status == "not-applicable"


@pytest.mark.slow
def test_a_text_model_under_a_budget_is_trained_again_under_it(monkeypatch):
    """All copies of a canary are one person's, and the run pays for persons."""
    monkeypatch.setattr(module, "ABSENT", 100)
    data = text(400)
    model = create("text-transformer", epochs=1, **SMALL).fit(data, PrivacyBudget(epsilon=1), progress=False)
    asked = Subject(model_target(model, 120, 0), data, default_policy(), 0)
    assert module.claimed_budget(asked).unit == "person"
    finding, _ = Exposure().run(asked)
    # The noise is real, so numbers differ from run to run; at the verdict's level none raises an alarm.
    assert finding.status in ("pass", "inconclusive")
    assert [one.name for one in finding.estimates] == ["memorized_1", "memorized", "exposure_1"]
    assert "drawn anew in every run" in finding.why
