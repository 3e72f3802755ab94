"""What is saved comes back, and what was damaged on the way is one line."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from generators import InputError, TabularVAE, load_generator
from tests.generators.models.test_every_kind import data, fitted


@cache
def small() -> TabularVAE:
    return TabularVAE(epochs=1, hidden=8, latent=2).fit(data("tabular"), progress=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    small().save(tmp_path / "m")
    return tmp_path / "m"


def overwritten(byte: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:-64] + bytes([byte]) * 64


DAMAGE = {
    "zeros": overwritten(0),
    "ones": overwritten(0xFF),
    "cut": lambda content: content[:100],
    "longer": lambda content: content + b"!",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_refused(damage: str, folder: Path) -> None:
    file = folder / "weights.safetensors"
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    with pytest.raises(InputError, match="is damaged, or was altered") as caught:
        load_generator(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_checksum_is_refused(folder: Path) -> None:
    described = json.loads((folder / "model.json").read_text())
    del described["weights_sha256"]
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match="is damaged, or was altered"):
        load_generator(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(
    value: float, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = copy.deepcopy(small())
    name, weight = next(iter(broken.network_.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[0] = value
    with pytest.raises(InputError, match=f"this tabular-vae: weight '{name}' is not finite"):
        broken.save(tmp_path / "broken")
    assert not (tmp_path / "broken").exists()
    weights = load_file(folder / "weights.safetensors")
    weights[name].view(-1)[0] = value
    save_file(weights, folder / "weights.safetensors")
    monkeypatch.setattr("generators.models.storage._sha256", lambda _: _checksum(folder))
    with pytest.raises(InputError, match=rf"weights\.safetensors: weight '{name}' is not finite"):
        load_generator(folder)


def _checksum(folder: Path) -> str:
    return str(json.loads((folder / "model.json").read_text())["weights_sha256"])


WRONG: tuple[Any, ...] = (None, [], "x", -1, 1e400)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where the parts of a description are; of a long list the first two and the last."""
    if path:
        yield path
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys if isinstance(value, dict) or len(keys) < 4 else [keys[0], keys[1], keys[-1]]:
        yield from _places(value[key], (*path, key))


@pytest.mark.parametrize("kind", ["tabular-vae", "tabular-marginal", "text-transformer", "image-vae", "audio-vae"])
def test_a_description_with_a_wrong_part_is_one_line_or_loads(kind: str, tmp_path: Path) -> None:
    fitted(kind).save(tmp_path / "m")
    file = tmp_path / "m" / "model.json"
    whole = json.loads(file.read_text())
    places = list(_places(whole))
    refusals: list[str] = []
    for path in places:
        for wrong in WRONG:
            described = copy.deepcopy(whole)
            inner = described
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = wrong
            file.write_text(json.dumps(described))
            try:
                load_generator(tmp_path / "m")
            except InputError as error:
                refusals.append(str(error))
    assert len(refusals) > len(places)
    assert [message for message in refusals if "\n" in message] == []


NAMED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "a schema that is a list": (("schema",), []),
    "blocks that are text": (("state", "encoder", "blocks"), "x"),
    "a block that is nothing": (("state", "encoder", "blocks", 0), None),
}


@pytest.mark.parametrize(("path", "wrong"), NAMED.values(), ids=NAMED)
def test_some_wrong_parts_are_damage(path: tuple[Any, ...], wrong: Any, folder: Path) -> None:
    described = json.loads((folder / "model.json").read_text())
    inner = described
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match="is damaged"):
        load_generator(folder)


def test_a_description_of_brackets_alone_is_damage(folder: Path) -> None:
    (folder / "model.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"model\.json: is damaged"):
        load_generator(folder)


def test_a_copy_elsewhere_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert load_generator(tmp_path / "copy").sample(4, seed=1).equals(small().sample(4, seed=1))
