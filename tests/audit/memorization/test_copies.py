import numpy as np
import pandas as pd
import pytest

from audit.checks import Subject, default_policy
from audit.memorization import Copies
from audit.targets import records_target
from generators import Column, Dataset, Schema
from tests.audit.planting import affairs, copied


def probe(records, data, seed=0):
    return Copies().run(Subject(records_target(records), data, default_policy(), seed))


def continuous(rows, seed):
    """Records that no chance repeats: eight normal numbers and a category."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 8)), columns=list("abcdefgh"))
    return frame.assign(group=rng.choice(["x", "y"], rows))


@pytest.fixture(scope="module")
def data():
    columns = (*(Column(name, "numeric") for name in "abcdefgh"), Column("group", "categorical"))
    schema = Schema(columns=columns)
    return Dataset.from_parts("made", train=continuous(4000, 0), holdout=continuous(8000, 1), schema=schema)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_the_planted_share_is_recovered(data, share):
    finding, gates = probe(copied(data, continuous(4000, 2), share), data)
    exact, near = finding.estimates
    assert exact.low <= share <= exact.high
    assert near.low <= share <= near.high
    assert [gate.status for gate in gates] == ["fail", "fail"]


def test_near_copies_are_told_from_exact_ones(data):
    finding, gates = probe(copied(data, continuous(4000, 2), 0.05, jitter=0.002), data)
    exact, near = finding.estimates
    assert exact.value == pytest.approx(0, abs=1e-6)
    assert near.low <= 0.05 <= near.high
    assert gates[1].status == "fail"


def test_fresh_records_pass_where_chance_copies_nobody(data):
    finding, gates = probe(continuous(4000, 2), data)
    assert gates[0].status == "pass"
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    assert gates[1].status == "pass"


def test_copies_count_per_synthetic_record_where_those_are_fewer(data):
    few = pd.concat([data.train.iloc[:20], continuous(180, 2)], ignore_index=True)
    finding, gates = probe(few, data)
    assert finding.estimates[0].value == pytest.approx(0.1, rel=0.05)
    assert finding.estimates[0].unit == "per synthetic record"
    assert gates[0].status in ("warn", "fail")


def test_rare_records_carry_the_signal_on_coarse_data():
    data, fresh = affairs(0)
    quiet, _ = probe(fresh, data)
    leaky, gates = probe(copied(data, fresh, 0.05), data)
    assert "13." in quiet.why or "12." in quiet.why or "14." in quiet.why  # chance copies, in percent
    assert leaky.estimates[0].low > 0.01
    assert gates[0].status in ("warn", "fail")
    assert quiet.status in ("pass", "inconclusive")


def test_power_names_the_smallest_share_that_would_be_noticed(data):
    finding, _ = probe(continuous(4000, 2), data)
    shares = finding.power["smallest_detectable_share"]
    assert 0.001 <= shares["excess_copies"] <= 0.01
    assert shares["excess_near_copies"] >= shares["excess_copies"]
