"""The secret and the known columns, as users give them."""

import json

import pytest

from audit.cli import main
from audit.suite import Suite, run_suite
from generators import InputError
from tests.audit.anonymity.people import population


@pytest.fixture
def files(tmp_path):
    data, fresh = population(rows=150)
    tables = {"train": data.train, "holdout": data.holdout, "reference": data.reference, "synthetic": fresh}
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def command(files, *more):
    parts = [
        text for part in ("train", "holdout", "reference", "synthetic") for text in (f"--{part}", files / f"{part}.csv")
    ]
    return ["audit", *map(str, parts), *more]


def test_a_secret_that_does_not_exist_stops_the_command_in_one_line(files, capsys):
    assert main(command(files, "--secret", "income", "--output", str(files / "out"))) == 2
    shown = capsys.readouterr().err
    assert "secret 'income': no such column" in " ".join(shown.split())
    assert not (files / "out").exists()


def test_a_secret_is_named_in_the_finding_and_in_the_command_that_repeats_it(files):
    out = files / "out"
    main(command(files, "--secret", "town", "--checks", "anonymity.inference", "--output", str(out)))
    finding = json.loads((out / "audit.json").read_text())["findings"][0]
    assert "the secret town" in finding["why"]
    assert "--secret town" in finding["reproduce"]


def test_a_suite_names_secret_and_known_columns(files, tmp_path):
    text = {
        "data": {part: str(files / f"{part}.csv") for part in ("train", "holdout", "reference")},
        "synthetic": str(files / "synthetic.csv"),
        "checks": ["anonymity.inference"],
        "secret": "town",
        "known": ["age", "visits"],
    }
    (tmp_path / "suite.yaml").write_text(json.dumps(text))
    suite = Suite.load(tmp_path / "suite.yaml")
    assert "From age, visits, the secret town" in run_suite(suite, tmp_path).findings[0].why
    wrong = Suite.load(tmp_path / "suite.yaml", ["known=[town]"])
    with pytest.raises(InputError, match="secret 'town': stands among the known columns too"):
        run_suite(wrong, tmp_path)
