"""Two real processes on this machine train together: the same promise, the same sums, noise once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from generators import Ledger, PrivacyBudget, create
from tests.generators.models.toy import tabular
from tests.generators.training.in_processes import PEOPLE, records
from tests.generators.training.test_private import Steep

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def torchrun(*arguments: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("processes")
    torchrun("-m", "tests.generators.training.in_processes", str(place))
    return place


@pytest.fixture(scope="module")
def seen(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def textbook_sum(objective: nn.Module, rows: torch.Tensor, clip: float) -> torch.Tensor:
    total = torch.zeros(sum(parameter.numel() for parameter in objective.parameters()))
    for row in rows:
        own = torch.autograd.grad(objective(row[None]).sum(), list(objective.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in own])
        total += flat * min(1.0, clip / (flat.norm().item() + 1e-6))
    return total


def test_shares_add_up_to_the_textbook_sum(seen: list[dict[str, Any]]) -> None:
    expected = textbook_sum(Steep(scale=1.0), records(), clip=0.5) / 10
    for one in seen:
        torch.testing.assert_close(torch.tensor(one["sum"]), expected, rtol=1e-4, atol=1e-6)


def test_a_person_counts_once_in_all_processes_together(seen: list[dict[str, Any]]) -> None:
    assert set(PEOPLE.tolist()) == set(range(6))
    expected = textbook_sum(Steep(scale=1.0), records()[:6], clip=0.5) / 6
    for one in seen:
        torch.testing.assert_close(torch.tensor(one["people"]), expected, rtol=1e-4, atol=1e-6)


def test_a_huge_gradient_is_clipped(seen: list[dict[str, Any]]) -> None:
    assert [one["huge"] for one in seen] == pytest.approx([0.7, 0.7], rel=1e-4)


def test_noise_is_added_once_and_has_the_planned_size(seen: list[dict[str, Any]]) -> None:
    first, second = (torch.tensor(one["noise"]) for one in seen)
    assert torch.equal(first, second)
    assert len(first) > 40_000
    # The deviation of so many numbers is known to 1.1%, at three standard errors.
    assert first.std().item() == pytest.approx(3.0 * 0.5 / 100, rel=0.015)
    assert first.mean().item() == pytest.approx(0.0, abs=3 * 0.015 / len(first) ** 0.5)


def test_all_processes_hold_the_same_weights(seen: list[dict[str, Any]]) -> None:
    assert seen[0]["weights"] == seen[1]["weights"]
    assert seen[0]["followed"] == seen[1]["followed"]
    assert seen[0]["fitted"]["weights"] == seen[1]["fitted"]["weights"]


def test_the_promise_is_that_of_one_process_and_the_first_one_keeps_the_account(
    seen: list[dict[str, Any]], folder: Path
) -> None:
    ledger = Ledger.load(folder / "ledger-0.json")
    assert not (folder / "ledger-1.json").exists()
    assert [one["fitted"]["head"] for one in seen] == [ledger.head, ledger.head]
    assert seen[0]["fitted"]["claim"] == seen[1]["fitted"]["claim"] == ledger.claim
    data = tabular()
    plan = create("tabular-vae", epochs=4, bins=8).plan(PrivacyBudget(3, 1e-5), len(data.train))
    assert ledger.spent == (plan.epsilon, plan.delta)
    [paid] = [entry for entry in ledger if entry.mechanism == "dp-sgd"]
    assert paid.parameters["noise_multiplier"] == plan.noise_multiplier
    assert (paid.parameters["times"], paid.parameters["processes"]) == (plan.steps, 2)


def test_a_resumed_run_takes_the_steps_that_have_not_begun_from_one_state(seen: list[dict[str, Any]]) -> None:
    assert [one["resumed"]["steps"] for one in seen] == [[4, 5], [4, 5]]
    assert seen[0]["resumed"]["weights"] == seen[1]["resumed"]["weights"]


def test_different_records_are_refused(seen: list[dict[str, Any]]) -> None:
    assert all("hold different records" in one["different"] for one in seen)


def test_what_cannot_be_trained_together_is_refused(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert [("tabular-vae" in one["refused"][0]), ("tabular-marginal" in one["refused"][1])] == [True, True]


def test_the_command_trains_in_two_processes(tmp_path: Path) -> None:
    torchrun(
        *("-m", "audit", "train", "tabular-vae", "--data", "affairs", "--epsilon", "3", "--set", "epochs=1"),
        *("--output", str(tmp_path / "model"), "--ledger", str(tmp_path / "shared.json"), "--total-epsilon", "5"),
        *("--checkpoint-every", "3"),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "shared.json"]
    ledger = Ledger.load(tmp_path / "shared.json")
    assert ledger.head == Ledger.load(tmp_path / "model" / "ledger.json").head
    assert 2.97 <= (ledger.spent or (0, 0))[0] <= 3
    assert all(
        bool(tensor.isfinite().all()) for tensor in load_file(tmp_path / "model" / "weights.safetensors").values()
    )
