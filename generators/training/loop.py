"""The plain training loop of all neural families."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from generators.errors import InputError
from generators.training.averaging import WeightAverage
from generators.training.callbacks import Callback
from generators.training.checkpoints import Checkpoints
from generators.training.history import History
from generators.training.progress import training_progress
from generators.training.randomness import seeded
from generators.training.schedules import schedule

_LOOKS = 50
"""How often a run looks at its validation slice and at what the family watches."""


@dataclass(frozen=True)
class Phase:
    """One optimiser's share of a training step.

    Most families have one phase; a GAN has two, which take turns.

    Attributes:
        loss: Maps a batch to one loss per record, shape (batch,).
        parameters: What it moves to lower the loss.
        name: What to call it in histories.
        learning_rate: Its own, where it differs from the run's.
        betas: Adam's decay rates.
    """

    loss: Callable[[Tensor], Tensor]
    parameters: Sequence[nn.Parameter]
    name: str = "loss"
    learning_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True)
class Course:
    """How to train: everything but the data and the model.

    Attributes:
        steps: Number of optimiser steps at most.
        batch_size: Records a step; at most all of them.
        learning_rate: AdamW's, at its highest.
        schedule: `cosine`, `linear` or `constant`.
        warmup: Share of the steps over which the rate rises from 0.
        weight_decay: AdamW's.
        gradient_norm: Gradients of a phase are scaled down to this norm; None leaves them.
        ema: Decay of a moving average of the weights that the last phase moves, which replaces them in the end; 0 for
            none.
        patience: Looks at the validation slice without improvement before stopping.
    """

    steps: int
    batch_size: int = 256
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: float = 0.0
    weight_decay: float = 0.0
    gradient_norm: float | None = None
    ema: float = 0.0
    patience: int = 5


@dataclass(frozen=True)
class Watch:
    """What happens beside a run: how it is shown, recorded and interrupted.

    Attributes:
        title: Name on the progress bar.
        progress: Whether to show the bar.
        callbacks: Told how the run goes.
        checkpoints: Where to keep its state; None for nowhere.
        identity: What must be the same for a checkpoint to be resumed, JSON-ready.
        look: Measures something about the half-trained model, by name; its random draws do not disturb the run.
        notes: What a user should know about a run that is over, one sentence each; kept in its history.
    """

    title: str = "training"
    progress: bool = True
    callbacks: Sequence[Callback] = ()
    checkpoints: Checkpoints | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    look: Callable[[], Mapping[str, float]] | None = None
    notes: Callable[[History], list[str]] | None = None


def train(
    network: nn.Module,
    rows: Tensor,
    phases: Sequence[Phase],
    course: Course,
    *,
    order: torch.Generator,
    draw: Callable[[torch.Generator], Tensor] | None = None,
    validation: Tensor | None = None,
    watch: Watch | None = None,
) -> History:
    """Lower each phase's loss over batches of records.

    Args:
        network: Everything that is trained and will be saved.
        rows: Training records as a tensor, first axis is the record.
        phases: What is lowered, in turn, in every step.
        course: How.
        order: Decides the order of the records.
        draw: Makes a batch from random numbers of its argument; shuffled passes over `rows` by default.
        validation: Records to look at for early stopping, by the first phase's loss; the best weights are kept.
        watch: What happens beside the run.

    Returns:
        What happened. A run resumed from a checkpoint gives the same weights and history as an uninterrupted one.

    Raises:
        InputError: A loss stops being a finite number, or a checkpoint is of another run.
    """
    watch = watch or Watch()
    run = _Run(network, rows, phases, course, order, draw)
    best = _Best(run, validation, course.patience) if validation is not None and len(validation) else None
    identity = {**watch.identity, "course": asdict(course)}
    if watch.checkpoints is not None and watch.checkpoints.resume:
        _resume(run, best, watch.checkpoints, identity)
    for callback in watch.callbacks:
        callback.started(watch.title, {**asdict(course), "records": len(rows)}, course.steps)
    every = max(1, course.steps // _LOOKS)
    network.train()
    with training_progress(watch.title, course.steps, start=run.history.steps, shown=watch.progress) as advance:
        while run.history.steps < course.steps and not run.history.stopped_early:
            values = run.step()
            step = run.history.steps
            if step % every == 0 or step == course.steps:
                values |= _look(run, best, watch.look)
            for callback in watch.callbacks:
                callback.stepped(step, values)
            if watch.checkpoints is not None and step % watch.checkpoints.every == 0:
                watch.checkpoints.save(*_snapshot(run, best, identity))
            advance(run.batch_size, " ".join(f"{name} {values[name]:.3f}" for name in run.history.losses))
    if best is not None:
        best.restore()
    elif run.average is not None:
        run.average.swap()
    network.eval()
    if watch.notes is not None:
        run.history.notes += watch.notes(run.history)
    for callback in watch.callbacks:
        callback.finished(run.history.notes)
    return run.history


def next_batch(queue: Tensor, size: int, records: int, order: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the places of the next batch's records, and what is left of the queue; passes are shuffled by `order`."""
    if len(queue) < size:
        # What is left of a pass comes before the next one, so that every record is used in every pass.
        queue = torch.cat([queue, torch.randperm(records, generator=order)])
    return queue[:size], queue[size:]


