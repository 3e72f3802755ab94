"""Budgets from the command line and from suites: defaults, shared ledgers, resumed runs, and what is refused."""

from __future__ import annotations

import pytest

from audit import Suite
from audit.budgets import BudgetSection, paid_from
from audit.cli import main
from generators import InputError, Ledger, PrivacyBudget, create
from generators.privacy import Event
from tests.generators.models.toy import tabular

TRAIN = ["train", "tabular-vae", "--data", "affairs", "--set", "epochs=1"]


def test_a_suite_may_say_all_of_it(tmp_path):
    (tmp_path / "suite.yaml").write_text(
        "data: {source: affairs}\n"
        "model:\n"
        "  kind: tabular-vae\n"
        "  budget: {epsilon: 3, delta: 1e-6, unit: record, n_public: false, preprocessing: 0.2}\n"
    )
    section = Suite.load(tmp_path / "suite.yaml").model.budget
    assert section.budget() == PrivacyBudget(3, 1e-6, unit="record", n_public=False, preprocessing=0.2)
    short = Suite.load(tmp_path / "suite.yaml", ["model.budget={epsilon: 2}"]).model.budget
    assert short.budget() == PrivacyBudget(2, "auto")
    with pytest.raises(InputError, match="delta"):
        Suite.load(tmp_path / "suite.yaml", ["model.budget={epsilon: 2, delta: small}"])


def test_a_file_gets_the_total_and_keeps_it(tmp_path):
    path, data = tmp_path / "ledger.json", tabular()
    with paid_from(BudgetSection(epsilon=1, ledger=str(path), total_epsilon=4), data) as (budget, ledger):
        assert (ledger.budget.epsilon, ledger.budget.parameters["unit"]) == (4, "record")
        assert budget.delta == ledger.budget.delta == PrivacyBudget(1).resolved(len(data.train)).delta
        ledger.charge("a count", Event("gaussian", 30.0))
    # Another run may leave the total out, or state the same; its delta is the file's.
    for total in (None, 4):
        with paid_from(BudgetSection(epsilon=2, ledger=str(path), total_epsilon=total), data) as (budget, ledger):
            assert (budget.epsilon, ledger.budget.epsilon, len(ledger.events)) == (2, 4, 1)
    for section, words in (
        (BudgetSection(epsilon=1, ledger=str(path), total_epsilon=9), "cannot be changed to 9"),
        (BudgetSection(epsilon=3, ledger=str(tmp_path / "b.json"), total_epsilon=2), "less than this run's"),
        (BudgetSection(epsilon=1, total_epsilon=2), "name its file"),
        (BudgetSection(epsilon=-1, ledger=str(path)), "epsilon is -1"),
    ):
        with pytest.raises(InputError, match=words), paid_from(section, data):
            pass
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.json"]


def test_a_ledger_of_people_is_not_charged_for_records():
    ledger = Ledger()
    ledger.allow(PrivacyBudget(4, 1e-5), unit="person (patient)")
    with pytest.raises(InputError, match=r"hides one person \(patient\), but this run one record"):
        create("tabular-vae").fit(tabular(), PrivacyBudget(1, 1e-5), ledger=ledger, progress=False)
    assert [entry.mechanism for entry in ledger] == ["budget"]


def test_a_refused_run_leaves_no_file_but_a_charged_one_stays(tmp_path):
    def refused(charge: bool) -> None:
        section = BudgetSection(epsilon=1, ledger=str(tmp_path / "ledger.json"), total_epsilon=2)
        with paid_from(section, tabular()) as (_, ledger):
            if charge:
                ledger.charge("a count", Event("gaussian", 30.0))
            raise InputError("no")

    with pytest.raises(InputError, match="no"):
        refused(charge=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="no"):
        refused(charge=True)
    assert len(Ledger.load(tmp_path / "ledger.json").events) == 1


def test_a_refused_run_keeps_what_another_has_charged_to_its_new_file(tmp_path):
    path = tmp_path / "ledger.json"
    section = BudgetSection(epsilon=1, ledger=str(path), total_epsilon=2)

    def refused_while_another_is_charged() -> None:
        with paid_from(section, tabular()):
            Ledger.opened(path).charge("a count", Event("gaussian", 30.0))
            raise InputError("no")

    with pytest.raises(InputError, match="no"):
        refused_while_another_is_charged()
    assert len(Ledger.load(path).events) == 1


