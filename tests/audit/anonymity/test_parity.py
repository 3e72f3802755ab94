"""The attacks do what Anonymeter 1.1.0 does, save for its counting of numbers; see `golden/README.md`."""

import json
from pathlib import Path

import pytest

from tests.audit.anonymity.parity import Tables, same_guesses, same_links, same_predicates, same_search

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def peer():
    plan = json.loads((GOLDEN / "plan.json").read_text())
    return plan, json.loads((GOLDEN / "anonymeter-1.1.0.json").read_text()), Tables.read(plan, f"{ROOT}/")


@pytest.mark.parametrize("columns", ["1", "3"])
def test_the_same_predicates_match_the_same_records(peer, columns):
    _, found, tables = peer
    same = same_predicates(tables, found["singling_out"][columns])
    assert same.predicates == 80
    assert same.made_by_our_rule == same.same_on_train == same.same_on_control == 80
    assert same.successes == found["singling_out"][columns]["successes"] > 5


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("part", ["train", "control"])
def test_the_same_queries_find_the_same_records(peer, part, number):
    _, found, tables = peer
    one = found["inference"][number]
    same = same_search(tables, one["known"], one[part]["rows"], one[part]["nearest"], part)
    assert same.queries == 60
    assert same.unique > 50
    assert same.same == same.unique
    assert same.among_tied == same.tied


@pytest.mark.parametrize("part", ["train", "control"])
def test_the_same_guesses_of_a_category_are_right(peer, part):
    _, found, tables = peer
    same = same_guesses(tables, found["inference"][0], part)
    assert same.same == same.tries == 60


@pytest.mark.parametrize("part", ["train", "control"])
def test_a_negative_number_must_be_guessed_too(peer, part):
    """Anonymeter divides by the signed guess, so that every negative guess counts as right."""
    _, found, tables = peer
    same = same_guesses(tables, found["inference"][1], part)
    assert same.wrong_counted_right > 5
    assert same.tries - same.same <= same.wrong_counted_right + 2  # a tolerance of the truth, not of the guess


@pytest.mark.parametrize("part", ["train", "control"])
def test_the_same_people_are_linked(peer, part):
    plan, found, tables = peer
    same = same_links(tables, found["linkability"][part], plan["halves"], plan["neighbours"], part)
    assert same.tries > 20
    assert same.same == same.tries
    assert same.successes > 0 or part == "control"
