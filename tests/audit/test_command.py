import pytest

from audit.command import for_one_check, shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "/home/ann/suite.yaml"], "genassay run suite.yaml --set 'checks=[{check}]'"),
        (["audit", "m", "--checks=a", "--seed", "1"], "genassay audit m --seed 1 --checks {check}"),
        (["audit", "--output", "/x/y", "--train", "/x/t.csv"], "genassay audit --train t.csv --checks {check}"),
        (["audit", "--output=/x/y", "m"], "genassay audit m --checks {check}"),
    ],
)
def test_one_check_again(arguments, expected):
    assert for_one_check(arguments) == expected


def test_no_folder_of_this_machine_is_shown():
    assert shown(["audit", "--train=/a/b.csv", "C:\\\\data\\\\x y.csv", "--set", "k=/a/b"]).count("/") == 0
