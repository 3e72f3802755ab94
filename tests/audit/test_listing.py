from __future__ import annotations

import pytest
from rich.console import Console

from audit.listing import generators_listed
from generators import kinds
from generators.models import registry


def test_a_kind_that_cannot_be_loaded_leaves_the_others_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._FAMILIES, "tabular-broken", "no_such_package:Broken")
    console = Console(width=300)
    with console.capture() as printed:
        console.print(generators_listed()[0])
    rows = {line.split()[0]: line for line in printed.get().splitlines() if line.strip()}
    assert "'tabular-broken' cannot be loaded from no_such_package:Broken: No module named" in rows["tabular-broken"]
    assert set(kinds()) < set(rows)
