from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from generators import Dataset, load_generator
from generators.models.tabular.gan import GAN, TabularGAN
from generators.training import Checkpoints
from tests.generators.models import toy

SMALL: dict[str, Any] = {"hidden": 32, "noise": 8, "bins": 8, "batch_size": 64}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return toy.tabular(1200)


@pytest.fixture(scope="module")
def model(data: Dataset) -> TabularGAN:
    return TabularGAN(**SMALL, epochs=60, ema=0.99).fit(data, progress=False)


def test_samples_resemble_train(model: TabularGAN, data: Dataset) -> None:
    sample = model.sample(2000, seed=1)
    for name in ("colour", "grade", "seen"):
        found, real = (frame[name].value_counts(normalize=True) for frame in (sample, data.train))
        assert found.sub(real, fill_value=0).abs().sum() / 2 < 0.15, name
    blue = sample["colour"] == "blue"  # colour depends on size
    assert sample.loc[blue, "size"].mean() > sample.loc[~blue, "size"].mean() + 2


def test_conditions_on_one_column_are_steered(model: TabularGAN, data: Dataset) -> None:
    for name, value in (("colour", "green"), ("grade", 2.0), ("seen", "yes"), ("count", 6.0), ("size", np.nan)):
        made = model._sample(300, torch.Generator().manual_seed(0), {name: value})
        cells = made[name]
        share, usual = ((c.isna() if pd.isna(value) else c == value).mean() for c in (cells, data.train[name]))
        assert share > usual + 0.3, name


def test_the_rarest_of_several_conditions_steers(model: TabularGAN) -> None:
    column, code = model._wanted(5, torch.Generator().manual_seed(0), {"seen": "no", "count": 8.0})
    blocks = [block.name for block in model.encoder_.blocks_]
    assert {blocks[place] for place in column.tolist()} == {"count"}
    assert len(set(code.tolist())) == 1
    assert len(model.sample(4, conditions={"seen": "no", "grade": 1})) == 4


def test_scores_are_per_record_and_favour_real_ones(model: TabularGAN, data: Dataset) -> None:
    scores = model.discriminate(data.holdout)
    np.testing.assert_allclose(model.discriminate(data.holdout.iloc[[7]]), scores[[7]], rtol=1e-4, atol=1e-5)
    assert np.isfinite(model.discriminate(data.holdout.assign(colour="octarine"))).all()
    early = TabularGAN(**SMALL, epochs=8).fit(data, progress=False)
    rng = np.random.default_rng(0)
    nonsense = data.holdout.apply(lambda cells: pd.Series(rng.permutation(cells.to_numpy()), dtype=cells.dtype))
    assert early.discriminate(data.holdout).mean() > early.discriminate(nonsense).mean()


def test_a_working_generator_is_not_called_collapsed(model: TabularGAN) -> None:
    assert model.history_.notes == []
    _, seen = model.history_.watched[-1]
    assert seen["lost"] == 0
    assert seen["total_variation"] < 0.2


class Planted(TabularGAN):
    """Its generator ignores noise and wishes: the last layer is all zeros but for one category of each column."""

    kind = "tabular-gan"

    def _phases(self) -> list[Any]:
        last = self.network_.generator[-1]
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        last.bias.data[self.network_.get_buffer("offsets")] = 50.0
        return super()._phases()[:1]


def test_the_monitor_finds_a_planted_collapse(data: Dataset) -> None:
    model = Planted(**SMALL, epochs=1).fit(data, progress=False)
    lost, repeats, far = model.history_.notes
    assert lost.startswith("mode collapse: ")
    assert "never appear" in lost
    assert "% of 600 samples repeat an earlier one" in repeats
    assert "total variation" in far
    assert model.history_.watched[-1][1]["repeats"] > 0.99


def test_what_the_monitor_said_is_saved(data: Dataset, tmp_path: Any) -> None:
    model = Planted(**SMALL, epochs=1).fit(data, progress=False)
    model.save(tmp_path / "m")
    assert load_generator(tmp_path / "m").history_.notes == model.history_.notes


def test_the_slope_is_that_of_each_record() -> None:
    torch.manual_seed(0)
    network = GAN((2, 3), hidden=8, noise=4, temperature=0.2, penalty=1.0)
    records, wish = torch.eye(5)[:3], torch.eye(5)[2:]
    moved, step = records.clone(), 1e-3
    moved[1, 4] += step
    by_hand = (network._score(moved, wish) - network._score(records, wish))[1].item() / step
    whole = network._slope(records, wish)
    assert whole.shape == (3,)
    alone = records[[1]].requires_grad_()
    slope = torch.autograd.grad(network._score(alone, wish[[1]]).sum(), alone)[0]
    assert slope[0, 4].item() == pytest.approx(by_hand, rel=1e-2)
    assert whole[1].item() == pytest.approx(slope.square().sum().item(), rel=1e-4)


def test_both_real_and_generated_records_are_one_hot() -> None:
    torch.manual_seed(0)
    network = GAN((2, 3), hidden=8, noise=4, temperature=0.2, penalty=1.0)
    logits = torch.randn(50, 5, requires_grad=True)
    chosen = network._chosen(logits)
    assert set(chosen.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}
    chosen[:, 0].sum().backward()
    assert logits.grad is not None
    assert logits.grad[:, :2].abs().sum() > 0


def test_looking_does_not_disturb_training(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = TabularGAN(**SMALL, epochs=2).fit(data, progress=False)
    monkeypatch.setattr(TabularGAN, "_look", lambda *_: None)
    blind = TabularGAN(**SMALL, epochs=2).fit(data, progress=False)
    assert watched.sample(20).equals(blind.sample(20))
    assert blind.history_.watched == []


def test_fewer_records_than_a_batch(data: Dataset, tmp_path: Any) -> None:
    small = Dataset("d", data.schema, {"train": data.train.head(5)})
    path = Checkpoints(tmp_path / "c.safetensors", every=1)
    model = TabularGAN(**SMALL, epochs=1).fit(small, progress=False, checkpoints=path)
    assert len(model.sample(3)) == 3
