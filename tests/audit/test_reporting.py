"""The commands that read audits: formats, comparisons, fingerprints and signatures, and one line for bad input."""

import json

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from audit import run_audit
from audit.cli import main
from audit.options import exit_code
from audit.results import write_results
from reports import FORMATS, Audit
from tests.audit.planting import affairs
from tests.reports.example import example_document


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    write_results(Audit.model_validate(example_document()), folder)
    return folder


def keys(folder):
    private = ed25519.Ed25519PrivateKey.generate()
    secret, public = folder / "private.pem", folder / "public.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret.write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return str(secret), str(public)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_into_the_folder_and_listed(folder, name, capsys):
    assert main(["report", str(folder), "--format", name]) == 0
    assert (folder / FORMATS[name].file).stat().st_size > 500
    assert main(["verify", str(folder)]) == 0, capsys.readouterr().err


def test_a_report_elsewhere_leaves_the_folder_alone(folder, tmp_path):
    before = sorted(path.name for path in folder.iterdir())
    assert main(["report", str(folder), "--format", "csv", "-o", str(tmp_path / "x.csv")]) == 0
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_framework_of_ones_own_stands_on_the_page(folder, tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    row = "{clause: one, asks: x, findings: [membership.distance], judgement: y, wording: quoted}"
    mine.write_text(f"id: mine\ntitle: House rules\npublisher: us\nabout: us\nrows: [{row}]\n")
    assert main(["report", str(folder), "--framework", str(mine)]) == 0
    assert "House rules" in (folder / "report.html").read_text()
    before = (folder / "report.html").read_text()
    mine.write_text(mine.read_text().replace("membership.distance", "membership.distanse"))
    assert main(["report", str(folder), "--framework", str(mine)]) == 2
    assert "mine.yaml: line 5: rows.0.findings: no check is called 'membership.distanse'" in error_line(capsys)
    assert (folder / "report.html").read_text() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:2000], "not valid JSON"),
        (lambda text: text.replace('"status": "warn"', '"status": "green"', 1), "$.findings[3].status: "),
        (lambda text: text.replace('"schema_version": "1.0"', '"schema_version": "7.0"'), "schema_version is '7.0'"),
        (lambda text: text.replace('"kind": "roc"', '"kind": "pie"'), "$.findings[0].figures[0].kind: unknown figure"),
        (lambda text: text.replace('"edges":', '"edgy":'), "$.findings[0].figures[1].data.edges: Field required"),
    ],
    ids=["cut", "status", "version", "figure", "data"],
)
def test_a_damaged_document_is_one_line_and_no_page(folder, change, message, capsys):
    path, page = folder / "audit.json", folder / "report.html"
    path.write_text(change(path.read_text()))
    page.unlink()
    assert main(["report", str(folder)]) == 2
    assert message in error_line(capsys)
    assert not page.exists()


def test_an_unknown_format_is_refused(folder, capsys):
    assert main(["report", str(folder), "--format", "pdf"]) == 2
    assert "--format pdf: choose html, markdown, junit, sarif, model-card, csv" in error_line(capsys)


def test_compare_exits_with_1_if_something_newly_fails(folder, tmp_path, capsys):
    document = json.loads((folder / "audit.json").read_text())
    document["gates"][0]["status"] = "fail"
    other = tmp_path / "other"
    other.mkdir()
    (other / "audit.json").write_text(json.dumps(document))
    assert main(["compare", str(folder), str(other)]) == 1
    assert "1 limit newly fails" in capsys.readouterr().out
    assert main(["compare", str(other), str(folder), "-o", str(tmp_path / "c.html")]) == 0
    assert (tmp_path / "c.html").read_text().startswith("<!DOCTYPE html>")
    assert main(["compare", str(other), str(folder), "-o", str(tmp_path / "c.md")]) == 0
    assert (tmp_path / "c.md").read_text().startswith("# ")
    assert main(["compare", str(other), str(folder), "-o", str(tmp_path / "c.pdf")]) == 2
    assert "written as .html or .md" in error_line(capsys)


