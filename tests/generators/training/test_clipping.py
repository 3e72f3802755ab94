"""Both ways of clipping are the textbook's, and what neither can do is refused before anything is paid."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from generators import InputError, Ledger, PrivacyBudget
from generators.models.tabular.vae import TabularVAE
from generators.training.clipping import Mode, check_objective, clipped_sums, modes_for
from tests.generators.models.toy import tabular

MODES: tuple[Mode, ...] = ("ghost", "row-wise")
BOTH = pytest.mark.parametrize("mode", MODES)


class Loss(nn.Module):
    """A network's squared outputs, one loss a row."""

    def __init__(self, *layers: nn.Module, scale: float = 1.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.scale = scale

    def forward(self, rows: Tensor) -> Tensor:
        return self.scale * self.layers(rows).square().flatten(1).sum(dim=1)


def mixed(scale: float = 1.0) -> Loss:
    torch.manual_seed(0)
    layers = (nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3), nn.GroupNorm(2, 4), nn.SiLU(), nn.Flatten())
    return Loss(*layers, nn.Linear(16, 5), nn.LayerNorm(5), nn.Linear(5, 2), scale=scale)


def rows_of(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def summed(objective: nn.Module, rows: Tensor, clip: float, mode: Mode) -> Tensor:
    with clipped_sums(objective, clip, mode) as clipped_sum:
        return torch.cat([gradient.flatten() for gradient in clipped_sum(rows)])


def textbook(objective: nn.Module, rows: Tensor, clip: float) -> Tensor:
    total = torch.zeros(sum(p.numel() for p in objective.parameters()))
    for row in rows:
        own = torch.autograd.grad(objective(row[None]).sum(), list(objective.parameters()))
        flat = torch.cat([gradient.flatten() for gradient in own])
        total += flat * min(1.0, clip / (flat.norm().item() + 1e-6))
    return total


@BOTH
@pytest.mark.parametrize("clip", [1e-2, 3.0, 1e6])  # all rows clipped, some, none
@pytest.mark.parametrize("count", [1, 5])
def test_the_sum_is_the_textbooks(mode: Mode, clip: float, count: int) -> None:
    objective, rows = mixed(), rows_of(count)
    expected = textbook(objective, rows, clip)
    assert (summed(objective, rows, clip, mode) - expected).norm() <= 1e-5 * expected.norm()


@BOTH
def test_a_huge_gradient_is_clipped(mode: Mode) -> None:
    assert summed(mixed(scale=1e6), rows_of(1), 0.7, mode).norm().item() == pytest.approx(0.7, rel=1e-4)


@BOTH
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(2, 9),
    clip=st.floats(1e-3, 1e3),
    scale=st.sampled_from([1e-3, 1.0, 1e5]),
    away=st.integers(0, 8),
)
def test_one_row_more_changes_the_sum_by_the_clip_at_most(
    mode: Mode, seed: int, count: int, clip: float, scale: float, away: int
) -> None:
    objective, rows = mixed(scale), rows_of(count, seed)
    rest = rows[torch.arange(count) != away % count]
    change = summed(objective, rows, clip, mode) - summed(objective, rest, clip, mode)
    assert change.norm().item() <= clip * (1 + 1e-4)


@BOTH
def test_rows_that_overflow_add_nothing(mode: Mode) -> None:
    objective, rows = mixed(), rows_of(4)
    spoilt = rows.clone()
    spoilt[2] = 1e30
    kept = rows[torch.tensor([0, 1, 3])]
    torch.testing.assert_close(
        summed(objective, spoilt, 0.5, mode), summed(objective, kept, 0.5, mode), rtol=1e-4, atol=1e-6
    )


def test_many_rows_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is summed, and so what is accounted for, is the batch; parts only bound the memory."""
    objective, rows = mixed(), rows_of(7)
    whole = summed(objective, rows, 0.5, "row-wise")
    monkeypatch.setattr("generators.training.clipping._NUMBERS", 3 * sum(p.numel() for p in objective.parameters()))
    monkeypatch.setattr("generators.training.clipping._ROWS", 3)
    for mode in ("row-wise", "ghost"):
        torch.testing.assert_close(summed(objective, rows, 0.5, mode), whole, rtol=1e-5, atol=1e-6)


@BOTH
def test_frozen_parameters_are_left_out(mode: Mode) -> None:
    objective = Loss(nn.Linear(6, 3), nn.Linear(3, 2))
    objective.layers[0].requires_grad_(False)
    assert summed(objective, rows_of(3), 1.0, mode).numel() == 8


@BOTH
def test_the_network_can_be_used_by_others_in_between(mode: Mode) -> None:
    """As a GAN's generator does: no trace of it in the next sum."""
    objective, rows = mixed(), rows_of(3)
    with clipped_sums(objective, 0.5, mode) as clipped_sum:
        first = clipped_sum(rows)
        objective(rows_of(9, seed=5).requires_grad_()).sum().backward()
        again = clipped_sum(rows)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(hook for module in objective.modules() for hook in module._backward_hooks.values())


