"""Many models from one call are what each would be alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joblib import parallel_config

from generators import PrivacyBudget, create, load_generator
from generators.datasets import Dataset
from generators.models import ensemble
from generators.models.base import Generator
from generators.models.ensemble import fit_many
from generators.models.neural import NeuralGenerator
from generators.models.running import Beside
from tests.generators.models import toy

BUDGET = PrivacyBudget(3.0, 1e-5)
SMALL: dict[str, dict[str, Any]] = {
    "tabular-vae": {"epochs": 1, "hidden": 8, "latent": 2, "batch_size": 32},
    "tabular-diffusion": {"epochs": 1, "hidden": 8, "layers": 1, "batch_size": 32},
    "tabular-transformer": {"epochs": 1, "width": 8, "layers": 1, "heads": 2, "batch_size": 32},
    "text-transformer": {"epochs": 1, "width": 8, "layers": 1, "heads": 2, "context": 16, "batch_size": 32},
    "tabular-gan": {"epochs": 1, "hidden": 8, "batch_size": 32},
    "tabular-marginal": {},
}
TOGETHER = ("tabular-vae", "tabular-diffusion", "tabular-transformer", "text-transformer")


def halves(pool: Dataset, models: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Return random halves of the pool, of unequal size."""
    rng = np.random.default_rng(0)
    return [np.flatnonzero(rng.random(len(pool.train)) < 0.5) for _ in range(models)]


def weights(model: Any) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in model.network_.parameters()])


def stacked_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will hold how many networks each joint training had."""
    counts: list[int] = []
    for name in ("train_many", "train_many_privately"):
        shipped = getattr(ensemble, name)

        def noted(runs: Any, shipped: Any = shipped, **how: Any) -> Any:
            counts.append(len(runs))
            return shipped(runs, **how)

        monkeypatch.setattr(ensemble, name, noted)
    return counts


@pytest.mark.parametrize("kind", SMALL)
def test_models_are_what_each_is_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = create(kind, **SMALL[kind])
    pool = toy.BY_MODALITY[template.modality]()
    counts = stacked_runs(monkeypatch)
    members = halves(pool, 3)
    models = fit_many(template, pool, members, seeds=[5, 6, 7])
    assert counts == ([3] if kind in TOGETHER else [])
    lender = template.learn_encoders(pool) if isinstance(template, NeuralGenerator) else None
    for seed, rows, model in zip([5, 6, 7], members, models, strict=True):
        alone = create(kind, **{**SMALL[kind], "seed": seed})
        alone.fit_beside(ensemble.part_of(pool, rows), None, None, Beside(progress=False, lender=lender))
        assert model.get_params() == alone.get_params()
        assert model.ledger_.to_list() == alone.ledger_.to_list()
        assert model.rows_ == len(rows)
        assert model.fingerprint_ == alone.fingerprint_
        assert model.history_.steps == alone.history_.steps
        if lender is not None:
            torch.testing.assert_close(weights(model), weights(alone), rtol=1e-4, atol=1e-5)
            losses, expected = model.history_.losses, alone.history_.losses
            torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)
        assert len(model.sample(3)) == 3


def test_a_model_of_many_saves_loads_and_scores(tmp_path: Path) -> None:
    pool = toy.tabular()
    model: Any = fit_many(create("tabular-vae", **SMALL["tabular-vae"]), pool, halves(pool, 2), seeds=[1, 2])[1]
    model.save(tmp_path / "model")
    again: Any = load_generator(tmp_path / "model")
    assert model.sample(5, seed=1).equals(again.sample(5, seed=1))
    assert np.array_equal(model.record_loss(pool.holdout), again.record_loss(pool.holdout))
    assert "encoders shared with other models" in str(again.ledger_.to_list())


def test_own_encoders_see_members_alone() -> None:
    pool = toy.tabular()
    template = create("tabular-vae", **SMALL["tabular-vae"])
    models = fit_many(template, pool, halves(pool, 2), seeds=[1, 2], encoders="own")
    for rows, model in zip(halves(pool, 2), models, strict=True):
        alone = create("tabular-vae", **SMALL["tabular-vae"]).fit(ensemble.part_of(pool, rows), progress=False)
        assert model.encoder_.to_dict() == alone.encoder_.to_dict()  # type: ignore[attr-defined]
        assert "shared" not in str(model.ledger_.to_list())


def test_results_do_not_depend_on_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, seeds = toy.tabular(), [1, 2, 3, 4, 5]
    template = create("tabular-vae", **SMALL["tabular-vae"])

    def fitted() -> list[Generator]:
        return fit_many(template, pool, halves(pool, 5), seeds)

    one = fitted()
    monkeypatch.setattr(ensemble, "_TASK", 2)
    several = fitted()
    for first, second in zip(one, several, strict=True):
        torch.testing.assert_close(weights(first), weights(second), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_results_do_not_depend_on_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "_TASK", 2)
    pool, seeds = toy.tabular(), list(range(4))
    template = create("tabular-vae", **SMALL["tabular-vae"])
    one = fit_many(template, pool, halves(pool, 4), seeds)
    with parallel_config(backend="loky", n_jobs=2):
        two = fit_many(template, pool, halves(pool, 4), seeds)
    for first, second in zip(one, two, strict=True):
        torch.testing.assert_close(weights(first), weights(second), rtol=1e-5, atol=1e-6)


def test_private_models_are_trained_together_and_say_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = stacked_runs(monkeypatch)
    pool = toy.tabular()
    members = [np.arange(0, 60), np.arange(60, 110)]
    template = create("tabular-vae", **SMALL["tabular-vae"])
    models = fit_many(template, pool, members, [1, 2], BUDGET)
    assert counts == [2]
    for rows, model in zip(members, models, strict=True):
        alone = create("tabular-vae", **SMALL["tabular-vae"]).fit(ensemble.part_of(pool, rows), BUDGET, progress=False)
        assert model.ledger_.spent == alone.ledger_.spent
        assert "OpenSSL" in str(model.ledger_.to_list())
        assert model.fingerprint_ is None
        assert model.history_.to_dict() == alone.history_.to_dict()
        assert len(model.sample(3)) == 3


def test_private_models_in_test_mode_equal_those_alone() -> None:
    pool = toy.tabular()
    budget = PrivacyBudget(3.0, 1e-5, deterministic_noise_for_tests=7)
    template = create("tabular-vae", **SMALL["tabular-vae"])
    models = fit_many(template, pool, halves(pool, 2), [1, 2], budget)
    for seed, rows, model in zip([1, 2], halves(pool, 2), models, strict=True):
        alone = create("tabular-vae", **{**SMALL["tabular-vae"], "seed": seed})
        alone.fit(ensemble.part_of(pool, rows), budget, progress=False)
        torch.testing.assert_close(weights(model), weights(alone), rtol=1e-3, atol=1e-4)


def test_runs_that_set_records_aside_are_fitted_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = stacked_runs(monkeypatch)
    pool = toy.tabular()
    template = create("tabular-vae", **SMALL["tabular-vae"], validation=0.2)
    models = fit_many(template, pool, halves(pool, 2), [1, 2])
    assert counts == []
    assert all(model.history_.validation for model in models)
