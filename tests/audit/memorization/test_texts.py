"""Attacks that look for training texts among the published ones."""

import json

import pytest

from audit.memorization.extraction import repeated
from audit.memorization.personal_data import items_of
from audit.memorization.read_off import recognised
from tests.audit.memorization.writing import probe, subject

ATTACKS = {"memorization.extraction": "excess_extracted", "memorization.personal-data": "excess_personal"}


@pytest.mark.parametrize(("attack", "estimate"), ATTACKS.items())
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_the_planted_share_is_recovered(attack, estimate, share):
    finding, _, gates = probe(attack, subject(600, 0, share))
    (found,) = finding.estimates
    assert found.low <= share <= found.high
    assert gates == {estimate: "fail"}
    assert finding.controls.negative.status == "quiet"


@pytest.mark.parametrize("attack", ATTACKS)
def test_fresh_texts_raise_no_alarm(attack):
    finding, _, gates = probe(attack, subject(600, 1, 0.0))
    assert set(gates.values()) <= {"pass", "inconclusive"}
    assert finding.controls.negative.status == finding.controls.drift.status == "quiet"


def test_what_is_public_says_nothing_about_anybody():
    """Sentences that the reference shows too are no passages, even where the published texts hold all of train."""
    text = "a text of eleven words that everybody sends to everybody else"
    found = repeated([text, text + " but one"], [text], [text])
    assert found.hit.tolist() == [False, False]
    assert found.asked.tolist() == [False, True]


def test_texts_that_share_a_part_are_told_apart_from_those_that_do_not():
    found = recognised([{("a",), ("b",)}, {("b",)}, {("c",)}], said={("b",)}, known=set())
    assert found.common.tolist() == [1, 1, 0]
    assert found.hit.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to Ann.Lee@mail.example.org", {("e-mail address", "ann.lee@mail.example.org")}),
        ("ring +44 (0)20 7946 0000 now", {("phone number", "4402079460000")}),
        ("your order AB12-99X is here", {("identifier", "ab12-99x")}),
        ("she met Zoltan there", {("rare name", "zoltan")}),
        ("Hello there, it costs 12.50 in 2024", set()),
    ],
)
def test_personal_data_are_found_by_their_patterns(text, found):
    assert {item for item in items_of(text) if item[0] in {kind for kind, _ in found} or not found} == found


def test_no_text_and_no_small_count_is_printed():
    asked = subject(600, 2, 0.006)
    for attack in ATTACKS:
        finding, _, _ = probe(attack, asked)
        shown = finding.model_dump_json()
        for text in asked.dataset.train["text"]:
            assert text not in shown
            assert not any(item in shown for kind, item in items_of(text) if kind == "phone number")
        for table in finding.tables:
            assert not any(cell in (1, 2, 3, 4) for row in table.rows for cell in row)
        assert json.loads(shown)["figures"][0]["data"]["values"][0] >= 0


def test_too_few_texts_with_personal_data_are_no_question():
    finding, gates, _ = probe("memorization.personal-data", subject(150, 3, 0.0, numbers=False))
    assert finding.status == "not-applicable"
    assert "needs 30 texts" in finding.why
    assert gates == []


@pytest.mark.parametrize("attack", ["memorization.reconstruction", "memorization.model-inversion"])
def test_what_is_not_built_says_so(attack):
    finding, _, _ = probe(attack, subject(150, 3, 0.0, numbers=False))
    assert finding.status == "not-run"
    assert "not built yet" in finding.why


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_eight_seeds_without_a_leak_raise_no_alarm(attack):
    for seed in range(8):
        _, _, gates = probe(attack, subject(300, 100 + seed, 0.0))
        assert set(gates.values()) <= {"pass", "inconclusive"}
