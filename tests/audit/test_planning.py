"""The planner: its noise keeps the budget, its ratios follow their definitions, bad input is one line."""

from __future__ import annotations

import json
import math

import pytest

from audit.cli import main
from audit.planning import plan_of
from generators import PrivacyBudget, create
from generators.privacy import Event, composed_epsilon, dp_sgd_epsilon


@pytest.fixture(scope="module")
def plan():
    return plan_of(PrivacyBudget(2), units=5000, epochs=4, batch_size=600, clip=0.5, parameters=10_000)


def test_every_row_keeps_the_budget_and_nearly_spends_it(plan):
    assert plan["budget"] == {"epsilon": 2, "delta": 1e-5, "preprocessing": 0.0}
    assert [row["batch_size"] for row in plan["batch_sizes"]] == [256, 512, 600, 1024]  # 2048 is more than a fourth
    assert plan["plan"] in plan["batch_sizes"]
    for row in plan["batch_sizes"]:
        assert row["steps"] == math.ceil(4 * 5000 / row["batch_size"])
        assert row["sampling_rate"] == row["batch_size"] / 5000
        spent = dp_sgd_epsilon(row["sampling_rate"], row["noise_multiplier"], row["steps"], 1e-5)
        assert 0.99 * 2 <= spent == row["epsilon"] <= 2


def test_ratios_follow_their_definition(plan):
    for row in plan["batch_sizes"]:
        assert row["deviation"] == pytest.approx(row["noise_multiplier"] * 0.5 / row["batch_size"])
        assert row["signal_to_noise"] == pytest.approx(0.5 / (100 * row["deviation"]))
        assert row["signal_to_noise_run"] == pytest.approx(row["signal_to_noise"] * math.sqrt(row["steps"]))
    ratios = [row["signal_to_noise_run"] for row in plan["batch_sizes"]]
    assert ratios == sorted(ratios)  # larger batches pay


def test_it_is_the_run_that_training_does():
    budget = PrivacyBudget(3, 1e-5)
    shown = plan_of(budget, units=900, epochs=2, batch_size=1024, clip=1, parameters=1)["plan"]
    trained = create("tabular-vae", epochs=2).plan(budget, 900)
    assert (shown["batch_size"], shown["steps"]) == (225, trained.steps)
    assert shown["noise_multiplier"] == trained.noise_multiplier


def test_preprocessing_is_paid_for_first():
    budget = PrivacyBudget(2, 1e-5, preprocessing=0.3)
    row = plan_of(budget, units=900, epochs=2, batch_size=200, clip=1, parameters=1)["plan"]
    alone = composed_epsilon([Event("dp-sgd", row["noise_multiplier"], row["sampling_rate"], row["steps"])], 1e-5)
    assert alone < 0.95 * row["epsilon"] <= 0.95 * 2


def test_the_command_shows_it_in_words_and_as_json(capsys):
    arguments = ["plan", "--n", "100", "--epsilon", "3", "--delta", "0.02", "--epochs", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "warning: delta 0.02 is not below 1/100 units: it would allow revealing one outright",
        "note: a step takes at most a fourth of 100 records: 25 instead of 1024",
    ]
    for words in ("sampling rate", "0.25 (25 of 100 expected a step)", "8 (2 epochs)", "noise multiplier", "Signal:"):
        assert words in printed.out
    assert main([*arguments, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["n"], shown["plan"]["steps"], shown["budget"]["delta"]) == (100, 8, 0.02)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--n", "0"], "--n"),
        (["--epsilon", "0"], "epsilon is 0"),
        (["--epsilon", "-1"], "epsilon is -1"),
        (["--epsilon", "nan"], "epsilon is nan"),
        (["--delta", "1"], "delta is 1"),
        (["--delta", "0"], "delta is 0"),
        (["--delta", "small"], "--delta small"),
        (["--epochs", "0"], "epochs"),
        (["--batch", "0"], "--batch"),
        (["--clip", "-1"], "clip"),
        (["--parameters", "0"], "--parameters"),
        (["--preprocessing", "0.7"], "preprocessing is 0.7"),
    ],
)
def test_bad_input_is_one_line(change, words, capsys):
    assert main(["plan", "--n", "100", "--epsilon", "1", *change]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert words in line
