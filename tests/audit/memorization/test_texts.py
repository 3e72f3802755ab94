"""Attacks that look for training texts among the published ones."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.memorization.passages import SPAN, passages, repeated, thinned
from audit.memorization.patterns import items_of
from audit.memorization.recognition import Keys, hashed, recognised
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
    assert 0 < finding.power["smallest_detectable_share"][estimate] <= 0.1


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
    found = recognised(Keys.of_strings([["a", "b"], ["b"], ["c"]]), said=[hashed(["b"])], known=[])
    assert found.common.tolist() == [1, 1, 0]
    assert found.hit.tolist() == [True, True, False]


words = st.lists(st.sampled_from(["a", "b", "c", "..", "D e"]), max_size=40).map(" ".join)


@settings(deadline=None)
@given(st.lists(words, max_size=8), st.lists(words, max_size=8), st.lists(words, max_size=3))
def test_hashed_passages_are_found_as_written_ones_are(texts, published, known):
    def runs(text):
        parts = re.findall(r"\w+|[^\w\s]", text.lower())
        return {tuple(parts[start : start + SPAN]) for start in range(len(parts) - SPAN + 1)}

    own = [runs(text) - set().union(*map(runs, known)) for text in texts]
    said = set().union(*map(runs, published))
    found = repeated(texts, published, known)
    assert found.asked.tolist() == [bool(mine) for mine in own]
    assert found.hit.tolist() == [bool(mine & said) for mine in own]


def test_long_texts_are_thinned_alike():
    """A tenth of all passages is enough to find a copied page, and no passage counts in one text and not in another."""
    pages = [" ".join(map(str, np.random.default_rng(seed).integers(10**6, size=2000))) for seed in range(20)]
    one_in = thinned(pages, most=4000)
    assert one_in == 10
    found = repeated(pages, [page[3000:9000] for page in pages[:8]], [], one_in)
    assert found.hit.tolist() == [number < 8 for number in range(20)]
    assert len(passages(pages, one_in).numbers) == pytest.approx(4000, rel=0.1)


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