def test_the_mode_follows_from_where_the_parameters_are() -> None:
    assert modes_for(Loss(nn.Conv1d(1, 2, 3), nn.Linear(50, 50))) == ("ghost", "row-wise")
    assert modes_for(Loss(nn.Conv1d(50, 50, 3), nn.Linear(2, 2))) == ("row-wise", "ghost")
    assert modes_for(nn.MultiheadAttention(4, 2)) == ("row-wise",)
    assert modes_for(nn.GRU(4, 4)) == ("row-wise",)
    assert modes_for(Loss(nn.Embedding(9, 9))) == ("ghost", "row-wise")


class Meddling(nn.Module):
    """Each fault is one that private training would get wrong."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.first = nn.Linear(6, 4)
        self.norm = nn.BatchNorm1d(4) if fault == "batch norm" else nn.LayerNorm(4)
        if fault == "statistics":
            self.norm = nn.InstanceNorm1d(4, affine=True, track_running_stats=True)
        self.unused = nn.Linear(2, 2) if fault == "unused" else None
        self.cells = nn.GRU(4, 4, batch_first=True) if fault == "recurrent" else None

    def forward(self, rows: Tensor) -> Tensor:
        hidden = self.first(rows)
        hidden = hidden if self.cells is None else self.cells(hidden[:, None])[0][:, 0]
        losses = self.norm(hidden).square().sum(dim=1, keepdim=True)
        return losses if self.fault == "column" else losses.squeeze(1)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("batch norm", r"layer 'norm' \(BatchNorm1d\) cannot be trained under a budget: it mixes the records"),
        ("statistics", r"layer 'norm' keeps statistics of the records"),
        ("recurrent", r"gradients cannot be clipped record by record"),
        ("unused", r"parameter 'unused.weight' has no effect on the loss"),
        ("not finite", r"record 3 holds a number that is not finite"),
    ],
)
def test_what_cannot_be_private_is_one_line(fault: str, message: str) -> None:
    rows = rows_of(4)
    if fault == "not finite":
        rows[2, 1] = torch.nan
    with pytest.raises(InputError, match=message):
        check_objective(Meddling(fault), rows)


@BOTH
def test_a_loss_that_is_not_one_a_row_is_refused(mode: Mode) -> None:
    with pytest.raises(ValueError, match=r"losses of shape \(2, 1\), expected \(2,\)"):
        check_objective(Meddling("column"), rows_of(4))
    with pytest.raises(ValueError, match="losses of shape"):
        summed(Meddling("column"), rows_of(4), 1.0, mode)


def test_ghost_clipping_refuses_what_it_finds_no_norm_of() -> None:
    with pytest.raises(InputError, match=r"parameter 'unused.weight': ghost clipping finds no norm"):
        summed(Meddling("unused"), rows_of(3), 1.0, "ghost")


def test_a_norm_of_an_earlier_batch_never_stands_for_this_one() -> None:
    """A layer that only some batches use: its norms would be those of other rows."""

    class Sometimes(Loss):
        def forward(self, rows: Tensor) -> Tensor:
            hidden = self.layers[0](rows)
            return functional.relu(self.layers[1](hidden) if rows[0, 0] > 0 else hidden).sum(dim=1)

    torch.manual_seed(0)
    objective, rows = Sometimes(nn.Linear(6, 3), nn.Linear(3, 3)), rows_of(3)
    with clipped_sums(objective, 1.0, "ghost") as clipped_sum:
        clipped_sum(rows.abs())
        with pytest.raises(InputError, match="finds no norm"):
            clipped_sum(-rows.abs())


class WithBatchNorm(TabularVAE):
    """A family as somebody else might write it."""

    kind = "tabular-vae"

    def _build(self) -> nn.Module:
        network = super()._build()
        network.encoder.append(nn.BatchNorm1d(2 * self.latent))
        return network


def test_nothing_is_charged_for_what_is_refused() -> None:
    ledger = Ledger()
    with pytest.raises(InputError, match="BatchNorm1d"):
        WithBatchNorm(epochs=1).fit(tabular(), PrivacyBudget(3, 1e-5), ledger=ledger, progress=False)
    assert not {entry.mechanism for entry in ledger} & {"dp-sgd", "gaussian"}


def test_an_infinite_number_is_one_line_before_anything_is_charged() -> None:
    whole, ledger = tabular(), Ledger()
    frame = whole.train.copy()
    frame.loc[3, "size"] = math.inf
    with pytest.raises(InputError, match="column 'size': row 4 holds an infinite number"):
        TabularVAE(epochs=1).fit(
            replace(whole, parts={"train": frame}),
            PrivacyBudget(3, 1e-5, preprocessing=0.1),
            ledger=ledger,
            progress=False,
        )
    assert len(ledger) == 0
