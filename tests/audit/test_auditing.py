"""Running checks into an Audit: determinism, errors that lose nothing, and a golden document."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from audit import Attack, Subject, all_checks, run_audit
from audit.checks import Check, NotApplicableError, default_policy
from audit.options import exit_code
from audit.targets import records_target
from generators import InputError, load_dataset
from reports import Audit
from tests.audit.planting import affairs, alarms, copied

GOLDEN = Path(__file__).parent / "golden" / "audit.json"
FAST = ["membership.distance", "memorization.copies", "fidelity.marginals"]


@pytest.fixture(scope="module")
def leaky():
    data, fresh = affairs(0)
    return copied(data, fresh, 0.1), data


class Broken(Check):
    """Breaks in the middle."""

    id, title, question = "test.broken", "Broken", "Does it break?"
    source, knowledge, remedy = "none", "none", "none"

    def _examine(self, subject):
        raise RuntimeError(f"a secret cell: {subject.synthetic.iloc[0, 0]}")


class Senseless(Broken):
    """Finds itself senseless."""

    def _examine(self, subject):  # noqa: ARG002
        raise NotApplicableError("there is nothing to ask")


class Demanding(Broken):
    """Needs the model."""

    access = "white-box"


@pytest.mark.parametrize(
    ("check", "status", "why"),
    [
        (Broken, "error", "RuntimeError at test_auditing.py"),
        (Senseless, "not-applicable", "there is nothing to ask"),
        (Demanding, "not-applicable", "needs white-box access; this target gives synthetic-only"),
    ],
)
def test_what_goes_wrong_is_a_status_and_names_no_cell(check, status, why, leaky):
    finding, gates = check().run(Subject(records_target(leaky[0]), leaky[1], default_policy(), 0))
    assert (finding.status, gates, finding.estimates) == (status, [], [])
    assert why in finding.why
    assert "secret" not in finding.why


def test_every_check_states_itself():
    for name, check in all_checks().items():
        assert name == check.id
        assert check.question.endswith("?")
        assert all([check.title, check.source, check.knowledge, check.remedy, check.__doc__])
        assert "Source:" in check.__doc__


def test_the_gates_agree_with_their_estimates(leaky):
    audit = run_audit(*leaky, FAST, seed=0)
    for gate in audit.gates:
        estimate = next(one for one in audit.finding(gate.finding).estimates if one.name == gate.estimate)
        assert gate.low <= estimate.low <= estimate.value <= estimate.high <= gate.high
        assert estimate.limit == gate.limit
        assert estimate.null == pytest.approx(gate.null)
        if gate.status == "fail":
            assert gate.low > gate.limit
            assert gate.excess_low > 0


def test_the_order_of_checks_does_not_change_a_number(leaky):
    one = run_audit(*leaky, ["membership.density-ratio", "membership.distance"], seed=3)
    alone = run_audit(*leaky, ["membership.distance"], seed=3)
    assert one.finding("membership.distance").estimates == alone.finding("membership.distance").estimates
    assert [gate for gate in one.gates if gate.finding == "membership.distance"] == alone.gates


def test_another_seed_changes_the_sampling_but_not_the_verdict(leaky):
    verdicts = {run_audit(*leaky, ["memorization"], seed=seed).status for seed in range(3)}
    assert verdicts == {"fail"}


def test_unsplit_data_are_refused():
    data = load_dataset("affairs")
    with pytest.raises(InputError, match=r"no train part: call \.split\(\)"):
        run_audit(data.records, data)


@pytest.fixture(scope="module")
def model_and_data():
    from generators import TabularVAE

    data = load_dataset("affairs").split(seed=0)
    return TabularVAE(epochs=1).fit(data, progress=False), data


def test_a_model_is_audited_on_what_it_was_trained_on_only(model_and_data):
    model, data = model_and_data
    assert run_audit(model, data, ["fidelity.marginals"]).target.kind == "tabular-vae"
    with pytest.raises(InputError, match="fingerprint differs"):
        run_audit(model, load_dataset("affairs").split(seed=1), ["fidelity.marginals"])
    with pytest.raises(InputError, match="was trained on 3183 records"):
        run_audit(model, load_dataset("affairs").split(seed=0, shares=(0.4, 0.4, 0.2)), ["fidelity.marginals"])


def test_a_handful_of_people_decides_nothing(leaky):
    records, data = leaky
    from dataclasses import replace

    few = replace(data, parts={**data.parts, "holdout": data.holdout.iloc[:20]})
    audit = run_audit(records, few)
    answered = {finding.status for finding in audit.findings} - {"not-applicable", "not-run"}
    assert answered == {"inconclusive"}
    assert "holdout holds 20 people" in audit.findings[0].why
    assert (audit.status, exit_code(audit), exit_code(audit, allow_inconclusive=True)) == ("inconclusive", 4, 0)


def test_a_limit_that_could_not_be_tried_is_no_pass(model_and_data):
    _, data = model_and_data
    from dataclasses import replace

    few = replace(data, parts={**data.parts, "holdout": data.holdout.iloc[:800]})
    finding = run_audit(data.reference, few, ["membership.distance"]).findings[0]
    assert finding.status == "inconclusive"
    assert "1% false alarms could not be tried" in finding.why


def test_no_cell_of_a_record_stands_in_the_document(leaky):
    """A value that only one training record holds, and its copy, must not appear in any output."""
    records, data = leaky
    token = 987654.25
    train = data.train.copy()
    train.loc[0, "affairs"] = token
    records = records.copy()
    records.loc[0, "affairs"] = token
    from dataclasses import replace

    planted = replace(data, parts={**data.parts, "train": train})
    text = run_audit(records, planted, seed=0).to_json()
    assert str(token) not in text
    assert "987654" not in text


def test_the_golden_audit(leaky):
    """The whole document of a planted leak on the affairs survey, but for clocks, versions and the last digits."""
    audit = run_audit(*leaky, FAST, seed=0, name="golden", command="genassay audit")
    assert alarms(audit)["memorization.copies/excess_copies"] == "fail"
    found = settled(json.loads(audit.to_json()))
    if not GOLDEN.exists():
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
        pytest.fail(f"{GOLDEN.name} was missing and has been written: read it, then commit it")
    same(found, json.loads(GOLDEN.read_text()), "$")


def test_the_golden_audit_is_a_document():
    assert Audit.load(GOLDEN).status == "fail"


def settled(document):
    """Without what differs between machines and runs."""
    document["created"], document["seconds"] = "2026-01-01T00:00:00+00:00", 0.0
    document["provenance"].update(python="3", packages={}, platform="any", git=None, genassay="any")
    for finding in document["findings"]:
        finding["seconds"] = 0.0
    return document


def same(found, golden, path):
    assert type(found) is type(golden) or {type(found), type(golden)} <= {int, float}, path
    if isinstance(found, dict):
        assert found.keys() == golden.keys(), path
        for key in found:
            same(found[key], golden[key], f"{path}.{key}")
    elif isinstance(found, list):
        assert len(found) == len(golden), path
        for number, (one, other) in enumerate(zip(found, golden, strict=True)):
            same(one, other, f"{path}[{number}]")
    elif isinstance(found, float | int) and not isinstance(found, bool):
        assert np.isclose(found, golden, rtol=0.02, atol=2e-3), path
    elif isinstance(found, str):  # sentences quote numbers, whose last digits differ between machines
        assert re.sub(r"[0-9.]+", "#", found) == re.sub(r"[0-9.]+", "#", golden), path
    else:
        assert found == golden, path


def test_attacks_evaluations_and_experiments_are_the_only_kinds():
    from audit import Evaluation
    from audit.checks.experiment import Experiment

    # Exposure trains anew with records of its own, whose absent twins are its controls; what is missing does nothing.
    others = {name for name, check in all_checks().items() if not issubclass(check, Attack | Evaluation | Experiment)}
    # What is read without noise is compared, entry by entry: there is nothing to estimate.
    assert others == {
        "dp.preprocessing",
        "memorization.exposure",
        "memorization.model-inversion",
        "memorization.reconstruction",
    }
