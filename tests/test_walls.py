"""The rooms import each other in one direction only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "generators": {"audit", "reports", "tests", "benchmarks"},
    "reports": {"audit", "generators", "tests", "benchmarks"},
    "audit": {"tests", "benchmarks"},
}


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            rooms |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            rooms.add((node.module or "").partition(".")[0])
    return rooms


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_import_runs_the_wrong_way(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    wrong = {str(file.relative_to(ROOT)): bad for file in files if (bad := imported_rooms(file) & FORBIDDEN[room])}
    assert wrong == {}


def test_no_import_is_relative():
    relative = [
        str(file.relative_to(ROOT))
        for room in FORBIDDEN
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
