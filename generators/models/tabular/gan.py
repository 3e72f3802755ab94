"""A conditional generative adversarial network for tables, trained by sampling as in CTGAN (Xu et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.func import functional_call

from generators.datasets import Schema
from generators.encoding.blocks import UNSEEN, Block
from generators.models.layers import mlp, one_hot_blocks
from generators.models.neural import NeuralGenerator
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt, Share
from generators.models.tabular.base import TabularGenerator, drawn_codes
from generators.models.tabular.by_category import by_category
from generators.models.tabular.variety import Variety, repeats_among
from generators.privacy import Ledger
from generators.training import History, Phase
from generators.training.following import Follower

_LOOKED_AT = 2048
"""Samples at which the monitor looks."""


class TabularGAN(TabularGenerator):
    """Makes tables with a GAN over one-hot columns, each record made for a wanted category of one column.

    Training picks a column, one of its categories (rare ones more often than they occur) and a record that has it; the
    generator is told the category and must make a record with it, so that rare categories are learnt and conditions on
    one column are met without many tries. Where CTGAN has a Wasserstein loss, each generated record is here compared
    with the real one of the same wish (Jolicoeur-Martineau 2019; Huang et al. 2024): it learns faster and does without
    packing. A monitor counts categories that are never made and records that repeat, and `history_.notes` says so.

    Under a budget only the discriminator sees records, and is trained by DP-SGD; the generator learns from the released
    discriminator, a step after every `private_steps`, which costs nothing (Bie, Kamath and Zhang 2023). Batches are
    Poisson samples, nothing is wished for (how often to wish for each category would have to be paid for), goals come
    of the discriminator alone, clipping and noise take the place of the penalty, and nobody looks for collapse.
    Measured on Adult at epsilon 3 it is of no use: a classifier trained on its records reaches an AUC of .59 at best,
    since columns come out roughly right one by one, but not together. Take `tabular-marginal` or `tabular-vae` instead.

    Attributes:
        hidden: Width of the two hidden layers of generator and discriminator.
        noise: Dimensions of the generator's random input.
        temperature: Of the Gumbel-softmax that lets gradients through the choice of a category.
        penalty: Weight of the penalty on the discriminator's slope at real and at generated records.
        private_steps: Discriminator's steps for one of the generator's, under a budget.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> model = TabularGAN(epochs=1).fit(data, progress=False)
        >>> len(model.sample(5, conditions={"religious": 4}))
        5
    """

    kind: ClassVar[str] = "tabular-gan"
    private_betas: ClassVar[tuple[float, float]] = (0.5, 0.99)
    default_epochs: ClassVar[int] = 50
    least_steps: ClassVar[int] = 4000

    hidden: PositiveInt = 256
    noise: PositiveInt = 64
    temperature: PositiveFloat = 0.2
    penalty: NonNegativeFloat = 0.01
    learning_rate: PositiveFloat = 2e-3
    ema: Share = 0.999
    private_steps: PositiveInt = 20
    frequencies_: tuple[npt.NDArray[np.int64], ...] = field(init=False)

    def discriminate(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the discriminator's score of each record, shape (records,); larger for those that look real.

        A record is judged as an answer to the wish for each of its own categories in turn, and the scores averaged.
        """
        return self._measured(frame, lambda rows: self.network_.judge(rows))

    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        super()._learn(frame, schema, public_only=public_only)
        self._count(frame)

    def _borrow(self, lender: NeuralGenerator, frame: pd.DataFrame) -> None:
        super()._borrow(lender, frame)
        self._count(frame)

    def _count(self, frame: pd.DataFrame) -> None:
        # Under a budget nothing is wished for: how often each category occurs would have to be paid for.
        self.frequencies_ = tuple(
            np.bincount(column, minlength=size)
            for column, size in zip(self.encoder_.encode(frame).T, self.encoder_.sizes, strict=True)
            if not self.encoder_.public_only
        )

    def _build(self) -> GAN:
        wishes = not self.encoder_.public_only
        return GAN(self.encoder_.sizes, self.hidden, self.noise, self.temperature, self.penalty, wishes=wishes)

    def _private_objective(self) -> PrivateDiscriminator:
        return PrivateDiscriminator(self.network_)

    def following(self) -> Follower:
        """Return the generator, which learns from the released discriminator alone."""
        network: GAN = self.network_
        return Follower(
            "the generator, learnt from the private discriminator",
            network.generator,
            lambda: network.deceiving_loss(self.private_batch_size),
            every=self.private_steps,
            learning_rate=self.learning_rate,
            betas=_BETAS,
            shape=self.schedule,
            ema=self.ema,
        )

    def _record(self, ledger: Ledger) -> None:
        super()._record(ledger)
        if self.frequencies_:
            ledger.add("how often each category occurs", "none", note="decides which records to ask the generator for")

    def _phases(self) -> list[Phase]:
        network: GAN = self.network_
        return [
            Phase(network.discriminator_loss, list(network.discriminator.parameters()), "discriminator", betas=_BETAS),
            Phase(network.generator_loss, list(network.generator.parameters()), "generator", betas=_BETAS),
        ]

    def _draw(self, rows: Tensor) -> Callable[[torch.Generator], Tensor]:
        return by_category(rows, self.frequencies_, min(self.batch_size, len(rows)))

    def _look(self, rows: Tensor) -> Callable[[], Mapping[str, float]]:
        size = min(_LOOKED_AT, len(rows))
        repeats = repeats_among(rows[:size].cpu().numpy())

        def look() -> dict[str, float]:
            codes = self._made(size, torch.Generator().manual_seed(0), {})
            return Variety.of(codes, self.frequencies_, repeats).to_dict()

        return look

    def _notes(self, history: History) -> list[str]:
        return Variety(**history.watched[-1][1]).complaints() if history.watched else []

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        return self._decoded(self._made(n, generator, conditions), generator)

    def _made(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> npt.NDArray[np.int64]:
        """Make codes, shape (n, columns)."""
        column, code = self._wanted(n, generator, conditions)
        noise = torch.randn(n, self.noise, generator=generator)
        device = self.torch_device
        with torch.no_grad():
            logits = self.network_.logits(noise.to(device), column.to(device), code.to(device)).cpu()
        return drawn_codes(logits, self.encoder_.sizes, generator)

    def _wanted(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Choose a column and a category for each record: a condition's, or one as often as it occurs in train."""
        if not self.frequencies_:
            return torch.zeros(n, dtype=torch.int64), torch.full((n,), UNSEEN)
        columns = torch.randint(len(self.frequencies_), (n,), generator=generator)
        codes = torch.zeros(n, dtype=torch.int64)
        for place, counts in enumerate(self.frequencies_):
            drawn = torch.multinomial(torch.from_numpy(counts).double(), n, replacement=True, generator=generator)
            codes = torch.where(columns == place, drawn, codes)
        wanted = [
            (counts[code], place, code)
            for place, (block, counts) in enumerate(zip(self.encoder_.blocks_, self.frequencies_, strict=True))
            if block.name in conditions and (code := _code(block, conditions[block.name])) != UNSEEN
        ]
        if wanted:  # of several conditions the rarest: the others come true by drawing again
            _, place, code = min(wanted)
            return columns.fill_(place), codes.fill_(code)
        return columns, codes

    def _encoders(self) -> dict[str, Any]:
        return {**super()._encoders(), "frequencies": [counts.tolist() for counts in self.frequencies_]}

    def _restore_encoders(self, state: dict[str, Any]) -> None:
        super()._restore_encoders(state)
        self.frequencies_ = tuple(np.array(counts, dtype=np.int64) for counts in state["frequencies"])


_BETAS = (0.0, 0.99)

_PENALISED = 4
"""One in so many records of a batch has its slope looked at, which costs as much as all the rest."""


class GAN(nn.Module):
    """Generator and discriminator, and the loss of each.

    A batch has a row for each record: its codes, the column of the wanted category, and that category.

    Args:
        sizes: Categories of each column.
        hidden: Width of the hidden layers.
        noise: Dimensions of the generator's random input.
        temperature: Of the Gumbel-softmax.
        penalty: Weight of the penalty on the discriminator's slope.
        wishes: Whether generator and discriminator are told what is wished for.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        hidden: int,
        noise: int,
        temperature: float,
        penalty: float,
        *,
        wishes: bool = True,
    ) -> None:
        super().__init__()
        self.sizes, self.noise, self.temperature, self.penalty = sizes, noise, temperature, penalty
        self.width, self.wishes = sum(sizes), wishes
        told = self.width if wishes else 0
        self.register_buffer("offsets", torch.tensor([0, *sizes]).cumsum(0)[:-1], persistent=False)
        self.generator = mlp(noise + told, hidden, hidden, self.width)
        self.discriminator = mlp(self.width + told, hidden, hidden, 1, activation=partial(nn.LeakyReLU, 0.2))

    def logits(self, noise: Tensor, column: Tensor, code: Tensor) -> Tensor:
        """Return the generator's logits of all categories, shape (batch, width)."""
        made: Tensor = self.generator(torch.cat([noise, self._wish(column, code)], dim=1))
        return made

    def discriminator_loss(self, batch: Tensor) -> Tensor:
        """Return, for each record, how little realer it looks than one generated for its wish, and the penalty."""
        wish, real = self._wish(batch[:, -2], batch[:, -1]), one_hot_blocks(batch[:, :-2], self.sizes)
        with torch.no_grad():
            made = self._chosen(self._logits(wish))
        loss = functional.softplus(self._score(made, wish) - self._score(real, wish))
        slopes = self._slope(real[::_PENALISED], wish[::_PENALISED]) + self._slope(
            made[::_PENALISED], wish[::_PENALISED]
        )
        return loss + self.penalty * slopes.mean()

    def generator_loss(self, batch: Tensor) -> Tensor:
        """Return how much realer each record looks than one generated for its wish, and how far that is from it."""
        column, code = batch[:, -2], batch[:, -1]
        wish, real = self._wish(column, code), one_hot_blocks(batch[:, :-2], self.sizes)
        logits = self._logits(wish)
        with torch.no_grad():
            goal = self._score(real, wish)
        loss = functional.softplus(goal - self._score(self._chosen(logits), wish))
        logs = torch.cat([block.log_softmax(dim=1) for block in torch.split(logits, list(self.sizes), dim=1)], dim=1)
        return loss - logs.gather(1, self._place(column, code)[:, None]).squeeze(1)

    def deceiving_loss(self, count: int) -> Tensor:
        """Return how well the discriminator sees through each of so many generated records; reads no record."""
        judge = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        blank = torch.zeros(count, 0, device=next(self.generator.parameters()).device)
        scores: Tensor = functional_call(self.discriminator, judge, (self._chosen(self._logits(blank)),))
        return functional.softplus(-scores.squeeze(1))

    def drawn(self, count: int) -> Tensor:
        """Return so many generated records, one-hot, shape (count, width), without gradients."""
        with torch.no_grad():
            logits = self._logits(torch.zeros(count, 0, device=next(self.generator.parameters()).device))
            # The largest of logits plus Gumbel noise is a draw from their softmax.
            noisy = logits - (-torch.rand_like(logits).clamp_min(1e-20).log()).log()
            codes = [block.argmax(dim=1) for block in torch.split(noisy, list(self.sizes), dim=1)]
            return one_hot_blocks(torch.stack(codes, dim=1), self.sizes)

    def judge(self, codes: Tensor) -> Tensor:
        """Return each record's score as an answer to each of its own categories, averaged, shape (batch,)."""
        record = one_hot_blocks(codes, self.sizes)
        scores = []
        for place in range(len(self.sizes) if self.wishes else 1):
            code = codes[:, place]
            scores.append(self._score(record, self._wish(torch.full_like(code, place), code)))
        return torch.stack(scores).mean(0)

    def _logits(self, wish: Tensor) -> Tensor:
        """Return logits for fresh noise from torch's global generator."""
        made: Tensor = self.generator(torch.cat([torch.randn(len(wish), self.noise, device=wish.device), wish], dim=1))
        return made

    def _score(self, records: Tensor, wish: Tensor) -> Tensor:
        score: Tensor = self.discriminator(torch.cat([records, wish], dim=1)).squeeze(1)
        return score

    def _chosen(self, logits: Tensor) -> Tensor:
        """Draw a category in each block; gradients pass as if it were softly chosen (straight-through Gumbel-softmax).

        So real and generated records are both one-hot, and cannot be told apart by how sharp they are.
        """
        blocks = torch.split(logits, list(self.sizes), dim=1)
        return torch.cat([functional.gumbel_softmax(one, self.temperature, hard=True) for one in blocks], dim=1)

    def _slope(self, records: Tensor, wish: Tensor) -> Tensor:
        """Return the squared norm of the discriminator's gradient at each record, shape (batch,)."""
        records = records.detach().requires_grad_()
        with torch.enable_grad():
            slope = torch.autograd.grad(self._score(records, wish).sum(), records, create_graph=True)[0]
        return slope.square().sum(dim=1)

    def _place(self, column: Tensor, code: Tensor) -> Tensor:
        offsets: Tensor = self.get_buffer("offsets")
        return offsets[column] + code.clamp_min(0)

    def _wish(self, column: Tensor, code: Tensor) -> Tensor:
        """Return the wanted category, one-hot among all; zeros if it is unknown. Of width 0 where nothing is wished."""
        if not self.wishes:
            return torch.zeros(len(code), 0, device=code.device)
        blank = torch.zeros(len(code), self.width, device=code.device)
        return blank.scatter(1, self._place(column, code)[:, None], (code >= 0).float()[:, None])


class PrivateDiscriminator(nn.Module):
    """What DP-SGD lowers: how badly each record, and one generated beside it, are told from each other.

    It owns the discriminator's parameters alone. Record and generated one share a row, and go through each layer in one
    pass along an axis of their own, so that clipping takes them together: what a record adds to a step's sum, its
    companion included, has norm `clip` at most. No slope is penalised, which would need gradients of gradients; clipped
    steps, noise and weight decay keep the discriminator smooth.

    Args:
        network: Holds the generator, which stays as it is, and the discriminator.
    """

    def __init__(self, network: GAN) -> None:
        super().__init__()
        self.discriminator = network.discriminator
        self._sizes, self._drawn = network.sizes, network.drawn

    def forward(self, rows: Tensor) -> Tensor:
        """Return the loss of each row of codes, shape (batch,)."""
        pairs = torch.stack([one_hot_blocks(rows, self._sizes), self._drawn(len(rows))], dim=1)
        real, made = self.discriminator(pairs).squeeze(2).unbind(dim=1)
        return functional.softplus(-real) + functional.softplus(made)


def _code(block: Block, value: Any) -> int:
    cells = pd.Series([value], dtype=object if isinstance(value, str | None) else None)
    return int(block.encode(cells)[0])
