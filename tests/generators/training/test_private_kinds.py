"""Under a budget every kind releases the textbook's sum: each record's own gradient, clipped, and nothing else.

And nothing beside the weights, in what is saved, depends on the records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.overrides import TorchFunctionMode

from generators import Dataset, Generator, InputError, PrivacyBudget, PrivatePlan, create, kinds
from generators.models import NeuralGenerator
from generators.models.registry import family
from generators.training import train_privately
from generators.training.clipping import Mode, modes_for
from tests.generators.models.test_every_kind import NEURAL, SMALL, data

PRIVATE = [kind for kind in NEURAL if not family(kind).no_privacy]
COUNT = 6

NOT_VECTORISED = {"audio-transformer", "tabular-flow"}
"""Kinds that ghost clipping suits, and whose losses torch cannot vectorise over rows; it says so."""


class RowDraws(TorchFunctionMode):
    """While it is active, what a record draws from torch's global generator follows from its number and the call.

    So a record draws the same alone as in company. Draws along a record's first axis do not depend on its length.
    Where a batch is vectorised over, the loss sees each of its records alone; `batch` is how many there are.
    """

    def __init__(self, first: int = 0, batch: int = COUNT) -> None:
        super().__init__()
        self.first = first
        self.batch = batch
        self.calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is functional.dropout:
            share, training = kwargs.get("p", args[1] if len(args) > 1 else 0.5), kwargs.get("training", True)
            if not training or share == 0:
                return args[0]
            return args[0] * (self._uniform(args[0].shape) >= share) / (1 - share)
        if kwargs.get("generator") is None:
            if func in (torch.rand, torch.randn):
                shape = args[0] if isinstance(args[0], Sequence) else args
                return self._uniform(shape) if func is torch.rand else self._normal(shape)
            if func in (torch.rand_like, torch.randn_like):
                return (self._uniform if func is torch.rand_like else self._normal)(args[0].shape)
            if func in (torch.randint, torch.normal, torch.bernoulli, torch.multinomial, Tensor.bernoulli_):
                raise AssertionError(f"teach RowDraws to draw {func.__name__}")
        return func(*args, **kwargs)

    def _uniform(self, shape: Sequence[int]) -> Tensor:
        self.calls += 1
        levels = torch._C._functorch.get_interpreter_stack()
        if not levels:
            return self._of_rows(shape)
        with temporarily_clear_interpreter_stack():  # what is drawn is plain numbers, of all records
            drawn = self._of_rows([self.batch, *shape[1:]])[:, None]
        return torch._C._functorch._add_batch_dim(drawn, 0, levels[0].level())

    def _of_rows(self, shape: Sequence[int]) -> Tensor:
        rows = []
        for row in range(self.first, self.first + shape[0]):
            generator = torch.Generator().manual_seed(1000 * self.calls + row)
            rows.append(torch.rand(math.prod(shape[1:]), generator=generator).view(tuple(shape[1:])))
        return torch.stack(rows)

    def _normal(self, shape: Sequence[int]) -> Tensor:
        return torch.special.ndtri(self._uniform(shape).double().clamp(1e-9, 1 - 1e-9)).float()


def problem(kind: str) -> tuple[nn.Module, Tensor]:
    """The network and rows that a private fit starts from, weights moved off values (such as 0) that hide paths."""
    model = create(kind, **SMALL[kind])
    assert isinstance(model, NeuralGenerator)
    dataset = data(model.modality)
    torch.manual_seed(0)
    network, rows = model.training_problem(dataset.train, dataset.schema, public_only=True)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network.train(), rows[:COUNT]


def own_gradients(network: nn.Module, rows: Tensor) -> list[Tensor]:
    """Each record's gradient by autograd, from a batch that holds nothing else."""
    found = []
    for number in range(len(rows)):
        with RowDraws(first=number):
            loss = network(rows[[number]]).sum()
        own = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
        found.append(
            torch.cat(
                [
                    torch.zeros(p.numel()) if gradient is None else gradient.flatten()
                    for p, gradient in zip(network.parameters(), own, strict=True)
                ]
            )
        )
    return found


def released(network: nn.Module, rows: Tensor, clip: float, mode: Mode | None = None) -> Tensor:
    """The sum that one private step without noise releases."""
    seen: list[Tensor] = []
    plan = PrivatePlan(len(rows), 1.0, 1, 0.0, clip, epsilon=1.0, delta=1e-5)

    def observe(_: int) -> None:
        seen.append(torch.cat([p.grad.flatten().clone() for p in network.parameters() if p.grad is not None]))

    with RowDraws(batch=len(rows)):
        train_privately(
            network, rows, plan, learning_rate=1e-12, mode=mode, test_seed=0, observe=observe, progress=False
        )
    return seen[0] * len(rows)


def gap(network: nn.Module, rows: Tensor, share: float, mode: Mode | None = None) -> float:
    """How far the private sum is from the textbook's, relative to one record's part; `share` sets the clip."""
    own = own_gradients(network, rows)
    norms = torch.stack([gradient.norm() for gradient in own])
    clip = share * norms.median().item()
    expected = sum(g * min(1.0, clip / (norm.item() + 1e-6)) for g, norm in zip(own, norms, strict=True))
    return float((released(network, rows, clip, mode) - expected).norm()) / min(clip, norms.median().item())


