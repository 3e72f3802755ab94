"""Every kind of generator keeps the promises of the one face. A new kind adds one row to `SMALL`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.base
import torch

from generators import Dataset, Generator, InputError, PrivacyBudget, create, kinds, load_generator
from generators.models import NeuralGenerator
from generators.models.abilities import ABILITIES, abilities_of
from generators.models.registry import family
from generators.training import Checkpoints
from tests.generators.models.toy import BY_MODALITY

SMALL: dict[str, dict[str, Any]] = {
    "audio-transformer": {"epochs": 20, "seconds": 0.4, "width": 32, "layers": 1, "components": 2},
    "audio-vae": {"epochs": 60, "learning_rate": 5e-3, "seconds": 0.4, "channels": 16, "hidden": 32, "latent": 4},
    "image-diffusion": {"epochs": 12, "channels": 8, "batch_size": 32, "sampling_steps": 3, "ema": 0.9},
    "image-gan": {"epochs": 4, "channels": 8, "batch_size": 32},
    "image-gaussian": {"frequencies": 8, "private_frequencies": 4},
    "image-vae": {"epochs": 10, "hidden": 32, "latent": 4, "ema": 0.9},
    "tabular-diffusion": {"epochs": 8, "hidden": 32, "steps": 5, "private_draws": 2, "batch_size": 32, "ema": 0.9},
    "tabular-flow": {"epochs": 8, "hidden": 16, "knots": 4, "batch_size": 32},
    "tabular-gan": {"epochs": 4, "hidden": 16, "noise": 4, "batch_size": 32},
    "tabular-marginal": {"iterations": 100},
    "tabular-transformer": {"epochs": 8, "width": 16, "layers": 1, "heads": 2, "batch_size": 32},
    "tabular-vae": {"epochs": 60, "hidden": 16, "latent": 4},
    "text-recurrent": {"epochs": 20, "hidden": 32, "context": 16, "learning_rate": 1e-2, "max_length": 40},
    "text-transformer": {"epochs": 10, "width": 32, "layers": 2, "context": 32, "batch_size": 8, "max_length": 40},
    "text-transformer-xl": {"epochs": 20, "width": 32, "layers": 1, "context": 16, "segments": 2, "max_length": 40},
}
"""Hyper-parameters with which a kind trains in about a second."""

KINDS = kinds()
NEURAL = [kind for kind in KINDS if issubclass(family(kind), NeuralGenerator)]
CONDITION = {"tabular": ("colour", "red"), "image": ("digit", "1"), "text": ("mood", "calm"), "audio": ("digit", "1")}


@cache
def data(modality: str) -> Dataset:
    return BY_MODALITY[modality]()


@cache
def fitted(kind: str) -> Generator:
    return create(kind, **SMALL[kind]).fit(data(family(kind).modality), progress=False)


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two canonical frames hold the same cells, arrays included."""
    cells = zip(one.to_numpy(dtype=object).ravel(), other.to_numpy(dtype=object).ravel(), strict=True)
    return list(one.columns) == list(other.columns) and all(_equal(a, b) for a, b in cells)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    return bool((pd.isna(a) and pd.isna(b)) or a == b)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_follow_the_seed_and_are_canonical(kind: str) -> None:
    model, train = fitted(kind), data(family(kind).modality).train
    one, again, other = model.sample(12, seed=1), model.sample(12, seed=1), model.sample(12, seed=2)
    assert len(one) == 12
    assert same(one, again)
    assert not same(one, other)
    assert one.dtypes.equals(train.dtypes)
    for name in train.columns:
        cell, real = one[name].dropna().iloc[0], train[name].dropna().iloc[0]
        assert type(cell) is type(real)
        if isinstance(real, np.ndarray):
            assert cell.dtype == real.dtype
            assert cell.ndim == real.ndim