class _Run:
    """The moving parts of a run, all of which a checkpoint keeps."""

    def __init__(
        self,
        network: nn.Module,
        rows: Tensor,
        phases: Sequence[Phase],
        course: Course,
        order: torch.Generator,
        draw: Callable[[torch.Generator], Tensor] | None,
    ) -> None:
        self.network, self.rows, self.phases, self.course, self.order, self.draw = (
            network, rows, phases, course, order, draw
        )  # fmt: skip
        self.batch_size = min(course.batch_size, len(rows))
        self.queue = torch.empty(0, dtype=torch.int64)
        self.optimizers = [
            torch.optim.AdamW(
                list(phase.parameters),
                lr=phase.learning_rate or course.learning_rate,
                betas=phase.betas,
                weight_decay=course.weight_decay,
            )
            for phase in phases
        ]
        self.schedules = [schedule(one, course.steps, course.schedule, course.warmup) for one in self.optimizers]
        # Of several phases the last one makes what is sampled; a discriminator stays the one that was trained.
        self.average = WeightAverage(network, course.ema, phases[-1].parameters) if course.ema > 0 else None
        self.history = History(losses={phase.name: [] for phase in phases})

    def step(self) -> dict[str, float]:
        """Do one step of every phase on one batch; return the losses by phase."""
        batch = self._batch() if self.draw is None else self.draw(self.order)
        values: dict[str, float] = {}
        for phase, optimizer, rate in zip(self.phases, self.optimizers, self.schedules, strict=True):
            loss = phase.loss(batch).mean()
            values[phase.name] = loss.item()
            if not math.isfinite(values[phase.name]):
                rate_now = phase.learning_rate or self.course.learning_rate
                raise InputError(
                    f"training diverged at step {self.history.steps + 1}; lower learning_rate (now {rate_now:g})"
                )
            self.network.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if self.course.gradient_norm is not None:
                nn.utils.clip_grad_norm_(list(phase.parameters), self.course.gradient_norm)
            optimizer.step()
            rate.step()
        if self.average is not None:
            self.average.update()
        self.history.steps += 1
        for name, value in values.items():
            self.history.losses[name].append(value)
        return values

    def _batch(self) -> Tensor:
        chosen, self.queue = next_batch(self.queue, self.batch_size, len(self.rows), self.order)
        return self.rows[chosen.to(self.rows.device)]

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Hold still: evaluation mode, averaged weights, and random draws that do not disturb the run."""
        averaged = nullcontext() if self.average is None else self.average.applied()
        self.network.eval()
        try:
            with seeded(0, self.rows.device), torch.no_grad(), averaged:
                yield
        finally:
            self.network.train()


class _Best:
    """The weights with the lowest loss on the validation slice."""

    def __init__(self, run: _Run, validation: Tensor, patience: int) -> None:
        self.run, self.validation, self.patience = run, validation, patience
        self.lowest = math.inf
        self.waited = 0
        self.weights: dict[str, Tensor] = {}

    def look(self) -> float:
        with self.run.at_rest():
            batches = torch.split(self.validation, max(256, self.run.batch_size))
            total = torch.stack([self.run.phases[0].loss(batch).sum() for batch in batches]).sum().item()
            value = total / len(self.validation)
            if not math.isfinite(value):
                raise InputError(
                    f"the validation loss is not finite at step {self.run.history.steps}: a record overflows"
                )
            self.waited = 0 if value < self.lowest else self.waited + 1
            if value < self.lowest:
                self.lowest = value
                self.weights = {name: w.detach().clone() for name, w in self.run.network.state_dict().items()}
        return value

    def restore(self) -> None:
        if self.weights:
            self.run.network.load_state_dict(self.weights)


def _look(run: _Run, best: _Best | None, look: Callable[[], Mapping[str, float]] | None) -> dict[str, float]:
    values: dict[str, float] = {}
    if best is not None:
        values["validation"] = best.look()
        run.history.validation.append((run.history.steps, values["validation"]))
        run.history.stopped_early = best.waited >= best.patience and run.history.steps < run.course.steps
    if look is not None:
        with run.at_rest():
            seen = dict(look())
        run.history.watched.append((run.history.steps, seen))
        values |= seen
    return values


def _snapshot(run: _Run, best: _Best | None, identity: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = {f"network.{name}": value for name, value in run.network.state_dict().items()}
    for number, optimizer in enumerate(run.optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{index}.{name}": value for name, value in state.items()}
    if run.average is not None:
        tensors |= {f"average.{name}": value for name, value in run.average.weights.items()}
    if best is not None:
        tensors |= {f"best.{name}": value for name, value in best.weights.items()}
    tensors |= {"queue": run.queue, "order": run.order.get_state(), "random": torch.random.get_rng_state()}
    if run.rows.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(run.rows.device)
    history = {**asdict(run.history)}
    return tensors, {
        "identity": dict(identity),
        "history": history,
        "best": None if best is None else {"lowest": best.lowest, "waited": best.waited},
    }


def _resume(run: _Run, best: _Best | None, checkpoints: Checkpoints, identity: Mapping[str, Any]) -> None:
    tensors, facts = checkpoints.load()
    theirs = facts.get("identity")
    if not isinstance(theirs, dict):
        raise InputError(f"{checkpoints.path}: is damaged (it does not say of which run it is)")
    for key, value in json.loads(json.dumps(identity)).items():  # as the file has it, where no tuples are
        if theirs.get(key) != value:
            raise InputError(
                f"{checkpoints.path}: is of another run: its {key} is {theirs.get(key)}, this one's {value}"
            )
    try:
        run.network.load_state_dict(_under("network.", tensors))
        for number, (optimizer, rate) in enumerate(zip(run.optimizers, run.schedules, strict=True)):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in _under(f"optimizer.{number}.", tensors).items():
                index, _, part = name.partition(".")
                state.setdefault(int(index), {})[part] = value
            done = int(facts["history"]["steps"])
            rate.last_epoch = done
            for group, base, factor in zip(optimizer.param_groups, rate.base_lrs, rate.lr_lambdas, strict=True):  # type: ignore[attr-defined]  # LambdaLR's
                group["lr"] = base * factor(done)
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        if run.average is not None:
            run.average.weights = {n: w.to(run.rows.device) for n, w in _under("average.", tensors).items()}
            run.average.updates.fill_(int(facts["history"]["steps"]))
        if best is not None:
            best.weights, best.lowest = _under("best.", tensors), float(facts["best"]["lowest"])
            best.waited = int(facts["best"]["waited"])
        run.queue = tensors["queue"]
        run.order.set_state(tensors["order"])
        torch.random.set_rng_state(tensors["random"])
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], run.rows.device)
        run.history = History.from_dict(facts["history"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{checkpoints.path}: is damaged ({' '.join(str(error).split())[:200]})") from error


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
