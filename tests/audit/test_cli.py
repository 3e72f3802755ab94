"""The command line from outside: exit codes, the files it writes, and one clear line for every bad input."""

import json

import numpy as np
import pandas as pd
import pytest

from audit.cli import main
from audit.options import exit_code
from generators import load_dataset, write_table
from reports import Audit

FAST = "memorization.copies"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Train, holdout and synthetic files of real survey answers; 'synthetic' is fresh, 'leaky' holds copies."""
    folder = tmp_path_factory.mktemp("files")
    data = load_dataset("affairs")
    order = np.random.default_rng(0).permutation(len(data.records))
    parts = {"train": order[:1500], "holdout": order[1500:3500], "synthetic": order[3500:5000]}
    for name, rows in parts.items():
        write_table(data.records.iloc[rows], folder / f"{name}.csv", data.schema)
    train, fresh = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "synthetic.csv")
    pd.concat([train[:300], fresh[300:]]).to_csv(folder / "leaky.csv", index=False)
    return folder


def run_audit_command(files, *more, synthetic="synthetic.csv", train="train.csv", holdout="holdout.csv", checks=FAST):
    arguments = ["audit", "--train", files / train, "--holdout", files / holdout, "--synthetic", files / synthetic]
    return main([str(one) for one in [*arguments, "--checks", checks, *more]])


def test_a_leak_fails_with_code_1_and_leaves_the_three_files(files, tmp_path, capsys):
    assert run_audit_command(files, "--output", tmp_path / "out", synthetic="leaky.csv") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["MANIFEST.json", "audit.json", "report.html"]
    audit = Audit.load(tmp_path / "out")
    assert audit.status == "fail"
    assert audit.provenance.command.startswith("genassay audit --train train.csv --holdout holdout.csv")
    assert audit.findings[0].reproduce.endswith(f"--synthetic leaky.csv --checks {FAST}")
    assert str(files) not in (tmp_path / "out" / "audit.json").read_text()
    assert str(files) not in (tmp_path / "out" / "report.html").read_text()
    printed = capsys.readouterr()
    assert "FAIL" in printed.out
    assert "report.html" in printed.out
    assert "no reference given: half of" in printed.err


def test_undecided_gates_exit_with_4_unless_allowed(files, tmp_path):
    assert run_audit_command(files, "--output", tmp_path / "a") == 4
    assert run_audit_command(files, "--output", tmp_path / "b", "--allow-inconclusive") == 0


def test_the_same_seed_gives_the_same_numbers(files, tmp_path):
    chosen = ["--checks", "membership.density-ratio,memorization.copies"]
    for name in ("a", "b"):
        run_audit_command(files, "--output", tmp_path / name, *chosen)
    first, second = (json.loads((tmp_path / name / "audit.json").read_text()) for name in ("a", "b"))
    assert first["gates"] == second["gates"]
    assert [f["estimates"] for f in first["findings"]] == [f["estimates"] for f in second["findings"]]


def test_verify_names_what_changed(files, tmp_path, capsys):
    folder = tmp_path / "out"
    run_audit_command(files, "--output", folder)
    assert main(["verify", str(folder)]) == 0
    (folder / "report.html").write_text("changed")
    assert main(["verify", str(folder)]) == 1
    assert "report.html" in capsys.readouterr().err


def test_report_renders_again_from_the_document_alone(files, tmp_path):
    folder = tmp_path / "out"
    run_audit_command(files, "--output", folder)
    page = (folder / "report.html").read_text()
    assert main(["report", str(folder), "-o", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == page


def test_earlier_results_are_never_overwritten(files, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "audit.json").write_text("precious")
    assert run_audit_command(files, "--output", tmp_path / "out") == 2
    assert (tmp_path / "out" / "audit.json").read_text() == "precious"
    assert "not empty" in capsys.readouterr().err


def with_change(name, change):
    def make(files, folder):
        frame = pd.read_csv(files / f"{name}.csv", dtype=object)
        change(frame).to_csv(folder / "bad.csv", index=False)
        return {name: folder / "bad.csv"}

    return make


def with_text(name, text):
    def make(_, folder):
        (folder / "bad.csv").write_text(text)
        return {name: folder / "bad.csv"}

    return make


def with_cell(name, row, column, value):
    def change(frame):
        frame.loc[row, column] = value
        return frame

    return with_change(name, change)


def with_people_in_both(files, folder):
    for name, first in (("train", 0), ("holdout", 1400)):
        frame = pd.read_csv(files / f"{name}.csv")
        frame.insert(0, "person", [f"p{first + i}" for i in range(len(frame))])
        frame.to_csv(folder / f"{name}.csv", index=False)
    frame = pd.read_csv(files / "synthetic.csv")
    frame.insert(0, "person", [f"s{i}" for i in range(len(frame))])
    frame.to_csv(folder / "synthetic.csv", index=False)
    return {name: folder / f"{name}.csv" for name in ("train", "holdout", "synthetic")}


def with_train_in_holdout(files, folder):
    frame = pd.concat([pd.read_csv(files / "holdout.csv")[:1000], pd.read_csv(files / "train.csv")[:1000]])
    frame.to_csv(folder / "bad.csv", index=False)
    return {"holdout": folder / "bad.csv"}


BAD = {
    "missing file": (lambda _, folder: {"train": folder / "none.csv"}, ["none.csv"]),
    "empty file": (with_text("synthetic", ""), ["bad.csv", "empty"]),
    "header only": (with_text("synthetic", "age,children\n"), ["bad.csv"]),
    "one row": (with_change("train", lambda frame: frame[:1]), ["bad.csv"]),
    "column missing in synthetic": (
        with_change("synthetic", lambda frame: frame.drop(columns="age")),
        ["bad.csv", "age"],
    ),
    "column too many in synthetic": (with_change("synthetic", lambda frame: frame.assign(more=1)), ["bad.csv", "more"]),
    "column changes type": (with_cell("synthetic", 6, "age", "old"), ["bad.csv", "age", "row 7", "old"]),
    "all cells missing": (with_change("synthetic", lambda frame: frame.assign(age="")), ["bad.csv", "age"]),
    "duplicate column names": (with_text("synthetic", "age,age\n1,2\n3,4\n"), ["bad.csv", "age"]),
    "not finite": (with_cell("synthetic", 3, "age", "inf"), ["bad.csv", "age", "row 4"]),
    "too few synthetic records": (with_change("synthetic", lambda frame: frame[:99]), ["bad.csv", "99", "100"]),
    "train rows in the holdout": (with_train_in_holdout, ["bad.csv", "chance"]),
    "people in two parts": (with_people_in_both, ["person", "100"]),
    "not text": (
        lambda _, folder: (folder / "bad.csv").write_bytes(b"\xff\xfe\x00a,b") and {"train": folder / "bad.csv"},
        ["bad.csv"],
    ),
    "a folder": (lambda _, folder: {"train": folder}, [""]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_one_line_and_leaves_nothing(name, files, tmp_path, capsys):
    make, words = BAD[name]
    used = {part: files / f"{part}.csv" for part in ("train", "holdout", "synthetic")} | make(files, tmp_path)
    unit = ["--unit", "person"] if "people" in name else []
    arguments = [item for part, path in used.items() for item in (f"--{part}", str(path))]
    assert main(["audit", *arguments, *unit, "--output", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in words), lines
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.csv", *(path.name for path in used.values())}


BAD_COMMANDS = {
    "unknown command": ["attack"],
    "unknown option": ["audit", "--nonsense"],
    "no data": ["audit"],
    "no target": ["audit", "--train", "a.csv", "--holdout", "b.csv"],
    "unknown check": ["audit", "--train", "a", "--holdout", "b", "--synthetic", "c", "--checks", "membership.nonsense"],
    "no suite": ["run", "none.yaml"],
    "resume what": ["run", "none.yaml", "--resume"],
    "unknown kind": ["train", "nonsense", "--data", "affairs", "--output", "m"],
    "unknown data": ["train", "tabular-vae", "--data", "nonsense", "--output", "m"],
    "negative seed": ["audit", "--train", "a", "--holdout", "b", "--synthetic", "c", "--seed", "-1"],
    "senseless parameter": ["train", "tabular-vae", "--data", "affairs", "--output", "m", "--set", "epochs=[1"],
    "half a budget": ["train", "tabular-vae", "--data", "affairs", "--output", "m", "--delta", "1e-5"],
    "no ledger": ["ledger", "none"],
    "plan without a budget": ["plan", "--n", "100"],
    "negative budget": [
        "train",
        "tabular-vae",
        "--data",
        "affairs",
        "--output",
        "m",
        "--epsilon",
        "-1",
        "--delta",
        "1e-5",
    ],
    "unknown parameter": ["train", "tabular-vae", "--data", "affairs", "--output", "m", "--set", "nonsense=1"],
    "no model": ["sample", "none", "-n", "10", "-o", "out.csv"],
    "no audit": ["report", "none"],
    "unknown format": ["report", "none", "--format", "word"],
    "nothing to verify": ["verify", "none"],
    "list what": ["list", "nonsense"],
}


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_a_bad_command_is_one_line_and_code_2(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(BAD_COMMANDS[name]) == 2
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1, printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "words"), [("checks", "membership.distance"), ("generators", "tabular-vae"), ("datasets", "affairs")]
)
def test_list(what, words, capsys):
    assert main(["list", what]) == 0
    assert words in capsys.readouterr().out


def test_train_sample_and_audit_a_model(files, tmp_path, capsys):
    model = tmp_path / "model"
    assert (
        main(["train", "tabular-vae", "--data", str(files / "train.csv"), "--output", str(model), "--set", "epochs=2"])
        == 0
    )
    assert "no differential" in capsys.readouterr().out.lower()
    assert main(["sample", str(model), "-n", "50", "-o", str(tmp_path / "s.csv"), "--seed", "1"]) == 0
    assert len(pd.read_csv(tmp_path / "s.csv")) == 50
    capsys.readouterr()
    assert main(["sample", str(model), "-n", "60", "-o", str(tmp_path / "s.csv")]) == 2
    assert "s.csv: already exists; choose another name, or add --force" in capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "s.csv")) == 50
    assert main(["sample", str(model), "-n", "60", "-o", str(tmp_path / "s.csv"), "--force"]) == 0
    assert len(pd.read_csv(tmp_path / "s.csv")) == 60
    twice = ["--where", "occupation=1", "--where", "occupation=2"]
    assert main(["sample", str(model), "-n", "5", "-o", str(tmp_path / "t.csv"), *twice]) == 2
    assert "--where occupation=2: 'occupation' is asked for twice" in capsys.readouterr().err
    arguments = [
        "--train",
        files / "train.csv",
        "--holdout",
        files / "holdout.csv",
        "--checks",
        FAST,
        "--output",
        tmp_path / "out",
    ]
    assert main(["audit", str(model), *map(str, arguments)]) in (0, 4)
    assert Audit.load(tmp_path / "out").target.kind == "tabular-vae"


def test_init_writes_a_suite_that_loads(tmp_path):
    from audit import Suite

    assert main(["init", str(tmp_path / "suite.yaml")]) == 0
    assert Suite.load(tmp_path / "suite.yaml").model.kind == "tabular-vae"
    assert main(["init", str(tmp_path / "suite.yaml")]) == 2


def test_help_teaches_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in (
        "run",
        "train",
        "sample",
        "audit",
        "report",
        "verify",
        "list",
        "init",
        "plan",
        "ledger",
        "Exit codes",
    ):
        assert command in shown


def test_exit_code_order(files, tmp_path):
    run_audit_command(files, "--output", tmp_path / "out", synthetic="leaky.csv")
    audit = Audit.load(tmp_path / "out")
    assert exit_code(audit) == 1
    broken = audit.findings[0].model_copy(update={"status": "error"})
    assert exit_code(audit.model_copy(update={"findings": [broken]})) == 3