@pytest.mark.parametrize("kind", KINDS)
def test_conditions_hold(kind: str) -> None:
    column, value = CONDITION[family(kind).modality]
    frame = fitted(kind).sample(7, seed=1, conditions={column: value})
    assert frame[column].tolist() == [value] * 7


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_never_seen_is_one_line(kind: str) -> None:
    column, _ = CONDITION[family(kind).modality]
    with pytest.raises(InputError, match="never seen"):
        fitted(kind).sample(1, conditions={column: "octarine"})


@pytest.mark.parametrize("kind", KINDS)
def test_fitting_follows_the_seed(kind: str) -> None:
    model = create(kind, **SMALL[kind]).fit(data(family(kind).modality), progress=False)
    assert same(model.sample(5, seed=3), fitted(kind).sample(5, seed=3))


@pytest.mark.parametrize("kind", KINDS)
def test_saved_models_sample_and_score_the_same(kind: str, tmp_path: Path) -> None:
    model = fitted(kind)
    model.save(tmp_path / "m")
    loaded = load_generator(tmp_path / "m")
    assert type(loaded) is type(model)
    assert loaded.get_params() == model.get_params()
    assert same(loaded.sample(5, seed=4), model.sample(5, seed=4))
    if "record_loss" in abilities_of(type(model)):
        records = data(model.modality).holdout
        np.testing.assert_array_equal(loaded.record_loss(records), model.record_loss(records))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_abilities_do_what_they_claim(kind: str) -> None:
    model = fitted(kind)
    records = data(model.modality).holdout.head(9)
    for ability in abilities_of(type(model)):
        assert isinstance(model, ABILITIES[ability])
        if ability == "next_token_logits":
            logits = model.next_token_logits(["the ", ""])  # type: ignore[attr-defined]
            assert logits.ndim == 2
            assert len(logits) == 2
            assert np.isfinite(logits).all()
            continue
        if ability == "complete":
            assert len(model.complete(["the ", "", "☃"], 5)) == 3  # type: ignore[attr-defined]
            continue
        values = getattr(model, ability)(records)
        assert values.dtype == np.float64
        assert len(values) == len(records)
        assert np.isfinite(values).all()
        np.testing.assert_allclose(getattr(model, ability)(records.iloc[[4, 2]]), values[[4, 2]], rtol=1e-4, atol=1e-4)
        if ability == "encode":
            again = model.decode(values, seed=1)  # type: ignore[attr-defined]
            assert len(again) == len(records)
            assert same(again, model.decode(values, seed=1))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "record_loss" in abilities_of(family(kind))])
def test_training_makes_records_more_familiar(kind: str) -> None:
    """Real records lose less under the model than nonsense of the same form."""
    model = fitted(kind)
    real = data(model.modality).train.head(40)
    rng = np.random.default_rng(0)
    nonsense = pd.DataFrame({name: _nonsense(real[name], rng) for name in real.columns})
    assert model.record_loss(real).mean() < model.record_loss(nonsense).mean()  # type: ignore[attr-defined]


def _nonsense(cells: pd.Series[Any], rng: np.random.Generator) -> pd.Series[Any]:
    def scrambled(cell: Any) -> Any:
        if isinstance(cell, np.ndarray):
            return rng.permutation(cell.reshape(-1)).reshape(cell.shape)
        return "".join(rng.permutation(list(cell))) if isinstance(cell, str) and " " in cell else cell

    return pd.Series([scrambled(cell) for cell in rng.permutation(cells.to_numpy())], dtype=cells.dtype)


