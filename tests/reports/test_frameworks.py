from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reports import Audit, DocumentError, builtin_frameworks, load_framework
from reports.frameworks import Framework, map_framework
from reports.html import html_page
from reports.markdown import markdown_page
from tests.reports.hostile import HOSTILE
from tests.reports.outline import Page, assert_inert

CHECKS = ["membership.distance", "membership.lira", "memorization.copies", "dp.one-run"]
MINE = """\
id: house-rules
title: House rules
publisher: The house
about: What we ask of ourselves.
rows:
  - clause: rule 1
    asks: Nobody is recognised.
    findings: [membership.distance]
    judgement: Is that enough?
    wording: quoted
"""


def row(audit: Audit, **fields: Any) -> Any:
    base = {"clause": "1", "asks": "x", "judgement": "y", "wording": "quoted"}
    framework = Framework.model_validate(
        {"id": "f", "title": "F", "publisher": "P", "about": "A", "rows": [base | fields]}
    )
    return map_framework(framework, audit).rows[0]


@pytest.mark.parametrize(
    ("findings", "answer", "why"),
    [
        (["memorization.copies"], "contradicts", "1 check: 1 fail"),
        (["memorization.*"], "contradicts", "2 checks: 1 fail, 1 not applicable"),
        (["dp.one-run"], "supports", "1 check: 1 pass"),
        (["dp.*"], "manual", "2 checks: 1 error, 1 pass"),
        (["dp.gaussian"], "not assessed", "1 check: 1 error"),
        (["membership.*"], "manual", "3 checks: 1 warn, 1 inconclusive, 1 not run"),
        (["membership.lira"], "not assessed", "1 check: 1 not run"),
        (["fidelity.*"], "manual", "1 check: 1 manual"),
        (["fidelity.*", "utility.*"], "supports", "2 checks: 1 pass, 1 manual"),
        (["utility.*", "fairness.*"], "manual", "1 check: 1 pass; nothing on fairness.*"),
        (["utility.*", "membership.lira"], "manual", "2 checks: 1 pass, 1 not run; nothing on membership.lira"),
        (["utility.*", "memorization.exposure"], "supports", "2 checks: 1 pass, 1 not applicable"),
        (["memorization.exposure"], "not assessed", "1 check: 1 not applicable"),
        (["fairness.*"], "not assessed", "the audit holds none of the checks that the row names"),
        ([], "manual", "no check can show this"),
    ],
)
def test_findings_become_answers(audit: Audit, findings: list[str], answer: str, why: str) -> None:
    mapped = row(audit, findings=findings)
    assert (mapped.answer, mapped.why) == (answer, why)


@pytest.mark.parametrize(
    ("sections", "answer", "why"),
    [
        (["claim"], "supports", "stated here: a claim of epsilon 3 and delta 10⁻⁵ for one record"),
        (["ledger", "statement"], "supports", "stated here: a ledger of 4 entries; a statement in prose"),
        (["release"], "not assessed", "the document holds no declared way of release"),
        (["coverage", "release"], "not assessed", "no declared way of release; it does hold a list of 9 checks, 3"),
        (["threat-models"], "supports", "beside each of 9 checks"),
        (["provenance"], "supports", "fingerprints of 3 parts"),
        (["randomness"], "not assessed", "where noise came from"),
    ],
)
def test_what_a_document_states_is_evidence_of_that_alone(
    audit: Audit, sections: list[str], answer: str, why: str
) -> None:
    mapped = row(audit, sections=sections)
    assert mapped.answer == answer
    assert why in mapped.why


def test_every_shipped_framework_is_sound(audit: Audit) -> None:
    shipped = builtin_frameworks()
    assert len({one.id for one in shipped}) == len(shipped) == 9
    for framework in shipped:
        clauses = [one.clause for one in framework.rows]
        assert len(set(clauses)) == len(clauses)
        assert sum(map_framework(framework, audit).tally.values()) == len(framework.rows)
        # Clauses that nobody could look up must say so.
        assert all(one.wording == "recalled" for one in framework.rows) or framework.id not in (
            "nist-ai-600-1",
            "ico-pets",
            "pdpc-synthetic-data",
        )


def test_ones_own_framework_comes_first_on_the_page(audit: Audit, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    text = Page(html_page(audit, [load_framework(tmp_path / "mine.yaml", CHECKS)])).text
    assert text.index("House rules") < text.index("EDPB Opinion")
    assert "House rules: rule 1" in text, "the finding's card says who asks for it"
    assert text.count("Signature") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "membership.distance",
            "membership.distanse",
            r"line 8: .*no check is called 'membership\.distanse'; did you m",
        ),
        ("[membership.distance]", "\n      - dp.one-run\n      - dq.*", r"line 10: .*no check is called 'dq\.\*'"),
        ("wording: quoted", "wording: sure", r"line 10: rows\.0\.wording: "),
        ("asks:", "asked:", r"line 6: rows\.0\.asks: Field required"),
        ("id: house-rules", "id: House Rules", r"line 1: id: "),
        ("about: What", "about: [", r"line \d: not valid YAML"),
        ("title: House", "id: again\ntitle: House", r"line 2: 'id' is given twice"),
        (
            "    wording: quoted",
            "    wording: quoted\n    sections: [claim]",
            r"line 6: rows\.0: give findings or sections",
        ),
        ("    wording: quoted", "    wording: quoted\n    colour: red", r"line 11: rows\.0\.colour: Extra"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE.replace(old, new, 1))
    with pytest.raises(DocumentError, match=message) as caught:
        load_framework(path, CHECKS)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "- a\n", "just words", "&a [*a]", "a: &x {b: *x}", "!!python/object:os.system {}", "a: \x00"]
)
def test_what_is_no_framework_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=r"mapping|not valid YAML") as caught:
        load_framework(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_hostile_frameworks_stay_text(audit: Audit, text: str) -> None:
    asked = {"clause": text or "-", "asks": text or "-", "judgement": text or "-", "wording": "quoted"}
    rows = [asked | {"findings": [text]}, asked | {"sections": ["claim"]}]
    framework = Framework.model_validate(
        {"id": "f", "title": text or "-", "publisher": text or "-", "about": text or "-", "rows": rows}
    )
    parsed = Page(html_page(audit.model_copy(update={"findings": [], "gates": []}), [framework]))
    assert_inert(parsed)
    assert not re.search(r"<\w|</|<!|\]\(|!\[|\{\{", markdown_page(audit, [framework]))


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file"):
        load_framework(tmp_path / "none.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="not UTF-8"):
        load_framework(tmp_path / "x.yaml")
