"""What the README says of the checks is what there is."""

from pathlib import Path

from audit.listing import coverage

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_checks_is_the_generated_one() -> None:
    below = README.read_text(encoding="utf-8").partition("--format markdown` -->\n")[2]
    table = below.partition("\n<!-- end of checks -->")[0]
    assert table == coverage(), "put the table of `genassay list checks --format markdown` into README.md"