def test_models_share_a_ledger_until_it_is_spent(tmp_path, capsys):
    """Delta follows from the number of records; the second model is charged after the first, the third is refused."""
    shared = ["--ledger", str(tmp_path / "shared.json")]
    assert main([*TRAIN, "--epsilon", "1", *shared, "--total-epsilon", "1.5", "--output", str(tmp_path / "a")]) == 0
    first = Ledger.load(tmp_path / "shared.json")
    assert (first.budget.epsilon, first.spent[1]) == (1.5, 1e-5)
    assert 0.99 <= first.spent[0] <= 1
    assert main([*TRAIN, "--epsilon", "0.6", *shared, "--output", str(tmp_path / "b")]) == 0
    second = Ledger.load(tmp_path / "shared.json")
    assert first.spent[0] < second.spent[0] <= 1.5
    assert Ledger.load(tmp_path / "b" / "ledger.json").head == second.head
    capsys.readouterr()
    assert main([*TRAIN, "--epsilon", "1.4", *shared, "--output", str(tmp_path / "c")]) == 2
    printed = capsys.readouterr()
    [line] = [one for one in printed.err.splitlines() if not one.startswith("note:")]
    assert "the ledger allows epsilon 1.5" in line
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b", "shared.json"]
    assert Ledger.load(tmp_path / "shared.json").events == second.events
    assert main(["ledger", str(tmp_path / "b")]) == 0
    assert f"recorded {second.spent[0]:.4f}" in " ".join(capsys.readouterr().out.split())


def test_a_run_under_a_budget_is_resumed_and_leaves_no_state(tmp_path, monkeypatch, capsys):
    """Interrupted in its second block, it goes on with the steps that have not begun, at no further charge."""
    from generators.training import Checkpoints

    ledger_file = tmp_path / "ledger.json"
    command = [*TRAIN, "--epsilon", "3", "--checkpoint-every", "2", "--output", str(tmp_path / "model")]
    command += ["--ledger", str(ledger_file)]
    save, saved = Checkpoints.save, []

    def interrupt(self, *arguments):
        save(self, *arguments)
        saved.append(self)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", interrupt)
    assert main(command) == 2
    assert "with --resume goes on from" in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "ledger.json",
        "model.checkpoint",
        "model.checkpoint.begun",
    ]
    charged = Ledger.load(ledger_file).head
    monkeypatch.setattr(Checkpoints, "save", save)
    assert main([*command, "--resume"]) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["ledger.json", "model"]
    assert Ledger.load(ledger_file).head == charged
    ledger = Ledger.load(tmp_path / "model" / "ledger.json")
    assert len(ledger.events) == 1
    assert 2.97 <= ledger.spent[0] <= 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--delta", "1e-5"], "give --epsilon too"),
        (["--ledger", "l.json"], "give --epsilon too"),
        (["--n-private"], "give --epsilon too"),
        (["--epsilon", "0"], "epsilon is 0"),
        (["--epsilon", "1", "--delta", "2"], "delta is 2"),
        (["--epsilon", "1", "--delta", "small"], "--delta small"),
        (["--epsilon", "1", "--preprocessing", "0.9"], "preprocessing is 0.9"),
        (["--epsilon", "1", "--n-private"], "n_public=False"),
        (["--epsilon", "1", "--total-epsilon", "2"], "name its file"),
        (["--epsilon", "2", "--ledger", "l.json", "--total-epsilon", "1"], "less than this run's"),
        (["--epsilon", "1", "--ledger", "folder/l.json"], "folder"),
    ],
)
def test_bad_budgets_are_one_line_and_leave_nothing(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--output", "m", *arguments]) == 2
    [line] = [one for one in capsys.readouterr().err.splitlines() if not one.startswith("note:")]
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_the_list_says_which_kinds_a_budget_suits_and_why_others_not(capsys):
    from generators import kinds
    from generators.models.registry import family

    assert main(["list", "generators"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for kind in kinds():
        assert (family(kind).no_privacy or "yes").split()[0] in shown