@pytest.mark.parametrize("kind", NEURAL)
def test_a_resumed_run_gives_the_same_model(kind: str, tmp_path: Path) -> None:
    """Interrupted by a callback in the middle of its steps, and resumed by a new object."""

    class Stop:
        def started(self, *_: object) -> None: ...

        def stepped(self, step: int, _: object) -> None:
            if step == 5:
                raise KeyboardInterrupt

        def finished(self, _: object) -> None: ...

    train, path = data(family(kind).modality), tmp_path / "state.safetensors"
    stops = "discriminate" not in abilities_of(family(kind))
    course = {**SMALL[kind], "batch_size": 16, "ema": 0.9, "epochs": 3, "validation": 0.2 if stops else 0.0}
    whole = create(kind, **course).fit(train, progress=False)
    with pytest.raises(KeyboardInterrupt):
        create(kind, **course).fit(train, progress=False, callbacks=[Stop()], checkpoints=Checkpoints(path, every=2))
    torch.rand(3)  # whatever else happened in the meantime
    resumed = create(kind, **course).fit(train, progress=False, checkpoints=Checkpoints(path, every=2, resume=True))
    assert resumed.history_.to_dict() == whole.history_.to_dict()
    assert same(resumed.sample(5), whole.sample(5))


@pytest.mark.parametrize("kind", NEURAL)
def test_other_records_cannot_resume_a_run(kind: str, tmp_path: Path) -> None:
    path, train = tmp_path / "state.safetensors", data(family(kind).modality)
    create(kind, **SMALL[kind]).fit(train, progress=False, checkpoints=Checkpoints(path, every=1))
    turned = replace(train, parts={**train.parts, "train": train.train.iloc[::-1].reset_index(drop=True)})
    with pytest.raises(InputError, match="is of another run: its records"):
        create(kind, **SMALL[kind]).fit(turned, progress=False, checkpoints=Checkpoints(path, every=1, resume=True))


@pytest.mark.parametrize("kind", [kind for kind in NEURAL if "discriminate" in abilities_of(family(kind))])
def test_a_gan_has_no_loss_to_stop_by(kind: str) -> None:
    with pytest.raises(InputError, match=r"^validation"):
        create(kind, **SMALL[kind], validation=0.2).fit(data(family(kind).modality), progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_private_training_works_or_says_why_not(kind: str) -> None:
    model, budget = create(kind, **SMALL[kind]), PrivacyBudget(5, 1e-3)
    train = data(family(kind).modality)
    if family(kind).no_privacy:
        with pytest.raises(InputError, match="cannot be trained under a privacy budget"):
            model.fit(train, budget, progress=False)
        return
    model.fit(train, budget, progress=False)
    claim = model.ledger_.claim
    assert claim is not None
    assert claim["epsilon"] <= 5
    assert "none" not in {entry.mechanism for entry in model.ledger_}
    assert len(model.sample(3)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_scikit_learn_can_clone_it(kind: str) -> None:
    model = create(kind, **{**SMALL[kind], "seed": 3})
    copied = sklearn.base.clone(model)
    assert type(copied) is type(model)
    assert copied is not model
    assert copied.get_params() == model.get_params()
    assert copied.set_params(seed=4) is copied
    assert copied.get_params() == {**model.get_params(), "seed": 4}
    with pytest.raises(InputError, match="seed is -1"):
        copied.set_params(seed=-1)
    with pytest.raises(InputError, match="no hyper-parameter 'colour'"):
        copied.set_params(seed=5, colour=1)
    assert copied.seed == 4


def test_changed_hyper_parameters_need_a_new_fit() -> None:
    model = create("tabular-marginal", **SMALL["tabular-marginal"]).fit(data("tabular"), progress=False)
    assert len(model.set_params().sample(2)) == 2
    with pytest.raises(InputError, match="is not fitted"):
        model.set_params(seed=1).sample(2)


@pytest.mark.parametrize("seed", [-1, 2**63, 99999999999999999999])
def test_a_seed_out_of_range_is_one_line(seed: int) -> None:
    with pytest.raises(InputError, match=rf"seed is {seed}, expected 0 to 2\*\*63 - 1"):
        fitted("tabular-marginal").sample(1, seed=seed)
    assert len(fitted("tabular-marginal").sample(1, seed=2**63 - 1)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_another_modality_is_refused(kind: str) -> None:
    other = "image" if family(kind).modality == "tabular" else "tabular"
    with pytest.raises(InputError, match=f"makes {family(kind).modality} records"):
        create(kind).fit(data(other), progress=False)