@pytest.mark.parametrize("mode", ["ghost", "row-wise"])
@pytest.mark.parametrize("share", [1e-3, 1.0, 1e3])  # all records clipped, about half, none
@pytest.mark.parametrize("kind", PRIVATE)
def test_private_gradients_equal_the_textbook(kind: str, share: float, mode: Mode) -> None:
    network, rows = problem(kind)
    if mode not in modes_for(network):
        pytest.skip(f"{kind} has layers that ghost clipping does not know")
    if mode == "row-wise" and kind in NOT_VECTORISED:
        with pytest.raises(RuntimeError, match="vmap"):
            gap(network, rows, share, mode)
        return
    assert gap(network, rows, share, mode) < 1e-5


@pytest.mark.parametrize("mode", ["ghost", "row-wise"])
@pytest.mark.parametrize("kind", PRIVATE)
def test_one_record_less_changes_the_sum_by_the_clip_at_most(kind: str, mode: Mode) -> None:
    """Of neighbouring data sets, with the same batches and draws."""
    network, rows = problem(kind)
    if mode not in modes_for(network) or (mode == "row-wise" and kind in NOT_VECTORISED):
        pytest.skip(f"{kind} cannot be clipped this way")
    for clip in (1e-3, 1.0):
        whole, without_last = (released(network, some, clip, mode) for some in (rows, rows[:-1]))
        change = (whole - without_last).norm().item()
        assert 0 < change <= clip * (1 + 1e-3)


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_records_loss_is_its_own(kind: str) -> None:
    network, rows = problem(kind)
    with RowDraws(), torch.no_grad():
        together = network(rows)
    assert together.shape == (COUNT,)
    for number in range(COUNT):
        with RowDraws(first=number), torch.no_grad():
            alone = network(rows[[number]])
        torch.testing.assert_close(alone[0], together[number], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", PRIVATE)
def test_every_draw_of_a_private_loss_differs_between_records(kind: str) -> None:
    """Equal records in one batch draw unequally, from torch's global generator, which alone decides."""
    network, rows = problem(kind)
    same = rows[:1].repeat(COUNT, *[1] * (rows.ndim - 1))
    torch.manual_seed(1)
    one = network(same)
    torch.manual_seed(1)
    again = network(same)
    assert torch.equal(one, again)
    torch.manual_seed(2)
    other = network(same)
    if not torch.equal(one, other):  # a loss that draws at all
        assert len(one.unique()) == COUNT


class Meddling(nn.Module):
    """What these tests are for: each of these takes more from a record than its clip, or mixes records."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fault = fault
        self.layer = nn.Linear(4, 3)
        self.positions = nn.Embedding(COUNT, 4)

    def forward(self, rows: Tensor) -> Tensor:
        if self.fault == "batch mean":
            return self.layer(rows - rows.mean(dim=0)).square().sum(dim=1)
        if self.fault == "shared positions":
            return self.layer(rows[:, None] + self.positions(torch.arange(COUNT))).square().sum(dim=(1, 2))
        if self.fault == "four axes":
            return self.layer(rows[:, None, None].repeat(1, 2, 2, 1)).square().sum(dim=(1, 2, 3))
        if self.fault == "one draw for all":
            return self.layer(rows + torch.randn(1, 4)).square().sum(dim=1)
        if self.fault == "draws by place":
            draws = torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))
            return self.layer(rows + draws).square().sum(dim=1)
        if self.fault == "twice":
            return self.layer(functional.pad(self.layer(rows), (0, 1))).square().sum(dim=1)
        return self.layer(rows + torch.randn_like(rows)).square().sum(dim=1)


FAULTS = ["batch mean", "shared positions", "four axes", "one draw for all", "draws by place", "twice", "none"]


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: str) -> None:
    network = Meddling(fault)
    if fault != "shared positions":
        del network.positions
    rows = torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(1))
    try:
        found = gap(network, rows, 1.0)
    except (InputError, NotImplementedError):  # it is refused
        found = math.inf
    assert (found < 1e-4) == (fault == "none"), found


def described(model: Generator) -> dict[str, Any]:
    """All that is saved of a model but its weights; the tree of the marginal kind is chosen privately and paid for."""
    state = {name: value for name, value in model._state()[0].items() if name != "tree"}
    plain = {
        "state": state,
        "schema": model.schema_.to_dict(),
        "history": model.history_.to_dict(),
        "fingerprint": model.fingerprint_,
        "rows": model.rows_,
        "ledger": model.ledger_.to_list(),
    }
    return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [kind for kind in kinds() if not family(kind).no_privacy])
def test_nothing_beside_the_weights_depends_on_the_records(kind: str) -> None:
    whole, count = data(family(kind).modality), 24
    usual = whole.train.head(count)
    odd = whole.holdout.iloc[[0] * count].reset_index(drop=True)  # one record again and again: any statistic differs
    parameters = {**SMALL[kind], **({"epochs": 1} if "epochs" in SMALL[kind] else {})}
    found = [
        described(
            create(kind, **parameters).fit(
                Dataset("d", whole.schema, {"train": frame}, modality=whole.modality),
                PrivacyBudget(5, 1e-3),
                progress=False,
            )
        )
        for frame in (usual, odd)
    ]
    assert found[0] == found[1]


def test_the_description_shows_what_a_run_without_budget_learnt() -> None:
    """The planted leak of the test above: the same comparison sees it."""
    whole = data("tabular")
    odd = Dataset("d", whole.schema, {"train": whole.holdout.iloc[[0] * 24].reset_index(drop=True)})
    model = create("tabular-vae", **SMALL["tabular-vae"])
    usual = described(model.fit(whole, progress=False))["state"]
    assert usual != described(model.fit(odd, progress=False))["state"]
