from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generators import InputError, Ledger, PrivacyBudget, plan_training
from generators.privacy import Event, composed_epsilon


def private_ledger() -> Ledger:
    budget = PrivacyBudget(2, 1e-5)
    plan = plan_training(budget, units=1000, batch_size=100, epochs=2)
    ledger = Ledger()
    ledger.allow(budget, unit="record")
    ledger.add("bounds of age", "public", public="the codebook")
    ledger.charge("the weights", plan.event, parameters={**plan.parameters(), "rng": "a test"})
    return ledger


def test_round_trip(tmp_path: Path) -> None:
    ledger = private_ledger()
    ledger.save(tmp_path / "ledger.json")
    again = Ledger.load(tmp_path / "ledger.json", head=ledger.head)
    assert again.to_list() == ledger.to_list()
    assert again.spent == ledger.spent


def edit_epsilon(entries: list[dict[str, Any]]) -> None:
    entries[2]["epsilon"] = 0.1


def edit_parameter(entries: list[dict[str, Any]]) -> None:
    entries[2]["parameters"]["times"] = 1


def drop_middle(entries: list[dict[str, Any]]) -> None:
    del entries[1]


def drop_last(entries: list[dict[str, Any]]) -> None:
    del entries[2]


def swap(entries: list[dict[str, Any]]) -> None:
    entries[0], entries[1] = entries[1], entries[0]


def unknown_field(entries: list[dict[str, Any]]) -> None:
    entries[0]["colour"] = "blue"


@pytest.mark.parametrize("tamper", [edit_epsilon, edit_parameter, drop_middle, drop_last, swap, unknown_field])
def test_tampering_is_noticed(tmp_path: Path, tamper: Callable[[list[dict[str, Any]]], None]) -> None:
    ledger, path = private_ledger(), tmp_path / "ledger.json"
    ledger.save(path)
    data = json.loads(path.read_text())
    tamper(data["entries"])
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"ledger.json: "):
        Ledger.load(path, head=ledger.head)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "entries": [3]}', '{"entries": 3}'])
def test_damaged_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "ledger.json").write_text(text)
    with pytest.raises(InputError, match="cannot be read as a ledger"):
        Ledger.load(tmp_path / "ledger.json")


def test_statement_of_a_private_run() -> None:
    ledger = private_ledger()
    statement = ledger.statement()
    assert ledger.spent is not None
    for words in (
        "1e-05)-differential privacy",
        "adding or removing one record",
        "Poisson",
        "the codebook",
        "Not covered",
    ):
        assert words in statement
    shown = float(statement.split("(")[1].split(",")[0])
    assert ledger.spent[0] <= shown <= 2.001
    assert ledger.claim is not None
    assert ledger.claim["unit"] == "record"


def test_one_unprotected_touch_voids_the_claim() -> None:
    ledger = private_ledger()
    ledger.add("a histogram", "none")
    assert ledger.spent is None
    assert ledger.claim is None
    assert "No differential-privacy guarantee exists" in ledger.statement()
    assert "a histogram" in ledger.statement()


def test_uses_compose_by_their_privacy_losses() -> None:
    """Two uses cost less together than one by one added up, and as much as the same two in one."""
    budget = PrivacyBudget(3, 1e-5)
    ledger = Ledger()
    ledger.allow(budget, unit="record")
    one = ledger.charge("a count", Event("gaussian", 5.0))
    two = ledger.charge("another", Event("gaussian", 5.0))
    assert one.epsilon == one.spent
    assert two.spent is not None
    assert two.epsilon is not None
    assert two.spent < 2 * two.epsilon
    assert two.spent == pytest.approx(composed_epsilon([Event("gaussian", 5.0, times=2)], 1e-5), rel=0.005)
    assert ledger.remaining() == pytest.approx(3 - two.spent)


def test_nothing_is_charged_beyond_the_budget() -> None:
    ledger = private_ledger()
    before = ledger.to_list()
    with pytest.raises(InputError, match=r"more weights: the ledger allows epsilon 2 at delta 1e-05, of which 1\.99"):
        ledger.charge("more weights", Event("dp-sgd", 1.0, 0.1, 20))
    assert ledger.to_list() == before


def test_nothing_is_charged_without_a_budget() -> None:
    with pytest.raises(InputError, match="has no budget"):
        Ledger().charge("a count", Event("gaussian", 5.0))
    with pytest.raises(InputError, match="has a budget already"):
        private_ledger().allow(PrivacyBudget(9, 1e-5), unit="record")


def test_an_opened_ledger_is_on_the_disk_before_its_answer_is(tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    ledger = Ledger.opened(path)
    ledger.allow(PrivacyBudget(2, 1e-5), unit="record")
    ledger.charge("a count", Event("gaussian", 5.0))
    assert Ledger.load(path).to_list() == ledger.to_list()
    again = Ledger.opened(path)
    again.charge("another", Event("gaussian", 5.0))
    assert len(Ledger.load(path)) == 3
    path.write_text(path.read_text().replace("a count", "no count"))
    with pytest.raises(InputError, match="entry 2 was altered"):
        Ledger.opened(path)


def test_a_ledger_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    ledger = Ledger.opened(tmp_path / "shared.json")
    ledger.allow(PrivacyBudget(2, 1e-5), unit="record")
    (tmp_path / "shared.json").unlink()
    with pytest.raises(InputError, match="is gone, and with it what others may have charged"):
        ledger.charge("a count", Event("gaussian", 5.0))


def test_measured_tables_are_claimed_and_described() -> None:
    ledger = Ledger()
    ledger.allow(PrivacyBudget(1, 1e-5), unit="person (who)")
    parameters = {"tables": 9, "choices": 4, "rng": "a test"}
    ledger.charge("tables", Event("select-measure", rho=0.02), parameters=parameters)
    assert ledger.claim is not None
    assert ledger.claim["epsilon"] == pytest.approx(0.79, abs=0.01)
    assert ledger.claim["unit"] == "person (who)"
    assert "Renyi" in ledger.claim["accountant"]
    statement = ledger.statement()
    assert "at most 9 tables of counts" in statement
    assert "4 uses of the exponential mechanism" in statement
    assert "one person with all of that person's records" in statement
    ledger.add("a histogram", "none")
    assert ledger.claim is None


def charge_often(path: str) -> None:
    ledger = Ledger.opened(path)
    for _ in range(5):
        ledger.charge("a count", Event("gaussian", 40.0))


def test_processes_that_share_a_file_lose_no_charge(tmp_path: Path) -> None:
    """Two processes and one that opened the file before them all: every charge stands on those before it."""
    path = tmp_path / "ledger.json"
    early = Ledger.opened(path)
    early.allow(PrivacyBudget(1, 1e-5), unit="record")
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=charge_often, args=(str(path),)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    early.charge("another count", Event("gaussian", 40.0))
    assert len(early.events) == len(Ledger.load(path).events) == 11
    assert early.spent is not None
    assert early.spent[0] == composed_epsilon([Event("gaussian", 40.0)] * 11, 1e-5)


def test_a_file_that_was_replaced_is_not_charged(tmp_path: Path) -> None:
    ledger = Ledger.opened(tmp_path / "ledger.json")
    ledger.allow(PrivacyBudget(1, 1e-5), unit="record")
    ledger.charge("a count", Event("gaussian", 40.0))
    Ledger().save(tmp_path / "ledger.json")
    with pytest.raises(InputError, match="no longer holds what was charged to it"):
        ledger.charge("a count", Event("gaussian", 40.0))
