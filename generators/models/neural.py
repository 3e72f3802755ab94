"""What all neural families share: the way from records to a trained network, private or not."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn

from generators.datasets import Dataset, Schema
from generators.errors import InputError
from generators.models.base import Generator
from generators.models.packing import unpacked
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt, Schedule, Share, resolved_device
from generators.models.private_run import PrivateRun, identity_of
from generators.models.running import Beside, Paying
from generators.privacy import Event, Ledger, PrivacyBudget, PrivatePlan, plan_training
from generators.privacy.plan import expected_batch
from generators.training import (
    Course,
    History,
    Phase,
    PrivateCheckpoints,
    Watch,
    train,
    train_privately,
)
from generators.training.clipping import check_objective
from generators.training.distributed import leads, processes, tell
from generators.training.following import Follower
from generators.training.private import RNG


class NeuralGenerator(Generator):
    """A generator that is a network trained by gradients.

    A subclass writes what its encoders learn from train (`_learn`, `_record`, `_encoders`, `_restore_encoders`), how
    records become rows of a tensor (`_rows`), how the network is built (`_build`), and how it samples. Its network maps
    a batch of rows to one loss per row; a family with more than one optimiser overrides `_phases`.

    Attributes:
        epochs: Passes over train; None takes the family's default, and without a budget at least its least number of
            steps, so that small tables are trained enough.
        batch_size: Records a step, without a budget.
        learning_rate: AdamW's, at its highest, without a budget.
        schedule: How the rate falls: `cosine`, `linear` or `constant`.
        warmup: Share of the steps over which it first rises.
        weight_decay: AdamW's.
        gradient_norm: Largest norm of a step's gradient; None leaves it. Under a budget `clip` takes its place.
        ema: Decay of a moving average of the weights, which replaces them in the end; 0 for none.
        validation: Share of train that is set aside to stop early and keep the best weights; 0 for none. Not under a
            budget, where a look at it would have to be paid for.
        patience: Looks without improvement before stopping; there are 50 looks in a run.
        private_batch_size: Expected records a step under a budget, where larger batches pay; at most a fourth of train.
        private_learning_rate: The rate under a budget, where clipping and noise want longer steps.
        clip: Norm to which a record's gradient is clipped under a budget.
        network_: Everything that was trained.
        compression_: How `compress` made it smaller; None if it did not.
    """

    several_processes: ClassVar[bool] = True
    default_epochs: ClassVar[int] = 30
    default_private_epochs: ClassVar[int | None] = None
    """Passes over train under a budget, where noise grows with the root of their number; `default_epochs` if None."""

    least_steps: ClassVar[int] = 2000
    private_betas: ClassVar[tuple[float, float]] = (0.9, 0.999)
    """AdamW's decay rates under a budget."""

    chunk: ClassVar[int] = 2048
    """Records that go through the network at once outside training."""

    epochs: PositiveInt | None = None
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 1e-3
    schedule: Schedule = "cosine"
    warmup: Share = 0.0
    weight_decay: NonNegativeFloat = 0.0
    gradient_norm: PositiveFloat | None = None
    ema: Share = 0.0
    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    patience: PositiveInt = 5
    private_batch_size: PositiveInt = 1024
    private_learning_rate: PositiveFloat = 6e-3
    clip: PositiveFloat = 1.0
    network_: Any = field(init=False)
    compression_: str | None = field(init=False, default=None)
    packed_: dict[str, Tensor] = field(init=False, default_factory=dict)

    @abstractmethod
    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        """Fit the encoders.

        With `public_only` nothing may be learnt from the frame: what is not public is an `InputError`.
        """

    @abstractmethod
    def _rows(self, frame: pd.DataFrame) -> Tensor:
        """Return the rows that the network trains on, by the fitted encoders, on the CPU."""

    @abstractmethod
    def _build(self) -> nn.Module:
        """Return a fresh network for the fitted encoders."""

    @abstractmethod
    def _record(self, ledger: Ledger) -> None:
        """Write into the ledger what the encoders learnt from the data, and what was public."""

    @abstractmethod
    def _encoders(self) -> dict[str, Any]:
        """Return what `_learn` fitted, as JSON-ready data."""

    @abstractmethod
    def _restore_encoders(self, state: dict[str, Any]) -> None:
        """Take what `_encoders` returned; `schema_` is set already."""

    def _borrow(self, lender: NeuralGenerator, frame: pd.DataFrame) -> None:
        """Take the encoders of another generator of this kind; `schema_` is set already."""
        del frame
        self._restore_encoders(lender._encoders())

    def _phases(self) -> list[Phase]:
        """Return what training lowers, in turn, in every step."""
        return [Phase(self.network_, list(self.network_.parameters()))]

    def _private_objective(self) -> nn.Module:
        """Return what DP-SGD lowers: a module that owns the privately trained parameters and no others."""
        objective: nn.Module = self.network_
        return objective

    def following(self) -> Follower | None:
        """Return what learns between private steps from released weights alone, such as a GAN's generator; or None."""
        return None

    def _draw(self, rows: Tensor) -> Callable[[torch.Generator], Tensor] | None:
        """Return how to draw a batch, or None for shuffled passes over the rows."""
        del rows
        return None

    def _look(self, rows: Tensor) -> Callable[[], Mapping[str, float]] | None:
        """Return what to measure about the half-trained model now and then, or None."""
        del rows
        return None

    def _notes(self, history: History) -> list[str]:
        """Return what a user should know about how training went, one sentence each."""
        del history
        return []

    @property
    def torch_device(self) -> torch.device:
        """Where the network is."""
        return resolved_device(self.device)

    @final
    def training_problem(
        self, frame: pd.DataFrame, schema: Schema, *, public_only: bool, lender: NeuralGenerator | None = None
    ) -> tuple[nn.Module, Tensor]:
        """Return what `fit` minimises and over which rows: for auditors, who run the shipped trainer on more records.

        A fitted model forgets what it learnt.

        Args:
            frame: Canonical training frame.
            schema: What its columns are.
            public_only: Whether to encode by public domains alone, as under a budget.
            lender: A generator of this kind whose encoders to take, see `learn_encoders`; None learns them.

        Returns:
            The network, which maps a batch of rows to one loss per row, with fresh parameters from torch's global
            generator, and the rows, shape (records, ...). With `public_only` it is the part that is trained privately;
            what learns beside it is returned by `following`.
        """
        # The model counts as unfitted from here: no ledger ever goes with weights that it does not speak of.
        self.__dict__.pop("ledger_", None)
        self.compression_, self.packed_ = None, {}
        if lender is None:
            self._learn(frame, schema, public_only=public_only)
        else:
            self.schema_ = schema
            self._borrow(lender, frame)
        rows = self._rows(frame).to(self.torch_device)
        self.network_ = self._build().to(self.torch_device)
        return (self._private_objective() if public_only else self.network_), rows

    @final
    def learn_encoders(self, dataset: Dataset) -> Self:
        """Fit the encoders alone, without a budget, so that models of parts of these records can share them."""
        self.__dict__.pop("ledger_", None)
        self.schema_, self.rows_ = dataset.schema.learnt_from(dataset.train), len(dataset.train)
        self._learn(dataset.train, self.schema_, public_only=False)
        return self

    @final
    def plan(self, budget: PrivacyBudget, units: float, before: Sequence[Event] = ()) -> PrivatePlan:
        """Return the private run that `fit` would do on so many records or people, after what was paid before."""
        batch = expected_batch(self.private_batch_size, units)
        epochs = self.epochs or self.default_private_epochs or self.default_epochs
        return plan_training(budget, units=units, batch_size=batch, epochs=epochs, clip=self.clip, before=before)

    @final
    def _fit(
        self, frame: pd.DataFrame, schema: Schema, ledger: Ledger, paying: Paying | None, beside: Beside
    ) -> History:
        if paying is not None:
            if self.validation > 0:
                raise InputError(
                    "validation: a look at a slice of train would have to be paid for; set it to 0 under a budget"
                )
            objective, rows = self.training_problem(frame, schema, public_only=True)
            check_objective(objective, rows)
            if paying.run is None:
                self._record(ledger)
            return self._fit_privately(objective, rows, schema, paying, beside)
        order = torch.Generator().manual_seed(self.seed)
        used, aside = _set_aside(frame, schema, self.validation, order)
        _, rows = self.training_problem(used, schema, public_only=False, lender=beside.lender)
        self._record(ledger)
        if beside.lender is not None:
            ledger.add(f"encoders shared with other models, from {beside.lender.rows_} records", "none")
        ledger.add("the weights", "none", note="trained without clipping or noise")
        phases = self._phases()
        if len(aside):
            ledger.add(f"when to stop, from {len(aside)} records set aside", "none")
            if len(phases) > 1:
                raise InputError(f"validation: no loss of {self.kind} tells when to stop; leave it at 0")
        run = train if beside.loops is None else beside.loops.train
        return run(
            self.network_,
            rows,
            phases,
            self._course(len(rows)),
            order=order,
            draw=self._draw(rows),
            validation=self._rows(aside).to(self.torch_device) if len(aside) else None,
            watch=Watch(
                title=self.kind,
                progress=beside.progress,
                callbacks=beside.callbacks,
                checkpoints=beside.checkpoints,
                identity={"kind": self.kind, "parameters": self.get_params(), "records": _fingerprint(rows)},
                look=self._look(rows),
                notes=self._notes,
            ),
        )

    def _course(self, records: int) -> Course:
        steps_a_pass = records / min(self.batch_size, records)
        epochs = self.default_epochs if self.epochs is None else self.epochs
        least = self.least_steps if self.epochs is None else 1
        return Course(
            steps=max(math.ceil(epochs * steps_a_pass), least),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            gradient_norm=self.gradient_norm,
            ema=self.ema,
            patience=self.patience,
        )

    def _fit_privately(
        self, objective: nn.Module, rows: Tensor, schema: Schema, paying: Paying, beside: Beside
    ) -> History:
        curator, run, follower = paying.curator, paying.run, self.following()
        if run is None:
            plan = self.plan(curator.budget, curator.units, curator.events)
            rng = RNG if beside.loops is None else beside.loops.rng
            several = {"processes": processes()} if processes() > 1 else {}
            curator.spend("the weights", plan.event, parameters={**plan.parameters(), **several, "rng": rng})
            if follower is not None:
                curator.ledger.add(follower.what, "post-processing")
            run = PrivateRun(identity_of(self.kind, self.get_params(), paying.budget), curator.ledger, schema, plan)
        if leads():
            tell(run.to_dict())
        plan = run.plan
        for callback in beside.callbacks:
            callback.started(self.kind, plan.parameters(), plan.steps)

        def count(step: int) -> None:
            for callback in beside.callbacks:
                callback.stepped(step + 1, {})

        train_one = train_privately if beside.loops is None else beside.loops.train_privately
        train_one(
            objective,
            rows,
            plan,
            people=None if curator.people is None else torch.from_numpy(curator.people),
            learning_rate=self.private_learning_rate,
            shape=self.schedule,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            betas=self.private_betas,
            ema=0.0 if follower is not None else self.ema,
            between=follower,
            saved=None if beside.checkpoints is None else PrivateCheckpoints(beside.checkpoints, run.to_dict()),
            test_seed=curator.test_seed,
            observe=count,
            title=f"{self.kind}, epsilon {curator.budget.epsilon:g}",
            progress=beside.progress,
        )
        for callback in beside.callbacks:
            callback.finished([])
        return History(steps=plan.steps)

    @final
    def _measured(self, frame: pd.DataFrame, measure: Callable[[Tensor], Tensor]) -> npt.NDArray[np.float64]:
        """Return what a function of a batch of rows says about each record, without gradients."""
        self._require_fitted()
        parts = []
        with torch.no_grad():
            for start in range(0, max(len(frame), 1), self.chunk):
                parts.append(measure(self._rows(frame.iloc[start : start + self.chunk]).to(self.torch_device)).cpu())
        return torch.cat(parts).double().numpy()

    @final
    def take_packed(self, compression: str, packed: dict[str, Tensor]) -> None:
        """Have the weights that packed ones stand for, and save those in their place."""
        self.network_.load_state_dict(unpacked(packed))
        self.compression_, self.packed_ = compression, packed

    @final
    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        if self.compression_ is None:
            return self._encoders(), dict(self.network_.state_dict())
        return {**self._encoders(), "compression": self.compression_}, self.packed_

    @final
    def _restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self._restore_encoders(state)
        self.network_ = self._build().to(self.torch_device)
        if (compression := state.get("compression")) is not None:
            self.take_packed(compression, weights)
        else:
            self.network_.load_state_dict(weights)
        self.network_.eval()


def _set_aside(
    frame: pd.DataFrame, schema: Schema, share: float, order: torch.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split off a share of the people (records, without a unit column), at least one; both parts keep their order."""
    if share == 0:
        return frame, frame.head(0)
    people = np.arange(len(frame)) if schema.unit is None else pd.factorize(frame[schema.unit])[0]
    count = int(people.max()) + 1
    chosen = torch.randperm(count, generator=order)[: max(1, round(share * count))].numpy()
    out = np.isin(people, chosen)
    return frame[~out].reset_index(drop=True), frame[out].reset_index(drop=True)


def _fingerprint(rows: Tensor) -> str:
    return hashlib.sha256(str(rows.shape).encode() + rows.cpu().contiguous().numpy().tobytes()).hexdigest()
