"""What is not noise must not differ: two neighbouring data sets, and everything that a trainer makes of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file

from audit.checks import Check, Measured, NotApplicableError, Subject, register
from audit.checks.check import Examined
from audit.checks.gate import control
from audit.checks.retrained import asked_model, published_domains
from audit.dp.rerunning import audited_budget
from audit.statistics import Interval
from generators import Column, Dataset, Generator, PrivacyBudget, Schema
from generators.datasets.columns import LEVEL_KINDS, RANGE_KINDS
from generators.encoding.private_domains import fitted_into
from reports import Controls, Gate, Status, Table

SAMPLED = 500
REPEATS = 3
"""Fits on each of the two data sets: what differs between fits on the same one is noise."""

_PERSONAL = ("weights_sha256", "ledger_head", "created", "hash", "previous", "time")
"""Names of entries that are new in every fit, whatever the data."""


@register
class Preprocessing(Check):
    """Does anything but noisy gradients tell whether one extreme record was there?

    Data sets of equal size differ in one record: in one of them it is like all others, in another it stands at the
    highest end of every range and has the rarest categories, in a third at the lowest end. The target's kind is fitted
    on each several times, under the target's budget with its domains public, for a single pass, and all that is saved
    beside the weights' values - encoders, categories, schema, ledger, history, names and shapes of weights - is
    compared, and whether samples leave the domains. What differs between data sets but never between fits on the same
    one was read from the record without noise, which no epsilon allows.

    Estimate: `differences`, how many entries tell the two apart. It is a count, not a sample: its interval is itself.

    Source: Annamalai, Ganev and De Cristofaro, "What do you want from theory alone?" (USENIX Security 2024); Ganev et
    al., "The importance of being discrete" (arXiv 2504.06923), on bounds and bins that are learnt from the data.
    """

    id = "dp.preprocessing"
    title = "What is read without noise"
    question = "Do encoders, categories or saved files tell whether one extreme record was trained on?"
    source = "Annamalai et al. (USENIX Security 2024); Ganev et al. (arXiv 2504.06923)"
    access = "white-box"
    modalities = ("tabular",)
    knowledge = "has the saved model and knows all other records; speaks of the trainer as re-run"
    remedy = "Declare the domains that differ public, or pay for them from the budget, and train again."
    measures = ("differences",)
    costly = "trains the target's kind anew, a few times for one pass"

    def unfit(self, subject: Subject) -> str | None:
        """There must be a model to train again, and a claim."""
        if subject.target.model is None:
            return "needs the generator, to train its kind again"
        if subject.target.privacy.claim is None:
            return "no differential privacy is claimed, so there is no claim to examine"
        return None

    def _examine(self, subject: Subject) -> Examined:
        target = asked_model(subject.target)
        frame = fitted_into(subject.dataset.train, target.schema_)
        frames = neighbours(frame, target.schema_)
        seed = int(self.rng(subject, "model").integers(2**31))
        declared = replace(subject.dataset, schema=published_domains(target.schema_))
        found = _differences(target, declared, frames, audited_budget(target), seed)
        learning = replace(subject.dataset, schema=_undeclared(target.schema_))
        planted = _differences(target, learning, frames, None, seed)
        confidence = subject.policy.confidence_verdict
        status, why = _verdict(found, planted)
        shown = subject.policy.confidence_shown
        return Examined(
            measured=[_count(found)],
            why=f"{why}.",
            gates=[
                Gate(
                    finding=self.id,
                    estimate="differences",
                    limit=0.0,
                    status=status,
                    low=len(found),
                    high=len(found),
                    confidence=confidence,
                    reason="nothing that is read without noise may depend on a single record",
                    why=why,
                )
            ],
            controls=Controls(
                positive=control(
                    "detected" if planted else "missed",
                    [_count(planted)],
                    shown,
                    "the same kind without a budget, which learns its domains from the records",
                )
            ),
            tables=[_table(found)] if found else [],
        )


def neighbours(frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return three frames that differ in their first record: a plain one, one with a highest and one with a lowest.

    In the plain frame nobody stands beyond the middle eight tenths of a range, at either end of ordered levels, or has
    a column's rarest category. The extreme records stand at the ends that the column has, and have that category.
    """
    plain = frame.reset_index(drop=True).copy()
    highest: dict[str, Any] = {}
    lowest: dict[str, Any] = {}
    for column in schema.modelled:
        cells = plain[column.name]
        if column.kind in RANGE_KINDS and cells.notna().any():
            low, high = (cells.quantile(share, interpolation="nearest") for share in (0.1, 0.9))
            lowest[column.name], highest[column.name] = cells.min(), cells.max()
            plain[column.name] = cells.mask(cells < low, low).mask(cells > high, high)
        elif column.kind in LEVEL_KINDS and cells.nunique() > 1:
            counts = cells.value_counts()
            ends = (cells.min(), cells.max()) if column.kind == "ordinal" else (counts.index[-1], counts.index[-1])
            usual = next((level for level in counts.index if level not in ends), counts.index[0])
            lowest[column.name], highest[column.name] = ends
            plain[column.name] = cells.mask(cells.isin([end for end in ends if end != usual]), usual)
    if not highest:
        raise NotApplicableError("no column has a range or levels in which a record could be extreme")
    return plain, _with_first(plain, highest), _with_first(plain, lowest)