def test_signed_files_are_vouched_for_until_they_change(folder, tmp_path, capsys):
    secret, public = keys(tmp_path)
    assert main(["verify", str(folder), "--key", public]) == 1
    assert "MANIFEST.sig: missing" in error_line(capsys)
    assert main(["sign", str(folder), "--key", secret]) == 0
    assert main(["verify", str(folder), "--key", public]) == 0
    assert "signed with the key of public.pem" in capsys.readouterr().out
    assert main(["report", str(folder), "--format", "csv"]) == 0
    assert "is signed, so it does not list estimates.csv" in capsys.readouterr().err
    (folder / "audit.json").write_text((folder / "audit.json").read_text().replace("0.521", "0.501"))
    assert main(["verify", str(folder), "--key", public]) == 1
    assert "audit.json: changed since the manifest was written" in capsys.readouterr().err
    assert main(["verify", str(folder), "--key", secret]) == 2
    assert "not an Ed25519 public key" in error_line(capsys)


@pytest.mark.slow
def test_no_cell_of_a_record_stands_in_any_output(tmp_path):
    """Values that a single training record holds, and its copy, appear in no format and in no comparison."""
    data, fresh = affairs(0)
    word, number = "Zyxwvut-Hollow", 987654.25
    parts = {"train": data.train, "holdout": data.holdout, "reference": data.reference, "synthetic": fresh}
    for name, frame in parts.items():
        frame = frame.assign(town=np.resize(["Ashby", "Brook", "Corley"], len(frame))).astype({"affairs": float})
        if name in ("train", "synthetic"):
            frame.loc[frame.index[0], ["town", "affairs"]] = word, number
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    files = [f"--{name}={tmp_path / f'{name}.csv'}" for name in parts]
    out = tmp_path / "out"
    checks = "membership.distance,memorization.copies,anonymity.singling-out,fidelity"
    assert main(["audit", *files, "--checks", checks, "--output", str(out)]) in (0, 1, 4)
    for name in FORMATS:
        assert main(["report", str(out), "--format", name]) == 0
    for name in ("c.html", "c.md"):
        assert main(["compare", str(out), str(out), "-o", str(out / name)]) == 0
    written = sorted(out.iterdir())
    assert len(written) == 2 + len(FORMATS) + 2
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert word not in text, path.name
        assert "987654" not in text.replace(",", ""), path.name


def test_frameworks_are_listed(capsys):
    assert main(["list", "frameworks"]) == 0
    assert "edpb-28-2024" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("release", "code"), [(None, 0), ("internal", 4), ("synthetic-only", 4), ("public-api", 4), ("open-weights", 4)]
)
def test_a_pass_for_one_release_is_not_a_pass_for_another(release, code):
    document = example_document()
    document["findings"] = [one | {"status": "pass"} for one in document["findings"][:1]]
    document["gates"] = [document["gates"][0]]
    assert exit_code(Audit.model_validate(document | {"release": release})) == code


def test_a_declared_release_reaches_the_document_and_the_exit_code():
    data, fresh = affairs(0)
    free, declared = (run_audit(fresh, data, ["fidelity"], release=release) for release in (None, "synthetic-only"))
    assert (free.status, exit_code(free)) == ("manual", 0)
    assert (declared.release, declared.status, exit_code(declared)) == ("synthetic-only", "inconclusive", 4)


def test_an_unknown_release_is_refused(tmp_path, capsys):
    assert main(["audit", "--train", "a.csv", "--holdout", "b.csv", "--synthetic", "c.csv", "--release", "beta"]) == 2
    assert "--release beta: choose internal, synthetic-only, public-api, open-weights" in error_line(capsys)
    suite = tmp_path / "suite.yaml"
    assert main(["init", str(suite)]) == 0
    assert main(["run", str(suite), "--set", "release=beta", "--output", str(tmp_path / "out")]) == 2
    assert "suite.yaml: release: " in error_line(capsys)


def error_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    return " ".join(lines)
