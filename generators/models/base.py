"""What every generator is: fitted on train, sampled from a seed, saved with its ledger."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Self, dataclass_transform, final

import pandas as pd
import torch
from torch import Tensor

from generators.datasets import Dataset, Schema
from generators.encoding.private_domains import declared_only, fitted_into, learn_domains
from generators.errors import InputError
from generators.models.conditions import Conditions
from generators.models.parameters import Device, Seed, check_parameters, resolved_device
from generators.models.private_run import PrivateRun, identity_of, require_finite, units_of
from generators.models.running import Beside, Paying
from generators.models.storage import load_folder, save_folder
from generators.privacy import Curator, Ledger, PrivacyBudget
from generators.training import Callback, Checkpoints, History
from generators.training.distributed import leads, processes, told
from generators.training.randomness import seeded

_HOLDER = "the data holder, by training with this schema"

_CHUNK = 16_384
"""Records drawn at once, so that memory does not grow with n."""

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What goes wrong, depending on where, when a model is built from a description that no model wrote."""


@dataclass(kw_only=True, eq=False, repr=False)
@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
class Generator(ABC):
    """A model that makes new records like those of a data set.

    A subclass is a dataclass by inheritance: it declares its hyper-parameters as fields with defaults, whose
    annotations say what they may be (see `generators.models.parameters`), and its fitted state as fields with
    `field(init=False)` and a name that ends in an underscore. It writes `_fit`, `_sample`, `_state` and `_restore`;
    neural families write less, see `generators.models.neural`.

    Attributes:
        kind: Name of the family, as in `genassay train KIND`.
        modality: What it generates.
        no_privacy: Why it cannot be trained under a budget; empty if it can.
        seed: Decides initial weights, and without a budget also batches and all random draws of training.
        device: Where to train and sample: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        schema_: The training table's schema; its domains are public or learnt from train alone.
        ledger_: What was read of the training data, and what it cost.
        rows_: Number of training records; under a budget, of records or people as it is public or was paid for.
        fingerprint_: SHA-256 of the training records; None under a budget, where it would confirm a guess of them.
        history_: How training went; under a budget, the number of steps alone.
    """

    kind: ClassVar[str]
    modality: ClassVar[str] = "tabular"
    no_privacy: ClassVar[str] = ""
    several_processes: ClassVar[bool] = False
    """Whether several processes can train it together under a budget."""

    draws_labels: ClassVar[bool] = False
    """Whether sampling begins with labels, so that under a budget it matters how often each occurs."""

    seed: Seed = 0
    device: Device = "cpu"
    schema_: Schema = field(init=False)
    ledger_: Ledger = field(init=False)
    rows_: int = field(init=False)
    fingerprint_: str | None = field(init=False)
    history_: History = field(init=False)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        dataclass(kw_only=True, eq=False, repr=False)(cls)

    def __new__(cls, *args: Any, **parameters: Any) -> Self:
        """Refuse hyper-parameters that do not fit their annotations, whatever the family."""
        known = cls.parameter_names()
        if args:
            raise InputError(f"{cls.kind}: give hyper-parameters by name: {', '.join(known)}")
        unknown = [name for name in parameters if name not in known]
        if unknown:
            raise InputError(f"{cls.kind} has no hyper-parameter '{unknown[0]}'; it has {', '.join(known)}")
        check_parameters(cls, parameters)
        return super().__new__(cls)

    @final
    def fit(
        self,
        dataset: Dataset,
        budget: PrivacyBudget | None = None,
        *,
        progress: bool = True,
        callbacks: Sequence[Callback] = (),
        checkpoints: Checkpoints | None = None,
        ledger: Ledger | None = None,
    ) -> Self:
        """Learn from the training part of a data set.

        Args:
            dataset: A split data set; only `dataset.train` is read.
            budget: What may be spent; None trains without differential privacy.
            progress: Whether to show a progress bar (on a terminal).
            callbacks: Told how training goes.
            checkpoints: Where to keep the state of an unfinished run, and whether to go on from there: to the same
                result, or, under a budget, with fresh noise and no more than was charged for.
            ledger: What this run is charged to, with all that was charged before; a new one with `budget` for all that
                may be spent if None.

        Returns:
            The generator itself. Initial weights and all of training follow from the hyper-parameter `seed`; under a
            budget only the initial weights do, and every random number drawn while training (batches, noise, and the
            model's own draws, such as a VAE's latent noise) comes from the operating system, because the guarantee
            needs them secret. The caller's random state is left as it was.

        Raises:
            InputError: The data set is of another modality, is not split, or cannot be trained on under the budget.
        """
        beside = Beside(progress, tuple(callbacks), checkpoints) if leads() else Beside(progress=False)
        return self.fit_beside(dataset, budget, ledger, beside)

    @final
    def fit_beside(self, dataset: Dataset, budget: PrivacyBudget | None, ledger: Ledger | None, beside: Beside) -> Self:
        """Do what `fit` does, with everything that goes on beside it: for those who fit several models together."""
        if dataset.modality != self.modality:
            raise InputError(
                f"{self.kind} makes {self.modality} records, but {dataset.name} holds {dataset.modality} ones"
            )
        frame = dataset.train
        if len(frame) < 2:
            raise InputError(f"{dataset.name}: train has {len(frame)} records; at least two are needed")
        if budget is None and ledger is not None:
            raise InputError("a ledger is charged by private training only: give a budget")
        if budget is not None and self.no_privacy:
            raise InputError(f"{self.kind} cannot be trained under a privacy budget: {self.no_privacy}")
        if processes() > 1 and (budget is None or not self.several_processes):
            raise InputError(
                f"several processes train neural kinds under a budget only: start {self.kind} in one, without torchrun"
            )
        with seeded(self.seed, resolved_device(self.device)):
            if budget is None:
                self._fit_freely(dataset, beside)
            else:
                self._fit_under(budget, ledger, dataset, beside)
        return self

    def _fit_freely(self, dataset: Dataset, beside: Beside) -> None:
        frame, ledger = dataset.train, Ledger()
        schema = dataset.schema.learnt_from(frame) if beside.lender is None else beside.lender.schema_
        ledger.add("column names, kinds and order", "public", public=_HOLDER)
        self.history_ = self._fitted_anew(frame, schema, ledger, None, beside)
        self.schema_, self.ledger_, self.rows_ = schema, ledger, len(frame)
        self.fingerprint_ = dataset.fingerprint("train")

    def _fit_under(self, budget: PrivacyBudget, given: Ledger | None, dataset: Dataset, beside: Beside) -> None:
        frame, schema = dataset.train, dataset.schema
        require_finite(dataset)
        people, unit = units_of(dataset, budget.unit)
        run: PrivateRun | None = None
        if not leads():
            run = PrivateRun.from_dict(told(), source="the first process")
            budget, schema, ledger = run.budget, run.schema, run.ledger
        elif beside.checkpoints is not None and beside.checkpoints.resume:
            run = PrivateRun.read(beside.checkpoints, identity_of(self.kind, self.get_params(), budget))
            schema, ledger = run.schema, run.ledger_to_go_on(given)
        else:
            ledger = Ledger() if given is None else given
            schema = declared_only(schema)
        curator = Curator(budget, ledger, people=people, records=len(frame), unit=unit)
        if run is not None:
            curator.units = run.units(curator.units, public=budget.n_public)
        else:
            ledger.add("column names, kinds and order", "public", public=_HOLDER)
            if budget.n_public:
                ledger.add(
                    f"the number of {unit}s to learn from",
                    "public",
                    parameters={"units": curator.units},
                    public="the data holder, by training under a budget with n_public",
                )
            schema = learn_domains(frame, schema, curator, shares=self.draws_labels)
        frame = fitted_into(frame, schema)
        history = self._fitted_anew(frame, schema, ledger, Paying(budget, curator, run), beside)
        self.history_ = History(steps=history.steps)
        self.schema_, self.ledger_, self.rows_ = schema, ledger.copy(), round(curator.units)
        self.fingerprint_ = None

    def _fitted_anew(
        self, frame: pd.DataFrame, schema: Schema, ledger: Ledger, paying: Paying | None, beside: Beside
    ) -> History:
        # Until the run is over the model counts as unfitted: no half-trained weights ever go with an older ledger.
        self.__dict__.pop("ledger_", None)
        return self._fit(frame, schema, ledger, paying, beside)

    @final
    def sample(self, n: int, *, seed: int = 0, conditions: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Draw new records.

        Args:
            n: How many, at least 1.
            seed: Same seed, same records; from 0 to 2**63 - 1.
            conditions: Values that columns must have, {column: value}. Records that do not have them are drawn again.

        Returns:
            A canonical frame with the schema's columns; identifiers are fresh serial numbers.

        Raises:
            InputError: n or the seed is out of range, a condition names an unknown column or value, or hardly ever
                comes true.
        """
        self._require_fitted()
        if n < 1:
            raise InputError(f"n is {n}, expected at least 1 record")
        if not 0 <= seed < 2**63:
            raise InputError(f"seed is {seed}, expected 0 to 2**63 - 1")
        wanted = Conditions(self.schema_, conditions or {})
        generator = torch.Generator().manual_seed(seed)
        found: list[pd.DataFrame] = []
        have = drawn = 0
        while have < n:
            share = max(have, 1) / drawn if drawn else 1.0
            size = min(_CHUNK, math.ceil((n - have) / share * 1.1) if conditions else n - have)
            frame = wanted.kept(self._sample(size, generator, wanted.values))
            drawn += size
            have += len(frame)
            found.append(frame)
            wanted.give_up_if_hopeless(have, drawn)
        frame = pd.concat(found, ignore_index=True).iloc[:n]
        serial = pd.Series([str(number) for number in range(1, n + 1)], dtype=object)
        return frame.assign(**{column.name: serial for column in self.schema_.columns if column.kind == "identifier"})

    @final
    def save(self, path: str | Path) -> None:
        """Save as a folder: ledger first, then weights, then the description; no pickle.

        Raises:
            InputError: The place is taken by something else, or cannot be written.
        """
        self._require_fitted()
        state, weights = self._state()
        description = {
            "kind": self.kind,
            "modality": self.modality,
            "parameters": self.get_params(),
            "packages": {name: _version(name) for name in ("genassay", "torch", "opacus", "numpy", "pandas")},
            "schema": self.schema_.to_dict(),
            "state": state,
            "history": self.history_.to_dict(),
            "train": {"sha256": self.fingerprint_, "rows": self.rows_},
        }
        save_folder(Path(path), description, self.ledger_, weights)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a saved generator of this kind; `load_generator` loads any kind.

        Raises:
            InputError: The folder is no saved generator of this kind, or is damaged.
        """
        description, ledger, weights = load_folder(Path(path))
        if description["kind"] != cls.kind:
            raise InputError(f"{path}: holds a {description['kind']}, not a {cls.kind}; use load_generator")
        try:
            model = cls(**description["parameters"])
        except (InputError, KeyError, TypeError) as error:
            raise InputError(f"{path}/model.json: {error}") from error
        try:
            model.schema_ = Schema.from_dict(description["schema"], source=f"{path}/model.json", saved=True)
            model.ledger_ = ledger
            model.rows_ = int(description["train"]["rows"])
            model.fingerprint_ = description["train"]["sha256"]
            model.history_ = History.from_dict(description["history"])
            model._restore(description["state"], weights)
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(
                f"{path}: is damaged ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            ) from error
        return model

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the names of the hyper-parameters, in the constructor's order."""
        return tuple(one.name for one in fields(cls) if one.init)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters as JSON-ready data; `deep` is for scikit-learn and changes nothing."""
        del deep
        return {name: getattr(self, name) for name in self.parameter_names()}

    def set_params(self, **parameters: Any) -> Self:
        """Change hyper-parameters; what was fitted with the old ones counts as unfitted.

        Raises:
            InputError: One is unknown, or not what it may be; then none is changed.
        """
        checked = type(self)(**{**self.get_params(), **parameters})
        for name in parameters:
            setattr(self, name, getattr(checked, name))
        if parameters:
            self.__dict__.pop("ledger_", None)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    @abstractmethod
    def _fit(
        self, frame: pd.DataFrame, schema: Schema, ledger: Ledger, paying: Paying | None, beside: Beside
    ) -> History:
        """Learn from a canonical frame and write every touch of it into the ledger, before it happens.

        With `paying`, everything that is learnt is paid for through its curator, and nothing else may be learnt.

        The global torch generator is seeded with the public `seed`; the caller restores it. Under a budget it may
        decide initial weights and nothing else: `train_privately` replaces it while records are in play.
        """

    @abstractmethod
    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        """Draw n records; all randomness comes from the generator.

        Args:
            n: How many.
            generator: On the CPU, whatever the device.
            conditions: {column: canonical value}. A family may steer towards them or ignore them: records that do not
                meet them are dropped by the caller, who then asks for more.
        """

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return JSON-ready state and weights for saving."""

    @abstractmethod
    def _restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        """Take saved state and weights; `schema_` is set already."""

    def _require_fitted(self) -> None:
        if not hasattr(self, "ledger_"):
            raise InputError(f"this {self.kind} is not fitted; call fit(dataset) first")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
