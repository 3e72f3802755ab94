"""Faults that private trainers have had, or could have, planted from outside before an audit starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from opacus.grad_sample import GradSampleModuleFastGradientClipping as Ghost
from opacus.optimizers import DPOptimizerFastGradientClipping as Noisy
from torch import Tensor

import generators.training.private as private

Plant = Callable[[pytest.MonkeyPatch], None]


class Fault(NamedTuple):
    """A fault, how to plant it, and a word of the cause that an audit should name."""

    name: str
    plant: Plant
    named: str

    def __repr__(self) -> str:
        return self.name


def noise_of(make: Callable[[Any, int, Tensor], Tensor]) -> Plant:
    """Noise that `make` makes of the optimiser, a parameter's number, and normal noise of the right size."""

    def add_noise(self: Any) -> None:
        self.steps_made = getattr(self, "steps_made", -1) + 1
        for number, p in enumerate(self.params):
            fine = torch.normal(
                0.0, self.noise_multiplier * self.max_grad_norm, p.summed_grad.shape, generator=self.generator
            )
            p.grad = (p.summed_grad + make(self, number, fine)).view_as(p)

    return lambda patch: patch.setattr(Noisy, "add_noise", add_noise)


def factors_of(make: Callable[[Tensor, float], Tensor]) -> Plant:
    """Clipping factors that `make` makes of rows' norms and the clipping norm."""
    return lambda patch: patch.setattr(
        Ghost, "get_clipping_coef", lambda self: make(self.get_norm_sample(), self.max_grad_norm)
    )


def batches_of(make: Callable[[int, float, torch.Generator], Callable[[], Tensor]]) -> Plant:
    """Batches that `make` draws of so many rows."""
    return lambda patch: patch.setattr(
        private, "poisson_batches", lambda rows, _people, rate, sampler: make(rows, rate, sampler)
    )


def poisson(rows: int, rate: float, sampler: torch.Generator) -> Tensor:
    return torch.nonzero(torch.rand(rows, generator=sampler) < rate).flatten()


def reused(self: Any, number: int, fine: Tensor) -> Tensor:
    """Noise is drawn anew in every other step only."""
    kept = self.__dict__.setdefault("kept_noise", {})
    if self.steps_made % 2 == 0:
        kept[number] = fine
    return kept[number]


def every_step_alike(self: Any, number: int, fine: Tensor) -> Tensor:
    return torch.randn(fine.shape, generator=torch.Generator().manual_seed(number)) * self.noise_multiplier


def every_parameter_alike(self: Any, _: int, fine: Tensor) -> Tensor:
    same = torch.Generator().manual_seed(self.steps_made)
    return torch.randn(fine.shape, generator=same) * self.noise_multiplier * self.max_grad_norm


def laplace(self: Any, _: int, fine: Tensor) -> Tensor:
    return torch.distributions.Laplace(0.0, self.noise_multiplier * self.max_grad_norm / 2**0.5).sample(fine.shape)


def uniform(self: Any, _: int, fine: Tensor) -> Tensor:
    return (torch.rand(fine.shape) * 2 - 1) * 3**0.5 * self.noise_multiplier * self.max_grad_norm


def clip_the_mean(patch: pytest.MonkeyPatch) -> None:
    """Rows are not clipped; the mean over the batch is, and noise is added to it."""

    def add_noise(self: Any) -> None:
        whole = torch.cat([p.summed_grad.flatten() for p in self.params]) / self.expected_batch_size
        factor = min(1.0, self.max_grad_norm / float(whole.norm()))
        for p in self.params:
            std = self.noise_multiplier * self.max_grad_norm
            noise = torch.normal(0.0, std, p.summed_grad.shape, generator=self.generator)
            p.grad = (p.summed_grad * factor + noise).view_as(p)

    factors_of(lambda norms, _: torch.ones_like(norms))(patch)
    patch.setattr(Noisy, "add_noise", add_noise)


def clip_the_sum(patch: pytest.MonkeyPatch) -> None:
    """Rows are not clipped; their sum is."""

    def add_noise(self: Any) -> None:
        whole = torch.cat([p.summed_grad.flatten() for p in self.params])
        factor = min(1.0, self.max_grad_norm / float(whole.norm()))
        for p in self.params:
            std = self.noise_multiplier * self.max_grad_norm
            noise = torch.normal(0.0, std, p.summed_grad.shape, generator=self.generator)
            p.grad = (p.summed_grad * factor + noise).view_as(p)

    factors_of(lambda norms, _: torch.ones_like(norms))(patch)
    patch.setattr(Noisy, "add_noise", add_noise)


