"""Exposure of planted secrets: ranks, medians, canaries, and whole runs of trainers that leak and that do not."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import audit.memorization.exposure as module
from audit.checks import Subject, default_policy
from audit.memorization import Exposure
from audit.memorization.canaries import make_canaries, with_canaries
from audit.memorization.exposure import exposure, extrapolated_exposure, median_interval
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


def probe(family, seed=0):
    data = people(700, seed)
    model = family().fit(data, progress=False)
    return Exposure().run(Subject(model_target(model, 200, 0), data, default_policy(), seed))


def test_a_trainer_that_learns_by_heart_fails():
    finding, gates = probe(Heedless)
    assert [one.name for one in finding.estimates] == ["exposure_1", "exposure_4", "exposure_16"]
    assert [gate.status for gate in gates] == ["fail"]
    assert all(one.value == pytest.approx(11.0) for one in finding.estimates)
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    assert finding.tables[0].rows[0][:2] == ["once", 200]


def test_a_trainer_that_learns_nothing_raises_no_alarm():
    """Nor could it be shown to leak if it learnt: its own positive control says so."""
    finding, gates = probe(Deaf)
    assert [gate.status for gate in gates] == ["inconclusive"]
    assert finding.controls.positive.status == "missed"
    assert all(one.low <= 1 <= one.high for one in finding.estimates)


@pytest.mark.slow
def test_forty_seeds_without_memorisation_raise_no_alarm():
    alarms = covered = 0
    for seed in range(40):
        finding, gates = probe(Deaf, seed)
        alarms += gates[0].status in ("warn", "fail")
        covered += finding.estimates[0].low <= 1 <= finding.estimates[0].high
    assert alarms == 0
    assert covered >= 34


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


def test_what_cannot_be_trained_again_is_no_question():
    data = people(700)
    finding, _ = Exposure().run(Subject(records_target(data.reference), data, default_policy(), 0))
    assert finding.status == "not-applicable"
    few = people(60)
    model = Heedless().fit(few, progress=False)
    finding, _ = Exposure().run(Subject(model_target(model, 200, 0), few, default_policy(), 0))
    assert "too few to plant" in finding.why


@pytest.mark.slow
def test_a_text_model_under_a_budget_is_trained_again_under_it(monkeypatch):
    """All copies of a canary are one person's, and the run pays for persons."""
    monkeypatch.setattr(module, "COUNTS", {1: 20, 4: 10})
    monkeypatch.setattr(module, "ABSENT", 60)
    data = text(400)
    model = create("text-transformer", epochs=1, **SMALL).fit(data, PrivacyBudget(epsilon=1), progress=False)
    asked = Subject(model_target(model, 120, 0), data, default_policy(), 0)
    assert module.claimed_budget(asked).unit == "person"
    finding, _ = Exposure().run(asked)
    # The noise is real, so numbers differ from run to run; at the verdict's level none raises an alarm.
    assert finding.status in ("pass", "inconclusive")
    assert [one.name for one in finding.estimates] == ["exposure_1", "exposure_4"]
