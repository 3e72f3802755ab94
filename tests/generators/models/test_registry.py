from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from generators import InputError, create, kinds, register
from generators.models import registry
from generators.models.registry import family, locations

PACKAGE = """
from dataclasses import field
from typing import ClassVar
import numpy as np
import pandas as pd
from generators import Generator
from generators.training import History

class Repeater(Generator):
    '''Repeats the first training record.'''
    kind: ClassVar[str] = "tabular-repeater"
    times: int = 1
    first_: pd.DataFrame = field(init=False)

    def _fit(self, frame, schema, ledger, paying, beside):
        ledger.add("the first record", "none")
        self.first_ = frame.head(1)
        return History()

    def _sample(self, n, generator, conditions):
        return pd.concat([self.first_] * n, ignore_index=True)

    def _state(self):
        return {}, {}

    def _restore(self, state, weights):
        pass
"""

SCRIPT = """
import pandas as pd
from generators import Dataset, create, kinds
assert "tabular-repeater" in kinds()
data = Dataset.from_frame("d", pd.DataFrame({"x": range(40)})).split()
model = create("tabular-repeater", times=3).fit(data)
print(len(model.sample(4)), model.get_params())
"""


def test_another_package_adds_a_kind(tmp_path: Path) -> None:
    (tmp_path / "their_package.py").write_text(PACKAGE)
    about = tmp_path / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[genassay.generators]\ntabular-repeater = their_package:Repeater\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "4 {'seed': 0, 'device': 'cpu', 'times': 3}\n"


BROKEN = {
    "no such package": ("", "no_such_package:Broken", "No module named 'no_such_package'"),
    "no such class": ("", "their_broken:Missing", "has no attribute 'Missing'"),
    "a mistake in its code": ("def f(:", "their_broken:Broken", "invalid syntax"),
    "an import that raises": ("raise RuntimeError('no licence\\nfound')", "their_broken:Broken", "no licence found"),
    "no generator": ("Broken = 3", "their_broken:Broken", "it is no Generator"),
}


@pytest.mark.parametrize(("code", "location", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_kind_that_cannot_be_loaded_is_one_line(
    code: str, location: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_broken.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_broken", raising=False)
    monkeypatch.setitem(registry._FAMILIES, "tabular-broken", location)
    with pytest.raises(InputError) as caught:
        create("tabular-broken")
    message = str(caught.value)
    assert message.startswith(f"generator kind 'tabular-broken' cannot be loaded from {location}: ")
    assert problem in message
    assert "\n" not in message


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(InputError, match="'tabular-vae' is taken by"):
        register("tabular-vae", "elsewhere:VAE")


def test_unknown_kinds_and_hyper_parameters_are_named() -> None:
    with pytest.raises(InputError, match=r"no generator kind 'oracle'; there are .*tabular-vae"):
        create("oracle")
    with pytest.raises(InputError, match="no hyper-parameter 'colour'; it has seed, device, epochs"):
        create("tabular-vae", colour=1)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_says_what_it_is(kind: str) -> None:
    found = family(kind)
    assert found.kind == kind
    assert kind.startswith(found.modality + "-")
    assert locations()[kind].startswith(f"generators.models.{found.modality}.")
    summary = (found.__doc__ or "").strip().splitlines()[0]
    assert summary.endswith(".")
    assert len(summary) < 120
    defaults = create(kind).get_params()
    assert json.loads(json.dumps(defaults)) == defaults
