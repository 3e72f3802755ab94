"""The checks end to end: on the shipped trainer, on broken ones, and on what they must refuse."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import audit.dp.rerunning as rerunning
from audit import run_audit
from audit.cli import main
from audit.dp import Gaussian, OneRun, Preprocessing
from audit.dp.preprocessing import entries, neighbours
from generators import Dataset, PrivacyBudget, TabularVAE, load_dataset
from reports import Audit
from tests.audit.dp.faults import FAULTS


@cache
def data() -> Dataset:
    whole = load_dataset("affairs").split(seed=0)
    return replace(whole, parts={name: frame.iloc[:300].reset_index(drop=True) for name, frame in whole.parts.items()})


@cache
def model() -> TabularVAE:
    return TabularVAE(epochs=2).fit(data(), PrivacyBudget(4.0, 1e-5), progress=False)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerunning, "CANARIES", 700)
    monkeypatch.setattr(rerunning, "REPLAYS", 6)


def audited(*checks: str, seed: int = 0) -> Audit:
    return run_audit(model(), data(), checks=list(checks), seed=seed)


@pytest.mark.usefixtures("small")
def test_the_shipped_trainer_is_consistent_with_its_claim() -> None:
    audit = audited("dp.gaussian", "dp.one-run")
    finding = audit.finding("dp.gaussian")
    assert finding.status == "pass", finding.why
    bound = finding.estimates[0]
    claim = audit.privacy.claim
    assert claim is not None
    assert (bound.name, bound.kind, bound.limit) == ("epsilon_lower", "family", claim.epsilon)
    assert bound.ceiling is not None
    # Noise is new in every run, so the bound is too; a small run leaves it well below the claim.
    assert 0.4 * claim.epsilon < bound.value < claim.epsilon < bound.ceiling
    one_run = audit.finding("dp.one-run")
    assert one_run.status == "inconclusive"
    assert "canaries would be needed" in one_run.why
    assert [one.kind for one in one_run.estimates] == ["certified", "family"]
    assert all(one.value < claim.epsilon for one in one_run.estimates)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", [one for one in FAULTS if one.name in ("no noise", "no clipping")], ids=repr)
def test_a_broken_trainer_is_violated_and_the_cause_named(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    model()
    fault.plant(monkeypatch)
    finding = audited("dp.gaussian").finding("dp.gaussian")
    assert finding.status == "fail"
    assert fault.named in finding.why
    assert "Violated" in finding.why


def test_nothing_but_noise_tells_an_extreme_record() -> None:
    finding = audited("dp.preprocessing").finding("dp.preprocessing")
    assert finding.status == "pass", finding.tables
    assert finding.controls.positive.status == "detected"


@pytest.mark.slow
def test_bounds_that_are_read_from_the_records_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model()
    learn = TabularVAE._learn

    def leaky(self: TabularVAE, frame: pd.DataFrame, schema, *, public_only: bool) -> None:
        learn(self, frame, schema, public_only=public_only)
        column = next(one for one in schema.modelled if one.is_number)
        self.schema_ = schema
        self.history_note = float(frame[column.name].max())

    monkeypatch.setattr(TabularVAE, "_learn", leaky)
    monkeypatch.setattr(
        TabularVAE,
        "_encoders",
        lambda self, plain=TabularVAE._encoders: {**plain(self), "high": getattr(self, "history_note", 0.0)},
    )
    finding = audited("dp.preprocessing").finding("dp.preprocessing")
    assert finding.status == "fail"
    assert finding.estimates[0].value >= 1
    shown = finding.model_dump_json()
    assert "high" in shown


def test_neighbours_differ_in_one_record_that_is_like_no_other() -> None:
    plain, *extreme = neighbours(data().train, data().schema)
    for other in extreme:
        differs = (plain.astype(str) != other.astype(str)).any(axis=1)
        assert differs.tolist() == [True] + [False] * (len(plain) - 1)


def test_entries_of_a_model_hold_no_values_of_weights() -> None:
    found = entries(model())
    assert any(name.startswith("weights.safetensors: shape") for name in found)
    assert len(found) > 20


@pytest.mark.parametrize("check", [Gaussian, OneRun, Preprocessing])
def test_without_a_model_or_a_claim_there_is_nothing_to_examine(check) -> None:
    records = run_audit(data().reference.head(200), data(), checks=[check.id])
    assert records.findings[0].status == "not-applicable"
    free = TabularVAE(epochs=1).fit(data(), progress=False)
    finding = run_audit(free, data(), checks=[check.id]).findings[0]
    assert finding.status == "not-applicable"
    assert "no differential privacy is claimed" in finding.why


def test_dp_checks_wait_for_their_own_name() -> None:
    assert {one.status for one in audited("dp").findings} == {"not-run"}


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_command_examines_a_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "audit"
    asked = ["dp-audit", "tabular-vae", "--data", "affairs", "--epsilon", "4", "--delta", "1e-5"]
    assert main([*asked, "--set", "epochs=2", "--output", str(folder)]) in (0, 4)
    audit = Audit.load(folder)
    assert [one.id for one in audit.findings] == ["dp.gaussian", "dp.preprocessing"]
    assert audit.finding("dp.preprocessing").status == "pass"
    assert (folder / "report.html").is_file()
    assert "epsilon" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--epsilon", "4"], "delta"),
        (["--epsilon", "-1", "--delta", "1e-5"], "epsilon is -1"),
        (["--epsilon", "4", "--delta", "2"], "delta is 2"),
        (["--epsilon", "4", "--delta", "1e-5", "--method", "magic"], "choose gaussian"),
    ],
)
def test_a_claim_that_says_nothing_is_a_usage_error(change: list[str], said: str, capsys) -> None:
    assert main(["dp-audit", "tabular-vae", "--data", "affairs", *change]) == 2
    assert said in capsys.readouterr().err
