"""Every format other than the page: right by its own readers, and safe whatever the document holds."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

from reports import FORMATS, Audit, write_report
from reports.__main__ import main
from reports.formats import add_step_summary
from reports.markdown import text
from tests.reports.hostile import HOSTILE, infected

PAGES = {name: form.page for name, form in FORMATS.items() if name != "html"}


def test_junit_counts_what_is_no_pass(audit: Audit, tmp_path: Path) -> None:
    read = JUnitXml.fromfile(str(write_report(audit, "junit", tmp_path / "j.xml")))
    # Six gates, and one case for each of the four findings without one.
    assert (read.tests, read.failures, read.errors, read.skipped) == (10, 2, 1, 3)
    told = {
        f"{case.classname} {case.name}": type(case.result[0]).__name__ if case.result else "passed"
        for suite in read
        for case in suite
    }
    assert told == {
        "membership.distance AUC": "passed",
        "membership.distance true positives at 10% false alarms": "Failure",
        "membership.classifier AUC": "passed",
        "membership.lira the check itself": "Skipped",
        "memorization.copies excess copies": "Failure",
        "memorization.exposure the check itself": "Skipped",
        "dp.one-run lower bound on epsilon": "passed",
        "dp.gaussian the check itself": "Error",
        "utility.train-synthetic-test-real accuracy": "passed",
        "fidelity.marginals the check itself": "Skipped",
    }
    times = [suite.time for suite in read]
    assert sum(times) == pytest.approx(sum(finding.seconds for finding in audit.findings))


def test_sarif_fits_its_schema_and_tells_outcomes_apart(audit: Audit, golden: Path) -> None:
    log = FORMATS["sarif"].page(audit, ())
    SarifLog.model_validate_json(log)
    run = json.loads(log)["runs"][0]
    found = {(one["ruleId"], one["properties"]["status"]): (one["kind"], one["level"]) for one in run["results"]}
    assert found[("memorization.copies", "fail")] == ("fail", "error")
    assert found[("membership.classifier", "warn")] == ("fail", "warning")
    assert found[("membership.distance", "inconclusive")] == ("open", "none")
    assert found[("dp.one-run", "pass")] == ("pass", "none")
    assert found[("fidelity.marginals", "manual")] == ("review", "none")
    assert found[("memorization.exposure", "not-applicable")] == ("notApplicable", "none")
    assert found[("dp.gaussian", "error")] == ("open", "none")
    assert run["invocations"][0]["executionSuccessful"] is False
    # Each result points at the line of its finding in the document as it is saved.
    lines = (golden / "audit.json").read_text(encoding="utf-8").splitlines()
    for one in run["results"]:
        line = one["locations"][0]["physicalLocation"]["region"]["startLine"]
        assert lines[line - 1].strip() == f'"id": "{one["ruleId"]}",'
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]


def test_a_limit_that_could_not_be_tried_is_seen(document: dict[str, Any], tmp_path: Path) -> None:
    """Its finding is undecided although all gates of it pass."""
    document["findings"][4]["status"] = "inconclusive"
    audit = Audit.model_validate(document)
    read = JUnitXml.fromfile(str(write_report(audit, "junit", tmp_path / "j.xml")))
    assert (read.tests, read.failures) == (11, 3)
    results = json.loads(FORMATS["sarif"].page(audit, ()))["runs"][0]["results"]
    found = [one["kind"] for one in results if one["ruleId"] == "utility.train-synthetic-test-real"]
    assert sorted(found) == ["open", "pass"]


def test_what_does_not_count_for_the_release_is_no_failure(document: dict[str, Any], tmp_path: Path) -> None:
    for finding in document["findings"][:2]:
        finding["threat_model"]["access"] = "white-box"
    audit = Audit.model_validate(document | {"release": "synthetic-only"})
    read = JUnitXml.fromfile(str(write_report(audit, "junit", tmp_path / "j.xml")))
    assert (read.failures, read.errors) == (0, 1)
    results = json.loads(FORMATS["sarif"].page(audit, ()))["runs"][0]["results"]
    assert {one["kind"] for one in results if one["ruleId"] == "memorization.copies"} == {"review"}
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].page(audit, ()))))
    assert {row["counts_for_release"] for row in rows if row["finding"] == "memorization.copies"} == {"no"}
    assert "not counted for this release" in FORMATS["markdown"].page(audit, ())


def test_markdown_says_what_the_page_says(audit: Audit) -> None:
    page = FORMATS["markdown"].page(audit, ())
    assert page.startswith("# Clinic visits, tabular VAE\n")
    assert "**Not as it is** (error). A check broke before giving an answer" in page
    assert "even so, the target breaks 1 of 6 limits." in page
    assert (
        "| Copies of training records | excess copies | 0.0108 | 0.0083 to 0.0137 (95%) | at most 0.005 | ❌ fail |"
        in page
    )
    assert "| accuracy | 0.772 | 0.754 to 0.79 (95%) | at least 0.7 | ✅ pass |" in page
    assert "| LiRA | not run | Left out by --checks. |" in page
    assert "What this audit does not say." in page
    card = FORMATS["model-card"].page(audit, ())
    assert "claims differential privacy with epsilon 3 and delta 10⁻⁵ for one record; this audit does not vouch" in card
    assert "6 of 9 checks gave an answer." in card


def test_csv_holds_every_estimate(audit: Audit) -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].page(audit, ()))))
    assert len(rows) == sum(len(finding.estimates) for finding in audit.findings)
    first = rows[0]
    assert (first["finding"], first["estimate"], first["value"], first["gate_status"]) == (
        "membership.distance",
        "auc",
        "0.521",
        "pass",
    )
    assert rows[2]["gate_status"] == ""


@pytest.mark.parametrize("name", PAGES)
def test_the_same_document_gives_the_same_bytes(audit: Audit, name: str) -> None:
    assert PAGES[name](audit, ()) == PAGES[name](audit, ())


def test_the_summary_of_a_build_is_added_to(audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("earlier\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert add_step_summary(audit)
    assert summary.read_text().startswith("earlier\n# Clinic visits")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert not add_step_summary(audit)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:24]))
def test_hostile_text_breaks_no_format(value: str) -> None:
    audit = infected(value)
    pages = {name: page(audit, ()) for name, page in PAGES.items()}
    for page in pages.values():
        page.encode()
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
        assert len(page) < 1_000_000
    SarifLog.model_validate_json(pages["sarif"])
    root = ElementTree.fromstring(pages["junit"])
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
    }
    for row in csv.reader(io.StringIO(pages["csv"])):
        assert len(row) == 19
        assert not any(re.match(r"\s*[=+@\t\r|%]|\s*-(?![\d.])", cell) for cell in row)
    for page in (pages["markdown"], pages["model-card"]):
        assert not re.search(r"<\w|</|<!|\]\(|!\[|\{\{", page)
        widths = {
            tuple(line.count("|") for line in table.splitlines()) for table in page.split("\n\n") if table[:1] == "|"
        }
        assert all(len(set(width)) == 1 for width in widths), "a cell broke its table"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain, with (brackets) and 50%", "plain, with (brackets) and 50%"),
        ("a|b\nc", "a&#124;b c"),
        ("1. list", "&#49;. list"),
        ("- list", "&#45; list"),
        ("at http://x.y", "at http&#58;//x.y"),
        ("www.x.y @me #1 **b** [l](u)", "www&#46;x.y &#64;me &#35;1 &#42;&#42;b&#42;&#42; &#91;l&#93;(u)"),
    ],
)
def test_text_in_markdown_is_literal(value: str, shown: str) -> None:
    assert text(value) == shown


def test_formats_need_neither_torch_nor_matplotlib(golden: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'audit', 'generators', *sys.argv[3:]):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from reports.formats import FORMATS\n"
        "from reports.__main__ import main\n"
        "folder, out, *blocked = sys.argv[1:]\n"
        "names = [name for name in FORMATS if name != 'html' or not blocked]\n"
        "codes = [main([folder, '--format', name, '-o', f'{out}/{name}']) for name in names]\n"
        "sys.exit(any(codes))\n"
    )
    root = Path(__file__).parents[2]
    for more in ([], ["matplotlib", "cryptography"]):
        command = [sys.executable, "-c", code, str(golden), str(tmp_path), *more]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FORMATS)


def test_the_module_says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err
        == f"reports: {tmp_path}/audit.json: no such file; an audited folder holds an audit.json\n"
    )


def documents() -> list[Any]:
    return sorted((Path(__file__).parent / "golden").glob("*/audit.json"))


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.parent.name)
def test_documents_of_every_version_render_in_every_format(path: Path) -> None:
    audit = Audit.load(path)
    assert audit.schema_version == path.parent.name
    for form in FORMATS.values():
        assert form.page(audit, ())
