from dataclasses import replace

import numpy as np
import pytest

from audit.checks import Subject, default_policy
from audit.targets import records_target
from audit.utility import TrainSyntheticTestReal
from audit.utility.learning import choose_task
from generators import load_dataset
from tests.audit.planting import affairs, thirds


def probe(records, data):
    return TrainSyntheticTestReal().run(Subject(records_target(records), data, default_policy(), 0))[0]


def by_name(finding):
    return {one.name: one for one in finding.estimates}


def with_target(data, target):
    return replace(data, schema=replace(data.schema, target=target))


def test_classes_real_records_do_the_work_and_shuffled_ones_do_not():
    data, fresh = thirds(load_dataset("digits"), 0, 590)
    finding = probe(fresh, data)
    found = by_name(finding)
    assert set(found) == {"auc_synthetic", "auc_real", "loss", "linear_loss"}
    assert found["auc_synthetic"].low > 0.9
    assert found["loss"].low <= 0.02
    assert finding.controls.positive.status == "detected"
    assert finding.controls.positive.estimates[0].value == pytest.approx(0.5, abs=0.1)


def test_numbers_are_scored_by_r_squared():
    data, fresh = affairs(0)
    found = by_name(probe(fresh, with_target(data, "affairs")))
    assert set(found) == {"r2_synthetic", "r2_real", "loss", "linear_loss"}
    assert found["loss"].low < 0.05


def test_the_choice_of_a_target_is_said():
    data, fresh = affairs(0)
    finding = probe(fresh, with_target(data, None))
    assert "name another with --target" in finding.why


def test_no_usable_target_is_not_applicable():
    data, fresh = affairs(0)
    constant = replace(data, parts={name: frame.assign(age=30.0) for name, frame in data.parts.items()})
    finding = probe(fresh.assign(age=30.0), with_target(constant, "age"))
    assert finding.status == "not-applicable"
    assert "--target" in finding.why


def test_one_class_alone_is_chance_and_no_crash():
    data, fresh = thirds(load_dataset("breast-cancer"), 0, 180)
    target = choose_task(Subject(records_target(fresh), data, default_policy(), 0)).column
    finding = probe(fresh.assign(**{target: fresh[target].iloc[0]}), data)
    assert by_name(finding)["auc_synthetic"].value == 0.5


def test_the_same_seed_gives_the_same_numbers():
    data, fresh = thirds(load_dataset("breast-cancer"), 2, 180)
    assert probe(fresh, data).estimates == probe(fresh, data).estimates
    assert np.isfinite([one.value for one in probe(fresh, data).estimates]).all()