def divide_by_own_size(patch: pytest.MonkeyPatch) -> None:
    """Sums are divided by the batch's own size."""
    size = {}

    def remembered(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
        def draw() -> Tensor:
            batch = poisson(rows, rate, sampler)
            size["now"] = len(batch)
            return batch

        return draw

    def scale_grad(self: Any) -> None:
        for p in self.params:
            p.grad /= size["now"]

    batches_of(remembered)(patch)
    patch.setattr(Noisy, "scale_grad", scale_grad)


def forget_biases(patch: pytest.MonkeyPatch) -> None:
    """Rows' norms leave out the biases' gradients."""

    def get_norm_sample(self: Any) -> Tensor:
        norms = [one._norm_sample for one in self.trainable_parameters if one.ndim > 1]
        return torch.stack(norms).norm(2, dim=0)

    patch.setattr(Ghost, "get_norm_sample", get_norm_sample)


def step_with_clean_gradients(patch: pytest.MonkeyPatch) -> None:
    """Noisy gradients are released, but the weights move by the clean ones."""

    def step(self: Any) -> None:
        self.pre_step()
        noisy = [p.grad for p in self.params]
        for p in self.params:
            p.grad = p.summed_grad / self.expected_batch_size
        self.original_optimizer.step()
        for p, grad in zip(self.params, noisy, strict=True):
            p.grad = grad

    patch.setattr(Noisy, "step", step)


def carried_over(patch: pytest.MonkeyPatch) -> None:
    """A part of what a step summed up counts in the next one again."""

    def add_noise(self: Any) -> None:
        kept = self.__dict__.setdefault("kept_sums", {})
        for number, p in enumerate(self.params):
            std = self.noise_multiplier * self.max_grad_norm
            noise = torch.normal(0.0, std, p.summed_grad.shape, generator=self.generator)
            p.grad = (p.summed_grad + kept.get(number, 0.0) + noise).view_as(p)
            kept[number] = 0.5 * p.summed_grad

    patch.setattr(Noisy, "add_noise", add_noise)


def shuffled(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    waiting: list[Tensor] = []

    def draw() -> Tensor:
        if not waiting:
            order = torch.randperm(rows, generator=sampler)
            waiting.extend(torch.split(order, max(1, round(rows * rate))))
        return waiting.pop(0)

    return draw


def fixed_size(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    return lambda: torch.randperm(rows, generator=sampler)[: round(rows * rate)]


def used_twice(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    kept: list[Tensor] = []

    def draw() -> Tensor:
        if kept:
            return kept.pop()
        kept.append(poisson(rows, rate, sampler))
        return kept[0]

    return draw


def always_the_first(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    first = poisson(rows, rate, sampler)
    return lambda: first


def with_replacement(rows: int, rate: float, sampler: torch.Generator) -> Callable[[], Tensor]:
    return lambda: torch.randint(rows, (len(poisson(rows, rate, sampler)),), generator=sampler)


FAULTS = [
    Fault("no noise", noise_of(lambda _o, _n, fine: 0 * fine), "no noise"),
    Fault("half the noise", noise_of(lambda _o, _n, fine: 0.5 * fine), "noise is 0."),
    Fault("nine tenths of the noise", noise_of(lambda _o, _n, fine: 0.9 * fine), "noise is 0."),
    Fault("no clipping", factors_of(lambda norms, _: torch.ones_like(norms)), "not clipped"),
    Fault("clipping of the batch mean", clip_the_mean, "clipped"),
    Fault("clipping of the batch sum", clip_the_sum, "clipped"),
    Fault("clipped to twice the norm", factors_of(lambda norms, c: (2 * c / norms).clamp(max=1)), "not clipped"),
    Fault(
        "only the longest gradients are clipped",
        factors_of(lambda norms, c: torch.where(norms > 50 * c, c / norms, 1.0)),
        "not clipped",
    ),
    Fault("norms leave biases out", forget_biases, "real records"),
    Fault("batches twice as large", batches_of(lambda n, q, s: lambda: poisson(n, 2 * q, s)), "times as large"),
    Fault("shuffled passes", batches_of(shuffled), "not Poisson"),
    Fault("batches of fixed size", batches_of(fixed_size), "not Poisson"),
    Fault("every batch is used twice", batches_of(used_twice), "batch"),
    Fault("always the same batch", batches_of(always_the_first), "batch"),
    Fault("sampling with replacement", batches_of(with_replacement), "more than once"),
    Fault("noise on one parameter only", noise_of(lambda _o, n, fine: fine * (n == 0)), "no noise"),
    Fault("no noise on one parameter", noise_of(lambda _o, n, fine: fine * (n != 2)), "parameter"),
    Fault("no noise in every tenth step", noise_of(lambda o, _n, fine: fine * (o.steps_made % 10 > 0)), "noise"),
    Fault("the same noise in every step", noise_of(every_step_alike), "used again"),
    Fault("noise drawn in every other step", noise_of(reused), "used again"),
    Fault("the same noise on every parameter", noise_of(every_parameter_alike), "two parameters"),
    Fault("one number of noise a parameter", noise_of(lambda _o, _n, f: f.flatten()[0].expand(f.shape)), "shared"),
    Fault("Laplace noise", noise_of(laplace), "normally distributed"),
    Fault("uniform noise", noise_of(uniform), "normally distributed"),
    Fault("division by the batch's own size", divide_by_own_size, "own size"),
    Fault("clean gradients move the weights", step_with_clean_gradients, "weights move"),
    Fault("sums are carried over to the next step", carried_over, "not clipped"),
]
