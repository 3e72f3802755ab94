"""Every neural kind can be made smaller; a new kind is tried without a line here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from generators import Generator, InputError, PrivacyBudget, TabularVAE, compress, create, load_generator
from generators.models import NeuralGenerator
from generators.models.compression import _output_axis
from tests.generators.models.test_every_kind import NEURAL, SMALL, data, fitted, same

METHODS = ["prune:0.5", "int8"]


@cache
def wide() -> TabularVAE:
    """A model whose folder is mostly weights."""
    return TabularVAE(epochs=1).fit(data("tabular"), progress=False)


def matrices(model: Generator) -> dict[str, torch.Tensor]:
    assert isinstance(model, NeuralGenerator)
    return {name: p.detach() for name, p in model.network_.named_parameters() if p.ndim >= 2}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", NEURAL)
def test_compressed_models_are_generators(kind: str, method: str, tmp_path: Path) -> None:
    model = fitted(kind)
    before = {name: weight.clone() for name, weight in matrices(model).items()}
    smaller = compress(model, method)
    assert type(smaller) is type(model)
    assert smaller.get_params() == model.get_params()
    assert all(torch.equal(before[name], weight) for name, weight in matrices(model).items())
    assert any(not torch.equal(before[name], weight) for name, weight in matrices(smaller).items())
    smaller.save(tmp_path / "m")
    loaded = load_generator(tmp_path / "m")
    assert json.loads((tmp_path / "m" / "model.json").read_text())["state"]["compression"] == method
    for name, weight in matrices(smaller).items():
        assert torch.equal(matrices(loaded)[name], weight)
    assert same(loaded.sample(4, seed=1), smaller.sample(4, seed=1))
    loaded.save(tmp_path / "again")
    files = [(tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("m", "again")]
    assert files[0] == files[1]


@pytest.mark.parametrize("kind", NEURAL)
def test_a_pruned_model_has_its_share_of_zeros(kind: str) -> None:
    weights = torch.cat([weight.flatten() for weight in matrices(compress(fitted(kind), "prune:0.3")).values()])
    before = torch.cat([weight.flatten() for weight in matrices(fitted(kind)).values()])
    zeros = int((before == 0).sum())
    assert int((weights == 0).sum()) == max(zeros, round(0.3 * len(weights)))
    assert before[weights == 0].abs().max() <= before[weights != 0].abs().min()


@pytest.mark.parametrize(("method", "share"), [("int8", 0.29), ("prune:0.5", 0.56), ("prune:0.9", 0.17)])
def test_folders_are_smaller(method: str, share: float, tmp_path: Path) -> None:
    wide().save(tmp_path / "whole")
    compress(wide(), method).save(tmp_path / "smaller")
    sizes = [sum(file.stat().st_size for file in (tmp_path / f).iterdir()) for f in ("whole", "smaller")]
    assert sizes[1] < share * sizes[0] + 8192  # the description, which no method makes smaller


@pytest.mark.parametrize("share", ["0.00001", "0.02", "0.04", "0.1"])
@pytest.mark.parametrize("kind", NEURAL)
def test_weights_that_are_hardly_pruned_take_no_more_room(kind: str, share: str, tmp_path: Path) -> None:
    fitted(kind).save(tmp_path / "whole")
    smaller = compress(fitted(kind), f"prune:{share}")
    smaller.save(tmp_path / "smaller")
    sizes = [(tmp_path / f / "weights.safetensors").stat().st_size for f in ("whole", "smaller")]
    assert sizes[1] <= sizes[0]
    assert same(load_generator(tmp_path / "smaller").sample(2), smaller.sample(2))


def test_rounding_changes_likelihoods_little() -> None:
    records = data("tabular").holdout
    losses = [model.record_loss(records).mean() for model in (wide(), compress(wide(), "int8"))]  # type: ignore[attr-defined]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_a_claim_carries_over_and_says_what_was_done(tmp_path: Path) -> None:
    model = create("tabular-vae", **SMALL["tabular-vae"]).fit(data("tabular"), PrivacyBudget(5, 1e-3), progress=False)
    smaller = compress(model, "int8")
    assert smaller.ledger_.claim == model.ledger_.claim
    assert len(smaller.ledger_) == len(model.ledger_) + 1
    assert "compressed by int8" in smaller.ledger_.statement()
    assert "compressed" not in model.ledger_.statement()
    smaller.save(tmp_path / "m")
    assert load_generator(tmp_path / "m").ledger_.claim == model.ledger_.claim


def test_training_again_starts_from_nothing() -> None:
    smaller = compress(fitted("tabular-vae"), "prune:0.5")
    smaller.fit(data("tabular"), progress=False)
    assert smaller.compression_ is None  # type: ignore[attr-defined]
    assert same(smaller.sample(3), fitted("tabular-vae").sample(3))


@pytest.mark.parametrize("method", ["zip", "prune", "prune:", "prune:half", "int4", "quantise:0.5"])
def test_unknown_methods(method: str) -> None:
    with pytest.raises(InputError, match=r"no compression method .*; there is prune:SHARE"):
        compress(wide(), method)


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "1.5", "nan", "inf"])
def test_senseless_shares(share: str) -> None:
    with pytest.raises(InputError, match="above 0 and below 1"):
        compress(wide(), f"prune:{share}")


def test_what_cannot_be_compressed() -> None:
    with pytest.raises(InputError, match="no network"):
        compress(fitted("tabular-marginal"), "int8")
    with pytest.raises(InputError, match="not fitted"):
        compress(create("tabular-vae"), "int8")
    with pytest.raises(InputError, match="compressed already, by int8"):
        compress(compress(fitted("tabular-vae"), "int8"), "prune:0.5")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    compress(wide(), "int8").save(tmp_path / "m")
    wide().save(tmp_path / "whole")
    (tmp_path / "m" / "weights.safetensors").write_bytes(
        (tmp_path / "whole" / "weights.safetensors").read_bytes()[:100]
    )
    with pytest.raises(InputError, match="is damaged"):
        load_generator(tmp_path / "m")


def test_scales_belong_to_output_channels() -> None:
    network = nn.ModuleDict({"up": nn.ConvTranspose2d(2, 3, 4), "down": nn.Conv2d(2, 3, 4), "line": nn.Linear(2, 3)})
    assert [_output_axis(network, f"{name}.weight") for name in ("up", "down", "line")] == [1, 0, 0]
