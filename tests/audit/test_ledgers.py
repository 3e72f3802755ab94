"""`genassay ledger`: what it shows of an account, and the accounts that it refuses to believe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from audit.cli import main
from audit.ledgers import in_words
from generators import Ledger, PrivacyBudget
from generators.privacy import Entry, Event, composed_epsilon

ANSWER, TRAINING = Event("gaussian", 20.0), Event("dp-sgd", 1.5, 0.02, 200)


def account() -> Ledger:
    ledger = Ledger()
    ledger.allow(PrivacyBudget(2, 1e-5), unit="person (patient)")
    ledger.add("levels of ward", "public", public="the hospital's web page")
    ledger.charge("which values of drug are frequent", ANSWER, parameters={"cells": 7})
    ledger.charge("the weights", TRAINING, parameters={"clip": 1.0})
    return ledger


def forged(ledger: Ledger, change) -> Ledger:
    """An account whose entries were rewritten, hashes and all."""
    other = Ledger()
    for entry in ledger:
        other._append(change(entry))
    return other


@pytest.fixture
def file(tmp_path):
    account().save(tmp_path / "ledger.json")
    return tmp_path / "ledger.json"


def test_the_table_tells_everything(file, capsys):
    assert main(["ledger", str(file)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    spent = composed_epsilon([ANSWER, TRAINING], 1e-5)
    for words in (
        "epsilon 2 at delta 1e-05 for one person (patient)",
        "noise 20",
        "200 steps",
        f"recorded {spent:.4f} computed anew {spent:.4f}",
        f"remaining {2 - spent:.4f}",
        "by Renyi orders",
        "an estimate",
        "adding or removing one person",
    ):
        assert words in shown, words


def test_json_holds_the_same(file, capsys):
    assert main(["ledger", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    spent = composed_epsilon([ANSWER, TRAINING], 1e-5)
    assert shown["totals"]["recorded"] == shown["totals"]["recomputed"] == shown["claim"]["epsilon"] == spent
    assert shown["totals"]["prv"] == pytest.approx(spent, rel=0.02)
    assert shown["totals"]["renyi"] >= spent
    assert shown["remaining"] == 2 - spent
    assert [entry["mechanism"] for entry in shown["entries"]] == ["budget", "public", "gaussian", "dp-sgd"]
    assert shown["entries"][1]["public"] == "the hospital's web page"


def test_without_an_estimate_it_says_why(tmp_path, capsys):
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.allow(PrivacyBudget(2, 1e-5), unit="record")
    chosen = {"tables": 4, "choices": 3}
    ledger.charge("tables of counts", Event("select-measure", rho=0.01), parameters=chosen)
    assert main(["ledger", str(tmp_path / "ledger.json")]) == 0
    assert "not available: it does not know select-measure" in capsys.readouterr().out


def test_a_model_without_a_budget_has_no_total(tmp_path, capsys):
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.add("the weights", "none", note="trained without clipping or noise")
    assert main(["ledger", str(tmp_path / "ledger.json")]) == 0
    shown = capsys.readouterr().out
    assert "No differential-privacy guarantee exists" in shown
    assert "remaining" not in shown


def test_what_is_not_to_be_believed_is_one_line(file, tmp_path, capsys):
    def understated(entry):
        return replace(entry, spent=0.5) if entry.mechanism == "dp-sgd" else entry

    def generous(entry):
        return replace(entry, epsilon=0.5) if entry.mechanism == "budget" else entry

    file.with_name("broken.json").write_text(file.read_text().replace("20.0", "40.0", 1))
    forged(account(), understated).save(file.with_name("understated.json"))
    lacking = Ledger(file.with_name("lacking.json"))
    lacking.allow(PrivacyBudget(2, 1e-5), unit="record")
    lacking.charge("the weights", ANSWER)
    forged(lacking, lambda entry: replace(entry, parameters={"noise_multiplier": 20.0})).save(lacking.path)
    forged(account(), generous).save(file.with_name("overdrawn.json"))
    (tmp_path / "folder").mkdir()
    for name, words in {
        "broken.json": "entry 3 was altered",
        "understated.json": "records epsilon 0.5 as spent, but its entries cost",
        "overdrawn.json": "allows epsilon 0.5, but its entries cost",
        "lacking.json": "an entry does not say its 'unit'",
        "missing.json": "missing.json",
        "folder": "not a saved generator",
    }.items():
        assert main(["ledger", str(tmp_path / name)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        [line] = printed.err.splitlines()
        assert words in line, line


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry("a", "laplace", {"noise_multiplier": 2.0, "times": 3}), "noise 2, 3 times"),
        (Entry("a", "gaussian", {"noise_multiplier": 9.0, "threshold": 50.0}), "noise 9, only counts above 50"),
        (Entry("a", "select-measure", {"rho": 0.125, "times": 1}), "0.125-zCDP"),
        (Entry("a", "exponential", {"pure": 0.5, "times": 2}), "epsilon 0.5 a choice, 2 times"),
        (Entry("a", "public", {"units": 12.0}), "units 12"),
        (Entry("a", "none", note="exact counts"), "exact counts"),
    ],
)
def test_parameters_in_words(entry, words):
    assert in_words(entry) == words
