"""Failures that other private trainers were found with, and that this one must not have.

Most have their test where the code is: noise replayed by a public seed, empty batches, denominators that tell how many
records there are, losses of the wrong shape and unclipped gradients (`test_private`); gradients of every layer and kind
against the textbook (`test_private_kinds`); non-finite records, unused parameters, layers that mix records
(`test_clipping`); generated records and penalties of GANs (`test_following`, `test_gan`); bounds, bins and categories
read off the data (`test_private_domains`, `test_private_fit`); losses of amplified and of loose accounting
(`test_accountant`); resumed runs (`test_private_checkpoints`). What belongs nowhere else is here.
"""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
import torch

import generators
from generators import InputError, Ledger, PrivacyBudget, TabularVAE, plan_training
from generators.models.tabular.transformer import ColumnTransformer
from generators.privacy import dp_sgd_epsilon
from generators.privacy.accountant import prv_epsilon
from generators.privacy.events import Event
from generators.privacy.plan import PrivatePlan
from generators.training import train_privately
from tests.generators.models.toy import tabular


@pytest.mark.parametrize(("units", "batch"), [(1000, 300), (144, 36), (997, 64), (50, 50)])
def test_no_step_is_lost_or_gained_by_rounding(units: int, batch: int) -> None:
    """Steps follow from the sampling rate once, in the plan; the loop takes exactly as many as are accounted for."""
    plan = plan_training(PrivacyBudget(3, 1e-5), units=units, batch_size=batch, epochs=3)
    assert plan.steps == math.ceil(3 * units / batch)
    assert plan.sampling_rate == batch / units
    assert plan.event == Event("dp-sgd", plan.noise_multiplier, plan.sampling_rate, plan.steps)
    taken: list[int] = []
    objective = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    train_privately(
        objective, torch.ones(units, 2), plan, learning_rate=1e-3, observe=taken.append, test_seed=0, progress=False
    )
    assert taken == list(range(plan.steps))


def test_a_second_training_on_the_same_ledger_is_paid_for_or_refused() -> None:
    """Further epochs never overshoot silently."""
    ledger, small = Ledger(), {"epochs": 1, "hidden": 8, "latent": 2}
    ledger.allow(PrivacyBudget(3, 1e-4), unit="record")
    first = TabularVAE(**small).fit(tabular(), PrivacyBudget(2, 1e-4), progress=False, ledger=ledger)  # type: ignore[arg-type]
    assert first.ledger_.spent is not None
    assert 1.9 < first.ledger_.spent[0] <= 2
    second = TabularVAE(**small)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"the ledger allows epsilon 3 at delta 0\.0001, of which 1\.9"):
        second.fit(tabular(), PrivacyBudget(2.9, 1e-4), progress=False, ledger=ledger)
    assert not hasattr(second, "ledger_")
    third = TabularVAE(**small).fit(tabular(), PrivacyBudget(0.5, 1e-4), progress=False, ledger=ledger)  # type: ignore[arg-type]
    assert third.ledger_.spent is not None
    assert 2 < third.ledger_.spent[0] < 2.5  # less than the sum, and all of it in what the third model claims
    assert ledger.remaining() == pytest.approx(3 - third.ledger_.spent[0])


def test_positions_are_told_apart_where_there_are_as_many_records_as_columns() -> None:
    """Position embeddings fed one shared row of numbers get silently wrong gradients just then."""
    torch.manual_seed(0)
    network = ColumnTransformer([3, 2, 4, 2], width=8, layers=1, heads=2, dropout=0.0)
    rows = torch.stack([torch.randint(0, size, (4,)) for size in (3, 2, 4, 2)], dim=1)
    clip, expected = 0.5, 0.0
    for row in rows:
        own = torch.autograd.grad(network(row[None]).sum(), list(network.parameters()), allow_unused=True)
        flat = torch.cat(
            [
                (torch.zeros_like(p) if g is None else g).flatten()
                for p, g in zip(network.parameters(), own, strict=True)
            ]
        )
        expected = expected + flat * min(1.0, clip / (flat.norm().item() + 1e-6))
    seen: list[torch.Tensor] = []

    def observe(_: int) -> None:
        seen.append(torch.cat([p.grad.flatten().clone() for p in network.parameters() if p.grad is not None]))

    plan = PrivatePlan(4, 1.0, 1, 0.0, clip, epsilon=1.0, delta=1e-5)
    train_privately(network, rows, plan, learning_rate=1e-12, test_seed=0, observe=observe, progress=False)
    torch.testing.assert_close(4 * seen[0], expected, atol=1e-5, rtol=1e-4)


def test_accounting_never_asks_for_gigabytes() -> None:
    """Tiny noise over many steps is where the comparison with Opacus would; ours gives a bound, and that says so."""
    assert prv_epsilon([Event("dp-sgd", 0.25, 0.5, 10_000)], 1e-5) is None
    assert dp_sgd_epsilon(0.5, 0.5, 200, 1e-5) > 100


def test_nothing_is_read_by_pickle() -> None:
    """Weights and checkpoints are safetensors: no file that is loaded can run code."""
    for path in Path(generators.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in node.names
        }
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not imported & {"pickle", "joblib", "dill"}, path
        assert not called & {"torch.load", "torch.save", "pd.read_pickle"}, path


def test_a_private_history_holds_no_loss() -> None:
    """Metrics on real data beside private weights would be a release that nobody paid for."""
    model = TabularVAE(epochs=1, hidden=8, latent=2).fit(tabular(), PrivacyBudget(2, 1e-4), progress=False)
    assert set(model.history_.to_dict()) >= {"steps"}
    assert not model.history_.losses
    assert not model.history_.watched
    assert model.fingerprint_ is None
