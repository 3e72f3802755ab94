from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generators import InputError, Ledger, PrivacyBudget, plan_training


def private_ledger() -> Ledger:
    plan = plan_training(PrivacyBudget(2, 1e-5), records=1000, batch_size=100, epochs=2)
    ledger = Ledger()
    ledger.add("columns", "public", public="the data holder")
    ledger.add("bounds of age", "public", public="the codebook")
    parameters = {**plan.parameters(), "rng": "a test"}
    ledger.add("the weights", "dp-sgd", parameters=parameters, epsilon=plan.epsilon, delta=plan.delta)
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
    entries[2]["parameters"]["steps"] = 1


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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entries": 3}'])
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


def test_runs_compose() -> None:
    ledger = private_ledger()
    ledger.add("more weights", "dp-sgd", epsilon=1.0, delta=1e-6, parameters={})
    assert ledger.spent is not None
    assert ledger.spent[0] == pytest.approx(private_ledger().spent[0] + 1.0)  # type: ignore[index]


def test_measured_tables_are_claimed_and_described() -> None:
    ledger = Ledger()
    parameters = {
        "tables": 9, "choices": 4, "rho": 0.02, "unit": "record", "relation": "add-or-remove-one",
        "accountant": "zcdp", "rng": "a test",
    }  # fmt: skip
    ledger.add("tables", "select-measure", epsilon=0.8, delta=1e-5, parameters=parameters)
    assert ledger.spent == (0.8, 1e-5)
    assert ledger.claim == {
        "epsilon": 0.8, "delta": 1e-5, "unit": "record", "relation": "add-or-remove-one", "accountant": "zcdp",
    }  # fmt: skip
    statement = ledger.statement()
    assert "at most 9 tables of counts" in statement
    assert "4 uses of the exponential mechanism" in statement
    ledger.add("a histogram", "none")
    assert ledger.claim is None
