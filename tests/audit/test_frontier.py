"""One suite at several budgets on one page."""

import math

import pytest

from audit import run_audit
from audit.cli import main
from audit.frontier import Step, at_epsilon, parse_epsilons, summary
from audit.suite import Suite
from generators import InputError
from reports import Audit, render_html
from tests.audit.planting import affairs, copied

CHECKS = ["membership.distance", "fidelity.marginals", "fidelity.precision-recall", "fairness.representation"]


@pytest.fixture(scope="module")
def steps():
    data, fresh = affairs(0)
    records = {1.0: fresh, math.inf: copied(data, fresh, 0.6)}
    return [
        Step(epsilon, run_audit(frame, data, CHECKS, seed=0), f"place-{epsilon:g}")
        for epsilon, frame in records.items()
    ]


def test_every_budget_stands_beside_the_others(steps, tmp_path):
    audit = summary("Affairs", steps)
    finding = audit.findings[0]
    points = finding.figures[0].data["points"]
    assert [point["label"] for point in points] == ["epsilon 1", "no budget"]
    assert points[0]["x"] < points[1]["x"]
    assert [row[0] for row in finding.tables[0].rows] == ["epsilon 1", "no budget"]
    groups = finding.tables[1]
    assert groups.columns == ["check", "subgroup", "epsilon 1", "no budget"]
    assert {row[0] for row in groups.rows} == {"fairness.representation"}
    assert Audit.from_json(audit.to_json()) == audit
    render_html(audit, tmp_path / "report.html")
    assert "What privacy costs" in (tmp_path / "report.html").read_text()


def test_a_failing_gate_is_told_what_would_help(steps):
    failing = [gate.estimate for gate in steps[1].audit.gates if gate.status == "fail"]
    assert failing
    remedies = summary("Affairs", steps).findings[0].tables[-1]
    assert [row[3] for row in remedies.rows] == ["train with epsilon 1"] * len(failing)
    assert "The largest budget at which no gate fails is epsilon 1." in summary("Affairs", steps).findings[0].why


@pytest.mark.parametrize("text", ["1,two", "0,1", "1,1", "", "-3"])
def test_senseless_budgets_are_refused(text):
    with pytest.raises(InputError, match="--epsilons"):
        parse_epsilons(text)


def test_only_epsilon_changes():
    raw = {"data": {"source": "affairs"}, "model": {"kind": "tabular-vae", "budget": {"epsilon": 2, "delta": 1e-6}}}
    suite = Suite.model_validate(raw)
    assert at_epsilon(suite, 0.5).model.budget.delta == 1e-6
    assert at_epsilon(suite, 0.5).model.budget.epsilon == 0.5
    assert at_epsilon(suite, math.inf).model.budget is None
    with pytest.raises(InputError, match="trains models"):
        at_epsilon(Suite.model_validate({"data": {"source": "affairs"}, "synthetic": "s.csv"}), 1)


def test_the_command_trains_and_audits_each(tmp_path, capsys):
    path = tmp_path / "suite.yaml"
    path.write_text(
        "data: {source: affairs, split: {train: 0.2, holdout: 0.1, reference: 0.1}}\n"
        "model: {kind: tabular-vae, parameters: {epochs: 1, hidden: 16}}\n"
        "checks: [fidelity.marginals]\n"
    )
    folder = tmp_path / "out"
    code = main(["frontier", str(path), "--epsilons", "8,inf", "--output", str(folder)])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert {one.name for one in folder.iterdir()} >= {"epsilon-8", "no-budget", "report.html", "audit.json"}
    assert Audit.load(folder / "epsilon-8").privacy.claim.epsilon <= 8
    assert Audit.load(folder / "no-budget").privacy.claim is None
    assert main(["verify", str(folder)]) == 0
    assert main(["frontier", str(path), "--epsilons", "x", "--output", str(tmp_path / "other")]) == 2
    assert not (tmp_path / "other").exists()
