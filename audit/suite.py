"""A suite: one YAML file that says what to train, what to attack and which limits to hold it against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.auditing import Observer, Progress, run_audit
from audit.budgets import BudgetSection, paid_from
from audit.checks import Policy, check_limits, default_policy, require_columns, select
from generators import (
    Dataset,
    Generator,
    InputError,
    create,
    load_dataset,
    load_generator,
    load_parts,
    read_like,
)
from reports import Audit, Release

if TYPE_CHECKING:
    from generators.training import Checkpoints

_PLAN = "plan.json"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitSection(_Section):
    """Shares of the records that go to each part; they sum to at most 1."""

    train: float = Field(gt=0, lt=1)
    holdout: float = Field(gt=0, lt=1)
    reference: float = Field(gt=0, lt=1)


class DataSection(_Section):
    """Where the real data come from: one `source` that is split, or files for the parts."""

    source: str | None = None
    train: str | None = None
    holdout: str | None = None
    reference: str | None = None
    data_schema: str | dict[str, Any] | None = Field(default=None, alias="schema")
    unit: str | None = None
    target: str | None = None
    split: SplitSection = SplitSection(train=0.5, holdout=0.25, reference=0.25)


class ModelSection(_Section):
    """Which generator to train, and how."""

    kind: str
    parameters: dict[str, Any] = {}
    budget: BudgetSection | None = None


class Suite(_Section):
    """A whole audit as configuration.

    Either `model` (train it, then audit it) or `synthetic` (audit a file of records) must be given. `secret` is the
    column that an attacker wants to learn, `known` the columns that they know of a person, `release` how the target is
    going to be released: `internal`, `synthetic-only`, `public-api` or `open-weights`. `keep_models` is a folder for
    shadow models, so that an interrupted audit goes on with them; it holds models of real records.
    """

    name: str = "audit"
    data: DataSection
    model: ModelSection | None = None
    synthetic: str | None = None
    checks: list[str] | None = None
    policy: dict[str, Any] = {}
    secret: str | None = None
    known: list[str] = []
    release: Release | None = None
    keep_models: str | None = None
    seed: int = Field(default=0, ge=0)

    @classmethod
    def load(cls, path: str | Path, changes: list[str] | None = None, seed: int | None = None) -> Suite:
        """Read a suite and apply `key=value` changes to it; whatever is wrong is one `InputError` naming the key."""
        path = Path(path)
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such suite; `genassay init {path}` writes one to start from") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark is not None else ""
            raise InputError(f"{path}: not valid YAML{where}") from None
        if not isinstance(raw, dict):
            raise InputError(f"{path}: a suite is a mapping with the keys name, data, model, checks, policy and seed")
        for change in changes or []:
            _change(raw, change)
        if seed is not None:
            raw["seed"] = seed
        try:
            suite = cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}: {'.'.join(map(str, first['loc'])) or 'suite'}: {first['msg']}") from None
        if (suite.model is None) == (suite.synthetic is None):
            raise InputError(f"{path}: give either model (to train one) or synthetic (a file of records)")
        check_limits(suite.limits(str(path)), str(path))
        select(suite.checks)
        return suite

    def limits(self, source: str = "suite") -> Policy:
        """The shipped policy with this suite's changes."""
        return default_policy().override(self.policy, source)

    def dataset(self) -> Dataset:
        """Read and split the data."""
        data = self.data
        if data.source is not None:
            shares = (data.split.train, data.split.holdout, data.split.reference)
            whole = load_dataset(data.source, schema=data.data_schema, unit=data.unit, target=data.target)
            return whole.split(seed=self.seed, shares=shares)
        if data.train is None or data.holdout is None:
            raise InputError("suite: data needs a source, or the files train and holdout")
        return load_parts(
            data.train,
            data.holdout,
            data.reference,
            schema=data.data_schema,
            unit=data.unit,
            target=data.target,
            seed=self.seed,
        )


def run_suite(
    suite: Suite,
    folder: Path,
    *,
    command: str = "",
    again: str = "",
    resume: bool = False,
    progress: Progress | None = None,
    observe: Observer | None = None,
) -> Audit:
    """Train what the suite asks for, audit it, and leave the model in `folder / "model"`.

    Args:
        suite: the configuration.
        folder: an existing folder; a trained model is saved in it before the first attack starts.
        command: the command that repeats this run, for the report.
        again: the command that repeats one check of it; see `run_audit`.
        resume: use the model that an interrupted run left in the folder instead of training again.
        progress: told of each check before it starts.
        observe: shown all that the checks have seen; see `run_audit`.
    """
    data = suite.dataset()
    require_columns(data.schema, suite.secret, suite.known)
    target: Any = None
    if suite.synthetic is not None:
        target = read_like(suite.synthetic, data.schema, data.modality)
    elif suite.model is not None:
        target = _model(suite.model, data, suite.seed, folder, resume)
    return run_audit(
        target,
        data,
        suite.checks,
        seed=suite.seed,
        policy=suite.limits(),
        name=suite.name,
        command=command,
        again=again,
        trained_here=suite.model is not None,  # or left by an interrupted run of the same plan
        secret=suite.secret,
        known=suite.known,
        release=suite.release,
        keep=None if suite.keep_models is None else Path(suite.keep_models),
        progress=progress,
        observe=observe,
    )


def _model(model: ModelSection, data: Dataset, seed: int, folder: Path, resume: bool) -> Generator:
    """Train, or take the model that an interrupted run left, if it is the one that this run would train."""
    saved, plan = folder / "model", folder / _PLAN
    wanted = {"model": model.model_dump(), "seed": seed, "train": data.fingerprint("train")}
    if resume and (saved / "model.json").exists():
        if not plan.exists() or json.loads(plan.read_text(encoding="utf-8")) != wanted:
            raise InputError(
                f"{saved}: was trained for another model section, seed or data than this suite's; remove {folder} to "
                "start anew"
            )
        return load_generator(saved)
    plan.write_text(json.dumps(wanted), encoding="utf-8")
    generator = train(model, data, seed)
    generator.save(saved)
    return generator


def train(model: ModelSection, data: Dataset, seed: int, checkpoints: Checkpoints | None = None) -> Generator:
    """Train one generator as a suite describes it, and keep the state of an unfinished run where asked to."""
    generator = create(model.kind, **{"seed": seed, **model.parameters})
    from generators.training.distributed import leads  # brings torch

    if model.budget is None:
        return generator.fit(data, checkpoints=checkpoints)
    if not leads():  # the first process pays
        return generator.fit(data, budget=model.budget.budget())
    with paid_from(model.budget, data) as (budget, ledger):
        return generator.fit(data, budget=budget, checkpoints=checkpoints, ledger=ledger)


def parse_change(change: str) -> tuple[str, Any]:
    """The key and the value of one `key=value`, the value read as YAML."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise InputError(f"--set {change}: expected key=value")
    try:
        return key, yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {change}: the value is not valid YAML") from None


def _change(raw: dict[str, Any], change: str) -> None:
    """Apply one `a.b.c=value`."""
    key, value = parse_change(change)
    *parents, last = key.split(".")
    place = raw
    for parent in parents:
        following = place.setdefault(parent, {})
        if not isinstance(following, dict):
            raise InputError(f"--set {change}: {parent} is a value, not a section")
        place = following
    place[last] = value
