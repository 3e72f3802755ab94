"""Differences between audits: right intervals, few false changes, and gates that newly fail."""

import doctest

import numpy as np
import pytest

from audit import comparison
from audit.comparison import compare, difference_interval
from audit.statistics import clopper_pearson
from reports import Audit, Estimate
from reports.changes import comparison_markdown
from reports.html import comparison_page
from tests.reports.example import example_document
from tests.reports.hostile import HOSTILE, infected
from tests.reports.outline import Page


def rate(successes, n=2000, confidence=0.95):
    low, high = clopper_pearson(successes, n, confidence)
    return Estimate(
        name="x", value=successes / n, low=low, high=high, confidence=confidence, n=n, unit="share", better="lower"
    )


def test_the_interval_of_a_difference_covers():
    """Square-and-add over rates, rare ones too, where a normal interval would have no width at 0."""
    rng = np.random.default_rng(0)
    for first, second in ((0.001, 0.001), (0.01, 0.03), (0.5, 0.55)):
        drawn = rng.binomial(2000, [first, second], size=(400, 2))
        held = [
            low <= second - first <= high
            for one, two in drawn
            for low, high in [difference_interval(rate(one), rate(two), 0.95)]
        ]
        assert np.mean(held) > 0.94, (first, second)


def test_a_higher_confidence_widens():
    inner, outer = (difference_interval(rate(20), rate(60), level) for level in (0.95, 0.999))
    assert outer.low < inner.low < 0.02 < inner.high < outer.high
    assert difference_interval(rate(0), rate(0), 0.95).high > 0


def audited(value=0.52, status="pass", limit=0.55, sha="4f", **changes):
    """The example with its first estimate and gate replaced."""
    document = example_document()
    first = document["findings"][0]["estimates"][0]
    first.update(value=value, low=value - 0.015, high=value + 0.015)
    document["gates"][0].update(status=status, limit=limit)
    document["provenance"]["data"]["train"]["sha256"] = sha * 32
    return Audit.model_validate(document | changes)


def test_an_audit_does_not_differ_from_itself():
    comparison = compare(audited(), audited())
    assert comparison.sentence == "No limit newly fails; 0 of 8 estimates changed beyond noise."
    assert comparison.gates == []
    assert any("same real records" in note for note in comparison.notes)


@pytest.mark.parametrize(
    ("value", "direction"), [(0.6, "worse"), (0.44, "better"), (0.535, "no change shown"), (0.544, "no change shown")]
)
def test_a_change_must_be_beyond_noise_for_all_estimates_together(value, direction):
    # 0.024 apart would be a change for one estimate alone (its interval is 0.021 wide), but not for one of eight.
    comparison = compare(audited(), audited(value))
    found = next(one for one in comparison.changes if (one.finding, one.after.name) == ("membership.distance", "auc"))
    assert found.direction == direction
    assert found.difference == pytest.approx(value - 0.52)
    if direction != "no change shown":
        assert comparison.changes[0] is found, "what changed comes first"


def test_noise_alone_rarely_changes_anything():
    """Eight estimates of equal truth in both audits: in at most one pair of audits in twenty does any change show."""
    rng = np.random.default_rng(1)

    def drawn():
        document = example_document()
        for finding in document["findings"]:
            for one in finding.get("estimates", []):
                value = one["value"] + rng.normal(0, 0.01)
                one.update(value=value, low=value - 0.0196, high=value + 0.0196)
        return Audit.model_validate(document)

    false = [any(one.direction != "no change shown" for one in compare(drawn(), drawn()).changes) for _ in range(60)]
    assert np.mean(false) <= 0.1


def test_what_newly_fails_comes_first_and_moved_limits_are_told():
    before = audited()
    after = audited(0.62, "fail", 0.56, sha="00", release="internal")
    comparison = compare(before, after)
    assert comparison.sentence.startswith("1 limit newly fails; 1 of 8 estimates changed beyond noise, 1 for the worse")
    gate = comparison.gates[0]
    assert (gate.newly_fails, gate.before, gate.after, gate.moved, gate.direction) == (
        True,
        "pass",
        "fail",
        (0.55, 0.56),
        "worse",
    )
    notes = " ".join(comparison.notes)
    assert "(train differ)" in notes
    assert "different ways of release: none, internal" in notes
    assert compare(after, before).gates[0].newly_fails is False


def test_what_only_one_audit_holds_is_named():
    document = example_document()
    gone = document["findings"].pop(1)
    document["gates"] = [gate for gate in document["gates"] if gate["finding"] != gone["id"]]
    after = Audit.model_validate(document)
    comparison = compare(audited(), after)
    assert comparison.only_before == ["Copies of training records"]
    assert [(gate.before, gate.after) for gate in comparison.gates] == [("fail", None)]
    assert [(gate.before, gate.after) for gate in compare(after, audited()).gates] == [(None, "fail")]


def test_estimates_without_a_width_are_not_compared():
    document = example_document()
    document["findings"][0]["estimates"][0].update(value=0.5, low=0.5, high=0.5)
    exact = Audit.model_validate(document)
    assert compare(exact, exact).uncompared == ["membership.distance auc"]


def test_both_renderings_say_the_same():
    comparison = compare(audited(), audited(0.62, "fail"))
    page = Page(comparison_page(comparison)).text
    markdown = comparison_markdown(comparison)
    for text in (comparison.sentence, "beyond noise, for the worse", "Membership by distance"):
        assert text in page
        assert text in markdown


@pytest.mark.parametrize("text", HOSTILE[:9], ids=lambda text: ascii(text[:24]))
def test_hostile_names_stay_text(text):
    comparison = compare(audited(), infected(text))
    names = {tag for tag, _ in Page(comparison_page(comparison)).elements}
    assert not names & {"script", "img", "iframe"}
    assert "<script" not in comparison_markdown(comparison)


def test_examples_in_docstrings():
    assert doctest.testmod(comparison).failed == 0
