from __future__ import annotations

from typing import Any, get_args

import pytest

from reports import PROFILES, Audit, Release, judge
from reports.html import html_page
from reports.release import counts, in_words
from reports.verdict import verdict
from tests.reports.example import example_document
from tests.reports.outline import Page


def audited(release: str | None = None, **findings: tuple[str, str]) -> Audit:
    """An audit whose findings, by family, have an access and a status, with a gate each where they were decided."""
    document = example_document()
    kept, gates = [], []
    for family, (access, status) in findings.items():
        finding = dict(document["findings"][0])
        finding |= {"id": f"{family}.{access}", "family": family.partition("_")[0], "status": status}
        finding["threat_model"] = {"access": access, "knowledge": "none"}
        kept.append(finding)
        if status in ("pass", "warn", "fail", "inconclusive"):
            gates.append(document["gates"][0] | {"finding": finding["id"], "status": status})
    return Audit.model_validate(document | {"findings": kept, "gates": gates, "release": release, "status": "pass"})


ALL = {
    "membership": ("synthetic-only", "pass"),
    "anonymity": ("synthetic-only", "pass"),
    "memorization": ("synthetic-only", "pass"),
}


def test_a_pass_for_one_is_not_a_pass_for_another() -> None:
    audit = audited(**ALL)
    assert {release: judge(audit, release).status for release in PROFILES} == {
        "internal": "inconclusive",
        "synthetic-only": "pass",
        "public-api": "inconclusive",
        "open-weights": "inconclusive",
    }
    assert judge(audit).status == "pass", "no way of release was declared, and nothing is wanting"
    assert judge(audit, "public-api").wanting == (
        "no limit was decided against attackers with the generator, asked as often as one likes",
    )


@pytest.mark.parametrize(
    ("release", "status", "left_out"),
    [("synthetic-only", "pass", 2), ("public-api", "warn", 1), ("internal", "warn", 1), ("open-weights", "fail", 0)],
)
def test_attackers_who_are_kept_away_do_not_count(release: Release, status: str, left_out: int) -> None:
    audit = audited(**ALL, membership_query=("query", "warn"), membership_white=("white-box", "fail"))
    judgement = judge(audit, release)
    assert (judgement.status, len(judgement.left_out)) == (status, left_out)
    assert len(judgement.gates) + left_out == len(audit.gates)


@pytest.mark.parametrize("family", ["dp", "utility"])
def test_only_attacks_on_people_show_that_an_attacker_was_tried(family: str) -> None:
    audit = audited(**ALL, **{family: ("white-box", "pass")})
    assert judge(audit, "open-weights").wanting == (
        "no limit was decided against attackers with the generator's weights and code",
    )


def test_a_broken_claim_counts_whoever_attacks() -> None:
    audit = audited(**ALL, dp=("white-box", "fail"))
    assert judge(audit, "synthetic-only").status == "fail"


@pytest.mark.parametrize(
    ("status", "wanting"),
    [
        ("inconclusive", "no limit on anonymity was decided"),
        ("not-run", "no limit on anonymity was decided"),
        ("error", "no limit on anonymity was decided"),
        ("not-applicable", None),
    ],
)
def test_a_family_without_an_answer_is_wanting(status: str, wanting: str | None) -> None:
    found = judge(audited(**ALL | {"anonymity": ("synthetic-only", status)}), "synthetic-only")
    assert (wanting in found.wanting) if wanting else found.wanting == ()
    assert found.status == ("pass" if wanting is None else "error" if status == "error" else "inconclusive")


def test_the_verdict_speaks_of_the_declared_release_alone() -> None:
    audit = audited("synthetic-only", **ALL, membership_white=("white-box", "fail"))
    summed = verdict(audit)
    assert summed.sentence == "All 3 limits held in the checks that were run."
    assert summed.gates == {"pass": 3}
    assert {key.status for key in summed.key_numbers} == {"pass"}
    assert "about synthetic records only" in summed.release
    assert "1 limit on attackers whom it keeps away is shown, but not counted." in summed.release
    page = Page(html_page(audit)).text
    assert "declared for this audit" in page
    assert "a pass for one is not a pass for another" in page
    assert "not counted for this release" in page


def test_what_is_not_declared_is_not_written(document: dict[str, Any]) -> None:
    assert "release" not in Audit.model_validate(document).model_dump()
    assert Audit.model_validate(document | {"release": "internal"}).model_dump()["release"] == "internal"


def test_every_way_of_release_has_its_profile(audit: Audit) -> None:
    assert set(PROFILES) == set(get_args(Release))
    for release in PROFILES:
        assert in_words(judge(audit, release)).count("limit")
    assert all(counts(finding, None) for finding in audit.findings)
