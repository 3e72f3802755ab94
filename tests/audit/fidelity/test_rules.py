import numpy as np
import pandas as pd
import pytest

from audit.fidelity.rules import learn_rules
from generators import Column
from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import affairs

COLUMNS = [
    Column("low", "numeric"),
    Column("high", "numeric"),
    Column("code", "categorical"),
    Column("name", "categorical"),
]


def table(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    low = rng.normal(size=rows)
    code = rng.choice(["1", "2", "3"], rows)
    names = np.array([{"1": "ann", "2": "bob", "3": None}[one] for one in code], dtype=object)
    return pd.DataFrame({"low": low, "high": low + rng.exponential(size=rows), "code": code, "name": names})


def broken(rules, frame):
    return {rule.columns.partition(" (")[0] for rule in rules if rule.broken(frame).any()}


def test_rules_hold_where_they_were_learnt():
    frame = table()
    rules = learn_rules(frame, COLUMNS)
    assert {rule.kind for rule in rules} == {"domain", "order", "implication"}
    assert broken(rules, frame) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"high": -9.0}, {"low <= high", "high as seen"}),
        ({"code": "9"}, {"code as seen", "name determines code"}),
        ({"name": "ann"}, {"code determines name", "name determines code"}),
        ({"code": "3", "name": "bob"}, {"code determines name", "name determines code"}),
    ],
)
def test_a_broken_rule_is_named(change, expected):
    frame = table()
    assert broken(learn_rules(frame, COLUMNS), frame.assign(**change)) == expected


def test_independent_columns_have_no_rules_between_them():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(["x", "y"], 500), "b": rng.choice(["u", "v"], 500, p=[0.99, 0.01])})
    rules = learn_rules(frame, [Column("a", "categorical"), Column("b", "categorical")])
    assert {rule.kind for rule in rules} == {"domain"}


def test_violations_are_counted_and_no_value_is_shown():
    data, fresh = affairs(0)
    clean = probe("fidelity.constraints", fresh, data)
    assert clean.controls.positive.status == "detected"
    assert values(clean)["violations"] < 0.01
    impossible = fresh.assign(age=np.where(np.arange(len(fresh)) % 10 == 0, 177.25, fresh["age"]))
    finding = probe("fidelity.constraints", impossible, data)
    assert values(finding)["violations"] == pytest.approx(0.1, abs=0.01)
    assert "177.25" not in finding.model_dump_json()
