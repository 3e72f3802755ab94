"""The model behind a case: the target, or for a control one of its kind, trained on what the control publishes.

An attack that asks the model needs controls that can be asked. Each is trained like the target, with its
hyper-parameters, on the records that the same control holds for attacks on published records: half of the reference
(nobody leaked), the same with leaked members among them, half of train (what the parts merely differ by).

The planted leak is taught by repetition: leaked members are repeated until they fill half of what the control's model
is trained on. That is a far plainer leak than a target shows that has seen everybody once, and findings say so: a
detected control shows that the attack works, and not that it would see a fainter leak of as many.

A target trained under a budget has controls trained under it, so that they are as blurred as it is. The planted leak
alone is trained without one: noise would take out the very leak that the attack must show it can find. Attacks that
compare with shadow models compare it with shadows that are trained without one, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from audit.checks.cases import Behind, Case
from audit.targets import Target
from generators import Dataset, Generator, InputError, PrivacyBudget, Schema
from generators.encoding.private_domains import fitted_into
from generators.models.ensemble import fit_many
from generators.privacy.budget import Unit

_AUDITOR = "the auditor, who trains as the target was trained, with the domains that the target publishes"


def model_behind(case: Case, target: Target, dataset: Dataset, seed: int) -> Behind:
    """Which model is asked in this case?

    Args:
        case: The target as it is (`main`), or a control.
        target: What is audited; it must hold its model.
        dataset: Whose columns the case's records have.
        seed: Source of the controls' initial weights and of the order of their records.

    Returns:
        The target's model for the main case, else a new one of its kind; and how often it saw each leaked record.
    """
    model = asked_model(target)
    if case.name == "main":
        return Behind(model)
    frame, copies = _training_records(case, len(dataset.train))
    control = [seed, zlib.crc32(case.name.encode())]
    found = trained_alike(
        target,
        replace(dataset, parts={"train": frame}),
        [np.arange(len(frame))],
        [int(np.random.default_rng(control).integers(2**31))],
        private=is_private(case),
    )[0]
    return Behind(found, copies)


def is_private(case: Case) -> bool:
    """Whether a case's model is trained under the target's budget, if it has one: all but those of planted leaks."""
    return case.leaked is None


def how_learnt(cases: Iterable[Case]) -> str:
    """What a reader must know of leaks that were planted into models, in a clause; empty where none was."""
    planted = [case for case in cases if case.leaked is not None and case.model is not None]
    if not planted:
        return ""
    copies, records = ([f(case) for case in planted] for f in (lambda one: one.copies, _trained_on))
    return (
        f"taught by repetition to models of the target's kind without a privacy budget, each leaked record standing "
        f"{_from_to(copies)} times among {_from_to(records)} training records: a plainer leak than that of a target "
        "that saw everybody once"
    )


def _trained_on(case: Case) -> int:
    return 0 if case.model is None else case.model.rows_


def _from_to(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def trained_alike(
    target: Target,
    pool: Dataset,
    members: Sequence[npt.NDArray[np.int64]],
    seeds: Sequence[int],
    *,
    private: bool = True,
) -> list[Generator]:
    """Train models as the target was trained: its kind, its hyper-parameters and, if it had one, its budget.

    Args:
        target: What is audited; it must hold its model.
        pool: A data set whose train part holds the records to choose from.
        members: For each model the row numbers that it is trained on.
        seeds: For each model its seed.
        private: Whether the models are trained under the target's budget, if it has one.
    """
    model = asked_model(target)
    budget = budget_of(model) if private else None
    if budget is not None:
        frame = fitted_into(pool.train, model.schema_)
        pool = replace(pool, schema=published_domains(model.schema_), parts={"train": frame})
    return fit_many(model, pool, members, seeds, budget)


def asked_model(target: Target) -> Generator:
    """Return the target's model."""
    if target.model is None:
        raise InputError("the target is a set of records: there is no model to ask")
    return target.model


def budget_of(model: Generator) -> PrivacyBudget | None:
    """Under which budget is a model of this kind to be trained so that its weights are as noisy as this one's?

    Domains that this model paid for are public to whoever holds it. So where DP-SGD made the weights, what they alone
    cost is the budget.
    """
    ledger = model.ledger_
    if ledger.spent is None or ledger.budget is None:
        return None
    epsilon, delta = ledger.spent
    weights = [entry.epsilon for entry in ledger if entry.mechanism == "dp-sgd" and entry.epsilon is not None]
    unit: Unit = "record" if ledger.budget.parameters["unit"] == "record" else "person"
    return PrivacyBudget(weights[0] if len(weights) == 1 else epsilon, delta, unit=unit)


def published_domains(schema: Schema) -> Schema:
    """The schema with every domain declared public, as whoever holds the model may."""
    return replace(
        schema, columns=tuple(replace(one, public=one.public or _AUDITOR, paid=False) for one in schema.columns)
    )


def _training_records(case: Case, size: int) -> tuple[pd.DataFrame, int]:
    """What a control's model is trained on, and how often each leaked record stands there.

    It is what the control publishes. Where members leaked, they and the others are each repeated until they fill half
    of as many records as the target saw: one copy among many is seldom learnt by heart; half of all records is, by
    whatever can learn by heart at all.
    """
    frame = case.frames.published
    if case.leaked is None:
        return frame.reset_index(drop=True), 1
    leaked = case.frames.members.iloc[case.leaked]
    others = frame.iloc[: len(frame) - len(leaked)]
    half = max(len(others), size // 2)
    copies = max(1, round(half / len(leaked)))
    return pd.concat([others.iloc[np.arange(half) % len(others)], *[leaked] * copies], ignore_index=True), copies
