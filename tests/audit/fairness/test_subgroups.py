"""Fresh records single nobody out; a damage to one subgroup is found, and its name is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit.checks import Subject, default_policy
from audit.fairness.subgroups import FEWEST, Group, holm, subgroups
from audit.targets import records_target
from generators import Column, InputError, Schema
from tests.audit.contents import thirds as contents
from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import affairs

CHECKS = ["fairness.representation", "fairness.likeness", "fairness.usefulness", "fairness.exposure"]
GROUP = "occupation = 5"


@pytest.fixture(scope="module")
def parts():
    return with_a_quick_target(*affairs(0))


def with_a_quick_target(data, fresh):
    """Two classes in the place of seven: trees are quick to learn them."""

    def married(frame):
        return frame.assign(married=np.where(frame["yrs_married"] > 6, "long", "short")).drop(columns="yrs_married")

    kept = tuple(column for column in data.schema.columns if column.name != "yrs_married")
    schema = Schema((*kept, Column("married", "categorical", levels=("long", "short"))), target="married")
    cut = {name: married(frame) for name, frame in data.parts.items()}
    return replace(data, schema=schema, parts=cut), married(fresh)


def without(frame):
    inside = frame["occupation"] == "5"
    kept = np.flatnonzero(~inside | (np.arange(len(frame)) % 10 == 0))
    return frame.iloc[kept[np.arange(len(frame)) % len(kept)]].reset_index(drop=True)


def frozen(frame):
    inside = np.flatnonzero(frame["occupation"] == "5")
    rows = np.arange(len(frame))
    rows[inside] = inside[0]
    return frame.iloc[rows].reset_index(drop=True)


def misled(frame):
    inside = (frame["occupation"] == "5").to_numpy()
    return frame.assign(married=np.where(inside, "short", frame["married"]))


def leaking(frame, data):
    leaked = data.train[data.train["occupation"] == "5"]
    return pd.concat([leaked, frame.iloc[len(leaked) :]], ignore_index=True)


@pytest.mark.parametrize("check", CHECKS)
def test_fresh_records_single_nobody_out(check, parts):
    data, fresh = parts
    finding = probe(check, fresh, data)
    assert finding.status == "manual"
    assert "none stands out" in finding.why
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        ("fairness.representation", without),
        ("fairness.likeness", frozen),
        ("fairness.usefulness", misled),
        ("fairness.exposure", leaking),
    ],
)
def test_who_is_treated_worse_is_named(check, damage, parts):
    data, fresh = parts
    spoilt = damage(fresh, data) if damage is leaking else damage(fresh)
    finding = probe(check, spoilt, data)
    assert finding.tables[0].rows[0][0] == GROUP
    assert finding.tables[0].rows[0][-1] <= 0.001
    assert f"{GROUP} stands out" in finding.why or f"{GROUP}, " in finding.why


def test_small_subgroups_are_suppressed(parts):
    data, fresh = parts
    subject = Subject(records_target(fresh), data, default_policy(), 0)
    found, suppressed = subgroups(subject)
    assert suppressed > 0
    for group in found:
        assert all(group.of(frame).sum() >= FEWEST for frame in data.parts.values())
    shown = {row[0] for row in probe("fairness.representation", fresh, data).tables[0].rows}
    assert shown == {group.label for group in found}


def test_declared_columns_are_the_only_ones(parts):
    data, fresh = parts
    policy = default_policy().override({"subgroups": ["occupation"]}, "test")
    found, _ = subgroups(Subject(records_target(fresh), data, policy, 0))
    assert {group.column for group in found} == {"occupation"}
    unknown = policy.override({"subgroups": ["colour"]}, "test")
    with pytest.raises(InputError, match="'colour' is no column"):
        subgroups(Subject(records_target(fresh), data, unknown, 0))


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_labels_beside_contents_are_subgroups(modality):
    data, fresh = contents(modality, 0, 150)
    skewed = fresh.iloc[np.flatnonzero(fresh["label"] == data.schema["label"].levels[0])]
    skewed = skewed.iloc[np.arange(150) % len(skewed)].reset_index(drop=True)
    assert values(probe("fairness.representation", skewed, data))["worst_representation"] == 0


def test_missing_values_are_a_subgroup():
    frame = pd.DataFrame({"x": ["a", None, "a"]})
    assert Group("x", None).of(frame).tolist() == [False, True, False]
    assert Group("x", 2.0).label == "x = 2"


def test_holm_steps_down():
    assert holm(np.array([0.001, 0.5, 0.02])) == pytest.approx([0.003, 0.5, 0.04])


@pytest.mark.slow
def test_nobody_is_singled_out_in_twenty_splits():
    fired = []
    for seed in range(20):
        data, fresh = affairs(seed)
        for check in ("fairness.representation", "fairness.likeness", "fairness.exposure"):
            finding = probe(check, fresh, data, seed)
            fired += [(seed, check)] if "none stands out" not in finding.why else []
    assert fired == []
