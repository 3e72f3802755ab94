"""The risk of each record: right numbers, ids that tell nothing, keys only on request."""

import json

import numpy as np
import pandas as pd
import pytest

from audit.checks import all_checks
from audit.cli import main
from audit.membership import record_risk, write_record_risk
from audit.membership.attack import scores_of
from generators import InputError
from tests.audit.membership.test_attacks import subject_of
from tests.audit.planting import affairs, copied


@pytest.fixture(scope="module")
def subject():
    """A fifth of train leaked; two attacks have run."""
    data, fresh = affairs(0)
    seen = subject_of(copied(data, fresh, 0.2), data)
    for attack in ("membership.calibrated-distance", "membership.distance"):
        check = all_checks()[attack]()
        check.measure([seen.scored.main], seen)
    return seen


def test_risk_is_the_share_of_others_below(subject):
    risk = record_risk(subject)
    assert list(risk.columns) == ["row", "membership.calibrated-distance", "membership.distance"]
    assert sorted(risk["row"]) == list(range(len(subject.dataset.train)))
    found = subject.found(*scores_of("membership.distance", "main"))
    first = found.members[0]
    expected = np.mean(found.nonmembers < first) + np.mean(found.nonmembers == first) / 2
    assert risk["membership.distance"][0] == pytest.approx(expected)
    leaked = risk["row"] < round(0.2 * len(subject.dataset.train))
    assert risk.loc[leaked, "membership.distance"].median() > risk.loc[~leaked, "membership.distance"].median() + 0.2


def test_ids_follow_from_nothing_and_keys_resolve_them(subject, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_record_risk(subject, tmp_path / name, tmp_path / f"{name}-keys.parquet")
    first, second = (pd.read_parquet(tmp_path / name / "record_risk.parquet") for name in ("a", "b"))
    assert list(first.columns) == ["id", "membership.calibrated-distance", "membership.distance"]
    assert not set(first["id"]) & set(second["id"])
    assert first["id"].is_monotonic_increasing
    keys = pd.read_parquet(tmp_path / "a-keys.parquet")
    resolved = first.merge(keys, on="id").sort_values("row", ignore_index=True)
    expected = record_risk(subject).sort_values("row", ignore_index=True)
    pd.testing.assert_frame_equal(resolved[expected.columns], expected)


def test_without_membership_checks_there_is_no_risk_to_write():
    data, fresh = affairs(0)
    with pytest.raises(InputError, match="needs a membership check"):
        record_risk(subject_of(fresh, data))


@pytest.mark.parametrize(("keys", "message"), [("keys.csv", ".parquet"), ("no/such/keys.parquet", "does not exist")])
def test_a_bad_place_for_keys_is_refused_first(keys, message, tmp_path, capsys):
    data, fresh = affairs(0)
    parts = {"train": data.train, "holdout": data.holdout, "synthetic": fresh}
    for name, frame in parts.items():
        frame.head(200).to_parquet(tmp_path / f"{name}.parquet")
    arguments = [part for name in parts for part in (f"--{name}", str(tmp_path / f"{name}.parquet"))]
    code = main(["audit", *arguments, "--record-keys", str(tmp_path / keys), "--output", str(tmp_path / "out")])
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_writes_risk_only_when_asked(tmp_path):
    data, fresh = affairs(0)
    for name, frame in {"train": data.train, "holdout": data.holdout, "synthetic": fresh}.items():
        frame.head(600).to_parquet(tmp_path / f"{name}.parquet")
    parts = [part for name in ("train", "holdout", "synthetic") for part in (f"--{name}", tmp_path / f"{name}.parquet")]
    base = ["audit", *parts, "--checks", "membership.distance", "--allow-inconclusive"]
    main([*map(str, [*base, "--output", tmp_path / "plain"])])
    main([*map(str, [*base, "--record-keys", tmp_path / "keys.parquet", "--output", tmp_path / "asked"])])
    assert not list((tmp_path / "plain").glob("*.parquet"))
    assert [path.name for path in (tmp_path / "asked").glob("*.parquet")] == ["record_risk.parquet"]
    risk, keys = pd.read_parquet(tmp_path / "asked" / "record_risk.parquet"), pd.read_parquet(tmp_path / "keys.parquet")
    assert set(risk["id"]) == set(keys["id"])
    assert "record_risk.parquet" in json.loads((tmp_path / "asked" / "MANIFEST.json").read_text())["files"]
    assert not any(one in (tmp_path / "asked" / "audit.json").read_text() for one in risk["id"])
