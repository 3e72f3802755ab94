from __future__ import annotations

import doctest
import importlib
from typing import Any, get_args

import pytest

from reports import Audit, Status, words
from reports.document import Access, BoundKind, ControlStatus
from reports.gates import joined_gates
from reports.numbers import duration, number, percent, plain
from reports.verdict import verdict
from reports.visible import elide, short, visible


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (1.0, "1"),
        (0.5, "0.5"),
        (0.61234, "0.612"),
        (0.99961, "1"),
        (12.345, "12.3"),
        (999.96, "1000"),
        (2024, "2024"),
        (12345.6, "12,346"),
        (1234567, "1,234,567"),
        (0.00012345, "0.000123"),
        (0.00001, "10⁻⁵"),
        (0.0000123, "1.23 \N{MULTIPLICATION SIGN} 10⁻⁵"),
        (2.2e-16, "≈ 0"),
        (1e300, "10³⁰⁰"),
        (10**400, "10⁴⁰⁰"),
        (-0.25, "\N{MINUS SIGN}0.25"),
        (None, "\N{EN DASH}"),
    ],
)
def test_number(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_other_quantities() -> None:
    assert [percent(0.95), percent(0.999), percent(0.0001)] == ["95%", "99.9%", "0.01%"]
    assert [duration(0), duration(59.7), duration(3599.9)] == ["0 s", "60 s", "1 h 0 min"]
    assert [plain({"a": [1, None]}), plain(False), plain("x"), plain(20260302)] == [
        "a 1, \N{EN DASH}",
        "no",
        "x",
        "20260302",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u2028", "⟨U+2028⟩"),
        ("\x00", "⟨U+0000⟩"),
        ("\ufffe", "⟨U+FFFE⟩"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("שלום", "שלום"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_text_is_cut() -> None:
    assert elide("x" * 100, 80) == "x" * 100
    assert elide("x" * 200, 80) == "x" * 80 + "… (200 characters)"
    assert short("a  b\nc") == "a b c"
    assert len(short("\u202e" * 100, 28)) == 28
    assert short("one two three", 8) == "one two…"
    assert short("one two", 7) == "one two"


def test_every_word_of_the_document_has_its_meaning() -> None:
    statuses = set(get_args(Status))
    assert set(words.STATUS_LABELS) == set(words.STATUS_MEANINGS) == set(words.SEVERITY) == statuses
    assert set(words.ACCESS_MEANINGS) == set(get_args(Access))
    assert set(words.BOUND_MEANINGS) == set(get_args(BoundKind))
    pairs = {(control, status) for control in words.CONTROL_TITLES for status in get_args(ControlStatus)}
    assert set(words.CONTROL_MEANINGS) == pairs


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("pass", "All 6 limits held in the checks that were run."),
        (
            "warn",
            "No limit is shown to be broken, but “Membership by classifier” does worse than no leak at all, and 1 of 6 "
            "limits could not be decided.",
        ),
        ("fail", "The target breaks 1 of 6 limits: “Copies of training records”."),
        ("inconclusive", "No limit is shown to be broken, but the evidence could not decide 1 of 6 limits."),
        (
            "error",
            "A check broke before giving an answer, so this audit is incomplete; "
            "even so, the target breaks 1 of 6 limits.",
        ),
        ("manual", "Nothing here has a limit: the measurements are for a person to judge."),
        ("not-run", "No check was run, so nothing is known about this target."),
        ("not-applicable", "None of the checks applies to this target, so nothing is known about it."),
    ],
)
def test_sentence(document: dict[str, Any], status: str, sentence: str) -> None:
    assert verdict(Audit.model_validate(document | {"status": status})).sentence == sentence


def test_what_broke_does_not_excuse_what_failed(document: dict[str, Any]) -> None:
    assert verdict(Audit.model_validate(document)).headline == "Not as it is"
    document["gates"][2]["status"] = "inconclusive"
    assert verdict(Audit.model_validate(document)).headline == "Unknown in part"
    assert verdict(Audit.model_validate(document | {"status": "pass"})).headline == "Nothing was found against it"


@pytest.mark.parametrize("status", get_args(Status))
def test_sentence_without_gates(document: dict[str, Any], status: str) -> None:
    summed = verdict(Audit.model_validate(document | {"status": status, "gates": []}))
    assert summed.sentence.endswith(".")
    assert summed.gates == {}
    assert [key.gate for key in summed.key_numbers] == [None, None, None]


def test_key_numbers_are_the_most_urgent(audit: Audit) -> None:
    keys = verdict(audit).key_numbers
    assert [(key.finding.id, key.status) for key in keys] == [
        ("memorization.copies", "fail"),
        ("membership.classifier", "warn"),
        ("membership.distance", "inconclusive"),
    ]
    assert list(verdict(audit).gates.items()) == [("fail", 1), ("warn", 1), ("inconclusive", 1), ("pass", 3)]


def test_positions_put_the_null_at_nought_and_the_limit_at_one(document: dict[str, Any]) -> None:
    document["gates"][4]["null"] = None
    for joined in joined_gates(Audit.model_validate(document)):
        assert joined.position(joined.gate.limit) == pytest.approx(1)
        worse = joined.gate.limit * (0.9 if joined.gate.better == "higher" else 1.1)
        assert joined.position(worse) > 1
        if joined.gate.null is not None:
            assert joined.position(joined.gate.null) == pytest.approx(0)
        else:
            assert joined.position(0) == pytest.approx(0)


DOCUMENTED = (
    "changes", "charts.registry", "charts.thinning", "formats", "frameworks.mapping", "frameworks.reading",
    "html.render", "manifest", "markdown", "numbers", "release", "signature", "verdict", "visible", "words",
)  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"reports.{name}")).failed == 0