def _with_first(frame: pd.DataFrame, record: dict[str, Any]) -> pd.DataFrame:
    changed = frame.copy()
    for name, value in record.items():
        changed.loc[0, name] = value
    return changed


def entries(model: Generator) -> dict[str, str]:
    """Everything that a saved model says beside the values of its weights, and where its samples lie, by name."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        for file in sorted(path.iterdir()):
            found[f"{file.name}: bytes"] = str(file.stat().st_size) if file.suffix == ".safetensors" else "text"
            if file.suffix == ".json":
                found |= dict(_leaves(json.loads(file.read_text(encoding="utf-8")), file.name))
            elif file.suffix == ".safetensors":
                for name, weight in load_file(file).items():
                    found[f"{file.name}: shape of {name}"] = f"{tuple(weight.shape)} {weight.dtype}"
    sample = model.sample(SAMPLED)
    for column in model.schema_.modelled:
        found[f"samples of {column.name}: beyond the domain"] = str(_beyond(sample[column.name].dropna(), column))
    return found


def _beyond(cells: pd.Series[Any], column: Column) -> bool:
    """Whether any cell lies outside a column's domain."""
    if column.levels is not None:
        return not set(cells) <= set(column.levels)
    if column.kind not in RANGE_KINDS or column.kind == "datetime" or column.low is None or column.high is None:
        return False
    return bool((cells < column.low).any() or (cells > column.high).any())


def _differences(
    target: Generator, dataset: Dataset, frames: tuple[pd.DataFrame, ...], budget: PrivacyBudget | None, seed: int
) -> list[str]:
    """Names of entries that always differ between two data sets, and never between fits on the same one."""
    brief = {"epochs": 1} if "epochs" in target.parameter_names() else {}
    parameters: dict[str, Any] = {**target.get_params(), **brief, "seed": seed}
    seen = [
        [
            entries(type(target)(**parameters).fit(replace(dataset, parts={"train": frame}), budget, progress=False))
            for _ in range(REPEATS if budget is not None else 1)
        ]
        for frame in frames
    ]
    names = sorted({name for fits in seen for one in fits for name in one})
    return [name for name in names if _tells([{one.get(name) for one in fits} for fits in seen])]


def _tells(values: list[set[str | None]]) -> bool:
    """Whether an entry is the same in all fits on one data set, and another one on some other."""
    plain, *others = values
    return len(plain) == 1 and any(len(other) == 1 and other != plain for other in others)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _PERSONAL:
                yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path}: length", str(len(value))
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, repr(value)


def _undeclared(schema: Schema) -> Schema:
    """The schema with kinds alone, so that every domain is learnt from the records."""
    columns = (
        replace(one, low=None, high=None, levels=None, frequent=(), quantiles=(), shares=(), public=None, paid=False)
        if one.kind in (*RANGE_KINDS, *LEVEL_KINDS)
        else one
        for one in schema.columns
    )
    return replace(schema, columns=tuple(columns))


def _verdict(found: list[str], planted: list[str]) -> tuple[Status, str]:
    if found:
        return "fail", f"violated: {len(found)} entries of what is saved tell one record's presence without noise"
    if not planted:
        return "inconclusive", "nothing differs, but nor does it where domains are learnt without a budget"
    return "pass", (
        f"nothing that is saved tells one extreme record's presence; without a budget, {len(planted)} entries do"
    )


def _count(names: list[str]) -> Measured:
    count = float(len(names))
    return Measured(
        name="differences",
        value=count,
        n=3 * REPEATS,
        unit="entries that tell one record's presence (fits)",
        interval=lambda _: Interval(count, count),
        chance=0.0,
        bounds=(0.0, float("inf")),
    )


def _table(found: list[str]) -> Table:
    return Table(
        title="What tells one record's presence",
        description="Names of saved entries that always differ between two data sets with one record's difference; "
        "their values are not shown.",
        columns=["entry"],
        rows=[[name] for name in found[:50]],
    )
