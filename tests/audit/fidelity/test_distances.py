"""Real records are not told from real ones; each damage is found by the checks that are made for it."""

import numpy as np
import pandas as pd
import pytest

from audit.fidelity.distance import relabellings
from tests.audit.contents import thirds as contents
from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import affairs

TESTED = ["fidelity.marginals", "fidelity.pairs", "fidelity.combinations", "fidelity.mmd"]
TABLES = [*TESTED, "fidelity.classifier-two-sample", "fidelity.precision-recall", "diversity.modes"]


@pytest.fixture(scope="module")
def parts():
    return affairs(0)


def shuffled(frame, column="yrs_married"):
    return frame.assign(**{column: frame[column].to_numpy()[np.random.default_rng(0).permutation(len(frame))]})


def collapsed(frame):
    return frame.iloc[np.arange(len(frame)) % 40].reset_index(drop=True)


def without_a_subgroup(frame):
    kept = frame[frame["occupation"] != "5"]  # one in eight
    return kept.iloc[np.arange(len(frame)) % len(kept)].reset_index(drop=True)


DAMAGES = {"shuffled": shuffled, "collapsed": collapsed, "without a subgroup": without_a_subgroup}
FOUND = [
    ("shuffled", "fidelity.pairs"),
    ("shuffled", "fidelity.combinations"),
    ("shuffled", "fidelity.mmd"),
    ("shuffled", "fidelity.classifier-two-sample"),
    ("collapsed", "diversity.modes"),
    ("collapsed", "fidelity.precision-recall"),
    ("collapsed", "diversity.duplicates"),
    ("without a subgroup", "fidelity.marginals"),
]


@pytest.mark.parametrize("check", TABLES)
def test_fresh_records_are_not_told_from_real_ones(check, parts):
    data, fresh = parts
    finding = probe(check, fresh, data)
    assert finding.status == "manual"
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    assert "can be told from real" not in finding.why


@pytest.mark.parametrize(("damage", "check"), FOUND)
def test_a_damage_is_found_by_the_check_made_for_it(damage, check, parts):
    data, fresh = parts
    finding = probe(check, DAMAGES[damage](fresh), data)
    floor = {one.name: one for one in finding.controls.negative.estimates}
    beyond = [
        one.name
        for one in finding.estimates
        if one.name != "p_value"
        and (one.high < floor[one.name].low if one.better == "higher" else one.low > floor[one.name].high)
    ]
    assert beyond
    if check in TESTED:
        assert values(finding)["p_value"] == pytest.approx(0.001)
        assert "They can be told from real records" in finding.why


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
@pytest.mark.parametrize("check", ["fidelity.frechet", "fidelity.kernel-distance", "fidelity.precision-recall"])
def test_contents_are_compared_on_named_features(check, modality):
    data, fresh = contents(modality, 0, 200)
    finding = probe(check, fresh, data)
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    assert {"image": "gradients", "text": "themes", "audio": "voice"}[modality] in finding.why
    collapsed = fresh.iloc[np.arange(len(fresh)) % 3].reset_index(drop=True)
    worse = values(probe(check, collapsed, data))
    for name, value in values(finding).items():
        if name in ("recall", "coverage"):
            assert worse[name] < value
        elif name not in ("precision", "density", "p_value"):
            assert worse[name] > value


def test_halves_keep_people_together():
    people = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 5, 40))
    halves = np.hstack(list(relabellings(people, 250, np.random.default_rng(1))))
    assert halves.shape == (len(people), 250)
    for half in halves.T:
        assert len(set(people[half]) & set(people[~half])) == 0
        assert abs(half.sum() - len(people) / 2) <= 4
    assert np.abs(halves.mean(axis=1) - 0.5).max() < 0.15


def test_many_records_of_a_person_do_not_look_like_a_difference():
    """Each person repeats one record many times: as independent records they would be told apart nearly always."""
    from audit.checks import Subject, default_policy
    from audit.targets import records_target
    from generators import Dataset

    alarms = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        people = np.repeat(np.arange(400), 8)
        frame = pd.DataFrame({"person": [f"p{i}" for i in people], "x": rng.normal(size=400)[people].round(2)})
        data = Dataset.from_frame("clustered", frame.astype(str), unit="person").split(seed=seed)
        check = _marginals()
        records = data.train.drop_duplicates("person").reset_index(drop=True)
        finding, _ = check.run(Subject(records_target(records), data, default_policy(), seed))
        alarms += finding.controls.negative.status == "fired"
    assert alarms == 0


def _marginals():
    from audit.fidelity import Marginals

    return Marginals()


@pytest.mark.slow
def test_real_records_pass_in_twenty_of_twenty_splits():
    told = []
    for seed in range(20):
        data, fresh = affairs(seed)
        told += [(seed, check) for check in TESTED if values(probe(check, fresh, data, seed))["p_value"] <= 0.001]
    assert told == []
