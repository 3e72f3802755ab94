"""What membership audits are given by mistake, end to end."""

import json

import numpy as np
import pandas as pd
import pytest

from audit.cli import main

CHECKS = "membership.distance,membership.calibrated-distance,membership.monte-carlo,membership.combined"


def table(rows, seed, people=None, start=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.gamma(2, 900, rows).round(2),
            "age": rng.integers(18, 90, rows),
            "region": rng.choice(["north", "south", "east"], rows),
            "survey": "spring",
        }
    )
    return frame if people is None else frame.assign(patient=[f"p{start + i % people}" for i in range(rows)])


def audit(tmp_path, *more, checks=CHECKS, **parts):
    arguments = ["audit", "--checks", checks, "--output", str(tmp_path / "out")]
    for name, frame in parts.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        arguments += [f"--{name}", str(tmp_path / f"{name}.csv")]
    return main([*arguments, *more])


def written(tmp_path):
    return json.loads((tmp_path / "out" / "audit.json").read_text())


def test_people_in_two_parts_are_counted_and_stop_the_audit(tmp_path, capsys):
    train, holdout = table(300, 0, people=100), table(300, 1, people=100, start=93)
    code = audit(tmp_path, "--unit", "patient", train=train, holdout=holdout, synthetic=table(300, 2, people=100))
    assert code == 2
    assert "7 people also stand in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_holdout_that_was_trained_on_stops_the_audit(tmp_path, capsys):
    train = table(300, 0)
    holdout = pd.concat([table(250, 1), train[:50]], ignore_index=True)
    assert audit(tmp_path, train=train, holdout=holdout, synthetic=table(300, 2)) == 2
    assert "50 of 300 rows are equal to rows of" in capsys.readouterr().err


def test_a_reference_that_was_trained_on_is_said_so(tmp_path):
    train = table(300, 0)
    reference = pd.concat([table(250, 3), train[:50]], ignore_index=True)
    code = audit(
        tmp_path,
        checks="membership.distance",
        train=train,
        holdout=table(300, 1),
        reference=reference,
        synthetic=table(300, 2),
    )
    assert code != 2
    assert any("the attacker is given part of the training data" in note for note in written(tmp_path)["notes"])


def test_publishing_train_itself_fails_and_nothing_breaks(tmp_path):
    train = table(400, 0)
    assert audit(tmp_path, train=train, holdout=table(800, 1), synthetic=train) == 1
    found = {one["id"]: one for one in written(tmp_path)["findings"]}
    assert {one["status"] for one in found.values()} <= {"fail", "manual"}
    assert found["membership.distance"]["estimates"][0]["value"] == 1
    assert found["membership.combined"]["estimates"][0]["value"] > 0.99


def test_columns_without_any_variation_are_left_out(tmp_path):
    same = [table(200, seed).assign(income=5.0, age=40, region="north") for seed in range(3)]
    code = audit(tmp_path, train=same[0], holdout=same[1], synthetic=same[2])
    findings = written(tmp_path)["findings"] if code != 2 else []
    assert code in (2, 4)
    assert {one["status"] for one in findings} <= {"not-applicable"}


def test_a_constant_column_changes_nothing(tmp_path):
    parts = {"train": table(300, 0), "holdout": table(600, 1), "synthetic": table(300, 2)}
    estimates = []
    for name, frames in (("with", parts), ("without", {k: v.drop(columns="survey") for k, v in parts.items()})):
        (tmp_path / name).mkdir()
        assert audit(tmp_path / name, checks="membership.distance", **frames) in (0, 4)
        estimates.append(written(tmp_path / name)["findings"][0]["estimates"])
    assert estimates[0] == estimates[1]


@pytest.mark.parametrize(
    ("holdout", "refused"), [(600, ["tpr_at_fpr_0.01"]), (150, ["tpr_at_fpr_0.1", "tpr_at_fpr_0.01"])]
)
def test_a_rate_that_needs_more_people_is_refused_and_says_how_many(tmp_path, holdout, refused):
    code = audit(
        tmp_path, checks="membership.distance", train=table(300, 0), holdout=table(holdout, 1), synthetic=table(300, 2)
    )
    assert code == 4
    finding = written(tmp_path)["findings"][0]
    assert not set(refused) & {one["name"] for one in finding["estimates"]}
    assert f"it needs 1,000 people who were not trained on, and there are {holdout // 2}" in finding["why"]
    assert finding["why"].count("could not be tried") == len(refused)
