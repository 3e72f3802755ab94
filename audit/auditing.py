"""Run checks on a target and put what they found into one `Audit`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from audit.checks import Policy, Subject, asked_for, default_policy, select, worst
from audit.provenance import provenance
from audit.targets import Target, model_target, records_target
from generators import Dataset, Generator, InputError
from reports import Audit, Finding, Gate, Release, judge
from reports.document import TargetDescription

Progress = Callable[[str, int, int], None]
"""Called before each check with its title, its number from 0, and how many there are."""

Observer = Callable[[Subject], None]
"""Called with all that the checks have seen, once they are done."""


def run_audit(
    target: Target | Generator | pd.DataFrame,
    dataset: Dataset,
    checks: Sequence[str] | None = None,
    *,
    seed: int = 0,
    policy: Policy | None = None,
    name: str | None = None,
    command: str = "",
    again: str = "",
    trained_here: bool = False,
    secret: str | None = None,
    known: Sequence[str] = (),
    keep: Path | None = None,
    release: Release | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
) -> Audit:
    """What can be learnt about the people behind this target, and what is it good for?

    Args:
        target: a trained generator (as many records are drawn from it as it was trained on), synthetic records in
            canonical form, or a `Target`.
        dataset: the real data, split into train (which the generator saw), holdout and reference.
        checks: ids, families or patterns, all of them by default; costly checks run only if their own id, or a pattern
            with a `*`, asks for them.
        seed: every number of the audit follows from it and from the target.
        policy: limits and amounts of work; the shipped policy by default.
        name: title of the audit.
        command: the command that repeats it, for the report.
        again: the command that repeats one check of it, with `{check}` in the check's place.
        trained_here: the caller trained the target on this very train part, so that no note need say otherwise.
        secret: the column that an attacker wants to learn; by default columns in turn.
        known: the columns that the attacker knows of a person; by default all but the secret.
        keep: a folder where shadow models are kept, so that an audit that was interrupted goes on with them.
        release: how the target is going to be released; the audit's status then speaks of the attackers whom that lets
            in (`reports.release`), and of every attacker by default.
        progress: told of each check before it starts.
        observe: shown the subject when all checks are done: for what may not stand in the document, such as
            `membership.write_record_risk`.

    Returns:
        The audit document; save it with `save`, show it with `reports.render_html`.

    Raises:
        InputError: the data is not split, the target is too small, no check or column has such a name, or `keep` is a
            file.

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("affairs").split(seed=0)
        >>> audit = run_audit(data.reference, data, checks=["fidelity.marginals"])  # real records as synthetic
        >>> audit.finding("fidelity.marginals").status
        'manual'
    """
    if keep is not None and keep.exists() and not keep.is_dir():
        raise InputError(f"{keep}: is no folder; give one to keep shadow models in")
    start = time.perf_counter()
    wanted = select(list(checks) if checks is not None else None)
    probed = _as_target(target, dataset, seed)
    asked = tuple(check.id for check in wanted if asked_for(check, checks)) if checks is not None else ()
    subject = Subject(
        probed,
        dataset,
        policy or default_policy(),
        seed,
        again,
        asked=asked,
        secret=secret,
        known=tuple(known),
        keep=keep,
    )
    findings: list[Finding] = []
    gates: list[Gate] = []
    for number, check in enumerate(wanted):
        if progress is not None:
            progress(check.title, number, len(wanted))
        finding, decided = check().run(subject) if asked_for(check, checks) else (check().unasked(subject), [])
        findings.append(finding)
        gates.extend(decided)
    if observe is not None:
        observe(subject)
    synthetic = replace(dataset, parts={"synthetic": probed.records})
    audit = Audit(
        name=name or f"{probed.kind} on {dataset.name}",
        status=worst([finding.status for finding in findings]),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - start, 3),
        provenance=provenance(dataset, seed, command, synthetic.fingerprint("synthetic"), len(probed.records)),
        target=TargetDescription(
            kind=probed.kind,
            access=probed.access,
            modality=probed.modality,
            parameters=probed.parameters,
            records=len(probed.records),
        ),
        privacy=probed.privacy,
        release=release,
        notes=[*dataset.notes, *_training_notes(probed, dataset, trained_here), *_sampling_notes(subject, findings)],
        findings=findings,
        gates=gates,
    )
    return audit.model_copy(update={"status": judge(audit).status}) if release else audit


def _as_target(target: Target | Generator | pd.DataFrame, dataset: Dataset, seed: int) -> Target:
    missing = [part for part in ("train", "holdout", "reference") if part not in dataset.parts]
    if missing:
        raise InputError(f"the dataset {dataset.name!r} has no {missing[0]} part: call .split() on it first")
    if not isinstance(target, pd.DataFrame) and target.modality != dataset.modality:
        raise InputError(
            f"the target makes {target.modality} records, but {dataset.name} holds {dataset.modality} ones"
        )
    if isinstance(target, Target):
        return target
    if isinstance(target, pd.DataFrame):
        return records_target(target, dataset.modality)
    return model_target(target, len(dataset.train), seed)


def _training_notes(target: Target, dataset: Dataset, trained_here: bool) -> list[str]:
    """Make sure that train is what the model was trained on, or say that nobody but who trained it can.

    An attack on the wrong members finds nothing, and would pass a model that leaks.
    """
    model = target.model
    if model is None:
        return []
    rows = len(dataset.train)
    if model.rows_ != rows:
        raise InputError(
            f"the model was trained on {model.rows_} records, but train holds {rows}: give the same records"
        )
    same_kinds = [(c.name, c.kind) for c in model.schema_.columns] == [(c.name, c.kind) for c in dataset.schema.columns]
    if model.fingerprint_ is None or not same_kinds:
        if trained_here:
            return []
        return ["That the train part is what the model was trained on could not be verified: only its size agrees."]
    if model.fingerprint_ != dataset.fingerprint("train"):
        raise InputError(
            "the train part is not what the model was trained on: its fingerprint differs from the model's"
        )
    return []


def _sampling_notes(subject: Subject, findings: Sequence[Finding]) -> list[str]:
    """Say where an attack looked at fewer records than there are."""
    if all(finding.status == "not-applicable" for finding in findings):
        return []
    notes, policy = [], subject.policy
    rows = {name: len(subject.dataset.parts[name]) for name in ("train", "holdout")}
    for name, count in rows.items():
        if count > policy.max_scored:
            notes.append(
                f"Membership attacks asked about a random {policy.max_scored:,} of the {count:,} {name} records; their "
                "intervals allow for it."
            )
    if len(subject.synthetic) > policy.max_synthetic:
        notes.append(
            f"Attacks looked at a random {policy.max_synthetic:,} of the {len(subject.synthetic):,} synthetic records: "
            "an attacker with all of them can do better."
        )
    return notes
