from dataclasses import replace

import numpy as np
import pytest

from audit.anonymity.choices import halves, known, secrets
from audit.checks import all_checks, default_policy
from audit.checks.subject import Subject
from audit.targets import records_target
from generators import Column, InputError
from tests.audit.anonymity.people import population, subject

ALL = ["age", "town", "balance", "joined", "smoker", "visits"]


def test_without_a_choice_every_column_is_a_secret_and_all_others_are_known():
    chosen = subject(0.0, rows=100)
    assert secrets(chosen) == ALL
    assert sorted(known(chosen, "town")) == sorted(set(ALL) - {"town"})


def test_a_choice_is_followed():
    chosen = subject(0.0, rows=100, secret="town", known=("age", "visits"))
    assert secrets(chosen) == ["town"]
    assert known(chosen, "town") == ["age", "visits"]
    assert halves(chosen)[0] == ["age", "visits"]


def test_of_many_columns_the_hardest_to_guess_are_the_secrets():
    data, fresh = population(rows=100)
    columns = (*data.schema.columns, *(Column(f"coarse{i}", "integer") for i in range(4)))

    def widen(frame):
        return frame.assign(**{f"coarse{i}": frame["age"] % 2 for i in range(4)})

    parts = {name: widen(frame) for name, frame in data.parts.items()}
    wide = replace(data, schema=replace(data.schema, columns=columns), parts=parts)
    chosen = secrets(Subject(records_target(widen(fresh)), wide, default_policy(), 0))
    assert len(chosen) == 8
    assert {"age", "balance", "joined"} <= set(chosen)


def test_halves_say_about_as_much():
    first, second = halves(subject(0.0, rows=100))
    assert sorted(first + second) == sorted(ALL)
    assert ("joined" in first) != ("balance" in first)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"secret": "income"}, "secret 'income': no such column; there are age, town"),
        ({"known": ("age", "shoe")}, "known column 'shoe': no such column"),
        ({"secret": "age", "known": ("age", "town")}, "secret 'age': stands among the known columns too"),
        ({"known": ("age", "age")}, "one is named twice"),
    ],
)
def test_a_senseless_choice_is_refused_in_one_line(choices, message):
    with pytest.raises(InputError, match=message) as refused:
        subject(0.0, rows=100, **choices)
    assert "\n" not in str(refused.value)


def changed(column, cells):
    """People with one column replaced, in every part."""
    data, fresh = population(rows=100)
    parts = {name: frame.assign(**{column: cells}) for name, frame in data.parts.items()}
    schema = replace(
        data.schema,
        columns=tuple(replace(c, constant=True, missing=True) if c.name == column else c for c in data.schema.columns),
    )
    return replace(data, parts=parts, schema=schema), fresh.assign(**{column: cells})


@pytest.mark.parametrize("cells", [1.0, np.nan])
@pytest.mark.parametrize("attack", ["anonymity.linkability", "anonymity.singling-out", "anonymity.inference"])
def test_columns_without_any_variation_are_left_out(attack, cells):
    data, fresh = changed("balance", cells)
    choices = {"secret": "town"} if attack == "anonymity.inference" else {}
    finding, _ = all_checks()[attack]().run(Subject(records_target(fresh), data, default_policy(), 0, **choices))
    assert finding.status in ("pass", "inconclusive")


def test_a_constant_column_is_no_secret():
    data, fresh = changed("balance", 1.0)
    with pytest.raises(InputError, match="every record has the same value"):
        Subject(records_target(fresh), data, default_policy(), 0, secret="balance")


def test_too_few_records_decide_nothing():
    finding, gates = all_checks()["anonymity.linkability"]().run(subject(0.0, rows=100))
    assert finding.status == "inconclusive" or gates
    data, fresh = population(rows=200)
    few = replace(data, parts={**data.parts, "holdout": data.holdout.iloc[:10]})
    finding, _ = all_checks()["anonymity.linkability"]().run(Subject(records_target(fresh), few, default_policy(), 0))
    assert finding.status == "inconclusive"
    assert "10 people" in finding.why
