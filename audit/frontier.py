"""What privacy costs: one suite at several budgets, each trained and audited, and all of them on one page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit.auditing import Progress
from audit.budgets import BudgetSection
from audit.results import write_results
from audit.suite import Suite, run_suite
from generators import InputError
from reports import Audit, Estimate, Figure, Finding, Table, ThreatModel
from reports.document import Privacy, TargetDescription

LEAKS = (
    ("membership.combined", "auc"),
    ("membership.distance", "auc"),
    ("membership.density-ratio", "auc"),
    ("fairness.exposure", "exposure"),
)
"""Where the leak is read, the first that was measured; each is .5 where nothing leaks."""

USES = (
    ("utility.train-synthetic-test-real", "auc_synthetic"),
    ("utility.train-synthetic-test-real", "r2_synthetic"),
    ("fidelity.precision-recall", "coverage"),
)
"""Where the use is read, the first that was measured; more is better."""

DISTANCES = (
    ("fidelity.marginals", "mean_distance"),
    ("fidelity.kernel-distance", "squared_kernel_distance"),
    ("fairness.representation", "worst_representation"),
    ("fairness.likeness", "worst_squared_mmd"),
    ("fairness.usefulness", "worst_excess_error"),
    ("fairness.exposure", "worst_exposure"),
)
"""What else is shown beside one another, where it was measured: the same number at every budget."""


@dataclass(frozen=True)
class Step:
    """One budget and the audit of the model that was trained under it.

    Attributes:
        epsilon: the budget; infinite for a model without a promise.
        audit: what was found.
        folder: name of the folder that holds the audit and the model.
    """

    epsilon: float
    audit: Audit
    folder: str

    @property
    def label(self) -> str:
        """The budget in words."""
        return "no budget" if math.isinf(self.epsilon) else f"epsilon {self.epsilon:g}"

    def estimate(self, finding: str, name: str) -> Estimate | None:
        """One estimate, if it was made."""
        for found in self.audit.findings:
            if found.id == finding:
                return next((one for one in found.estimates if one.name == name), None)
        return None


def parse_epsilons(text: str) -> list[float]:
    """The budgets of `0.5,1,3,inf`, from the smallest to the largest.

    Raises:
        InputError: something is no number above 0, or stands there twice.

    Example:
        >>> parse_epsilons("3,inf,0.5")
        [0.5, 3.0, inf]
    """
    found = []
    for part in text.split(","):
        try:
            found.append(float(part))
        except ValueError:
            raise InputError(f"--epsilons {text}: {part!r} is no number; give some like 0.5,1,3,inf") from None
    if not all(epsilon > 0 for epsilon in found) or len(set(found)) != len(found):
        raise InputError(f"--epsilons {text}: budgets are numbers above 0 (inf for none), each given once")
    return sorted(found)


def at_epsilon(suite: Suite, epsilon: float) -> Suite:
    """The suite with another budget; with none at all for an infinite one.

    Raises:
        InputError: the suite audits a file of records, which no budget changes, or charges a shared ledger.
    """
    if suite.model is None:
        raise InputError("a frontier trains models: the suite must have a model section, not a file of records")
    given = suite.model.budget
    if given is not None and given.ledger is not None:
        raise InputError("a frontier trains several models: take the shared ledger out of model.budget")
    budget = None
    if not math.isinf(epsilon):
        budget = given.model_copy(update={"epsilon": epsilon}) if given is not None else BudgetSection(epsilon=epsilon)
    model = suite.model.model_copy(update={"budget": budget})
    return suite.model_copy(update={"model": model, "name": f"{suite.name}, {_words(epsilon)}"})


def run_frontier(
    suite: Suite,
    epsilons: Sequence[float],
    folder: Path,
    *,
    command: str = "",
    again: str = "",
    progress: Callable[[float], Progress | None] | None = None,
) -> Audit:
    """Train and audit one model a budget, leave each in a folder of its own, and put them on one page.

    Args:
        suite: what is trained and asked; its own budget lends everything but epsilon.
        epsilons: the budgets, infinite for none.
        folder: an existing folder.
        command: the command that repeats all of it, for the report.
        again: the command that repeats one check of one model.
        progress: told of each budget before it starts; returns what is told of each check.

    Returns:
        A document with one finding, whose figure is the frontier and whose tables show every budget, the subgroups side
        by side, and what a smaller budget would do to each gate that fails.

    Raises:
        InputError: see `at_epsilon`.
    """
    start = time.perf_counter()
    steps = []
    for epsilon in epsilons:
        place = folder / _folder(epsilon)
        place.mkdir()
        audit = run_suite(
            at_epsilon(suite, epsilon),
            place,
            command=command,
            again=again,
            progress=progress(epsilon) if progress is not None else None,
        )
        write_results(audit, place)
        steps.append(Step(epsilon, audit, place.name))
    return summary(suite.name, steps, time.perf_counter() - start)


def summary(name: str, steps: Sequence[Step], seconds: float = 0.0) -> Audit:
    """One document about several audits of the same data; see `run_frontier`."""
    first = steps[0].audit
    leak, use = _first_measured(steps, LEAKS), _first_measured(steps, USES)
    figures = [_figure(steps, leak, use)] if leak is not None and use is not None else []
    tables = [_overview(steps, [*((leak,) if leak else ()), *((use,) if use else ()), *DISTANCES])]
    for table in (_subgroups(steps), _remedies(steps)):
        if table is not None:
            tables.append(table)
    finding = Finding(
        id="frontier.privacy-utility",
        family="frontier",
        title="What privacy costs",
        question="How do leak, use and fairness change with the privacy budget?",
        threat_model=ThreatModel(access="white-box", knowledge="as in the audit of each model"),
        source="one model and one audit a budget, on the same data, with the same seed",
        status="manual",
        why=_answer(steps, leak, use),
        estimates=[],
        figures=figures,
        tables=tables,
        remedy="Choose the largest budget at which no gate fails; the audits of each model stand in their own folders.",
        seconds=round(seconds, 3),
    )
    return Audit(
        name=f"{name}: frontier",
        status="manual",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        provenance=first.provenance,
        target=TargetDescription(
            kind=first.target.kind,
            access=first.target.access,
            modality=first.target.modality,
            parameters={"epsilons": [step.label for step in steps]},
            records=first.target.records,
        ),
        privacy=Privacy(
            claim=None,
            ledger=[],
            statement="Several models were trained on the same records, each under a budget of its own. Publishing "
            "more than one of them spends the sum of their budgets.",
        ),
        notes=[f"{step.label}: see {step.folder}/report.html" for step in steps],
        findings=[finding],
        gates=[],
    )


def _first_measured(steps: Sequence[Step], wanted: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    return next((one for one in wanted if all(step.estimate(*one) is not None for step in steps)), None)


def _figure(steps: Sequence[Step], leak: tuple[str, str], use: tuple[str, str]) -> Figure:
    points = []
    for step in steps:
        x, y = step.estimate(*leak), step.estimate(*use)
        if x is not None and y is not None:
            point = {"x": x.value, "x_low": x.low, "x_high": x.high, "y": y.value, "y_low": y.low, "y_high": y.high}
            points.append({"label": step.label, **point})
    return Figure(
        kind="frontier",
        title="Privacy against utility",
        description="Each point is one model with its 95% intervals; up and to the left is better.",
        data={"points": points, "x_unit": f"leak: {leak[1]}, {leak[0]}", "y_unit": f"use: {use[1]}"},
    )


def _overview(steps: Sequence[Step], wanted: Sequence[tuple[str, str]]) -> Table:
    """Every number that all audits have, one row a budget."""
    shown = [one for one in dict.fromkeys(wanted) if any(step.estimate(*one) is not None for step in steps)]
    rows: list[list[str | int | float | None]] = []
    for step in steps:
        failing = sum(gate.status == "fail" for gate in step.audit.gates)
        cells = [_with_interval(step.estimate(*one)) for one in shown]
        rows.append([step.label, step.audit.status, failing, *cells])
    return Table(
        title="Every budget",
        description="Values with 95% intervals.",
        columns=["budget", "status", "gates that fail", *(f"{name} ({finding})" for finding, name in shown)],
        rows=rows,
    )


def _subgroups(steps: Sequence[Step]) -> Table | None:
    """The subgroups of every fairness check side by side."""
    rows: list[list[str | int | float | None]] = []
    for check in dict.fromkeys(finding.id for step in steps for finding in step.audit.findings):
        if not check.startswith("fairness."):
            continue
        by_step = [_by_group(step, check) for step in steps]
        for group in dict.fromkeys(name for groups in by_step for name in groups):
            rows.append([check, group, *(groups.get(group) for groups in by_step)])
    if not rows:
        return None
    return Table(
        title="Subgroups at every budget",
        description="Value with its 95% interval; small groups are suppressed.",
        columns=["check", "subgroup", *(step.label for step in steps)],
        rows=rows,
    )


def _by_group(step: Step, check: str) -> dict[str, str]:
    finding = next((one for one in step.audit.findings if one.id == check), None)
    if finding is None or not finding.tables:
        return {}
    return {str(row[0]): str(row[2]) for row in finding.tables[0].rows}


def _remedies(steps: Sequence[Step]) -> Table | None:
    """For each gate that fails somewhere, the largest smaller budget at which it does not, and what that costs."""
    use = _first_measured(steps, USES)
    rows: list[list[str | int | float | None]] = []
    for number, step in enumerate(steps):
        for gate in step.audit.gates:
            if gate.status != "fail":
                continue
            smaller = [other for other in steps[:number] if not _fails(other, gate.finding, gate.estimate)]
            now, name = _with_interval(step.estimate(gate.finding, gate.estimate)), f"{gate.finding} {gate.estimate}"
            if not smaller:
                rows.append(
                    [step.label, f"{gate.finding} {gate.estimate}", now, "no smaller budget tried helps", "", ""]
                )
                continue
            chosen = smaller[-1]
            then = _with_interval(chosen.estimate(gate.finding, gate.estimate))
            cost = ""
            if use is not None:
                cost = f"{use[1]} {_with_interval(step.estimate(*use))} -> {_with_interval(chosen.estimate(*use))}"
            rows.append([step.label, name, now, f"train with {chosen.label}", then, cost])
    if not rows:
        return None
    return Table(
        title="What a smaller budget does to the gates that fail",
        description="Measured, not promised: each is one model, trained once.",
        columns=["budget", "gate", "value", "remedy", "value then", "what it costs"],
        rows=rows,
    )


def _fails(step: Step, finding: str, estimate: str) -> bool:
    return any(
        gate.status == "fail" for gate in step.audit.gates if (gate.finding, gate.estimate) == (finding, estimate)
    )


def _answer(steps: Sequence[Step], leak: tuple[str, str] | None, use: tuple[str, str] | None) -> str:
    good = [step for step in steps if not any(gate.status == "fail" for gate in step.audit.gates)]
    told = (
        f"The largest budget at which no gate fails is {good[-1].label}."
        if good
        else "A gate fails at every budget that was tried."
    )
    if leak is None or use is None:
        return f"{told} For a plot the suite needs a membership check and a utility check."
    low, high = steps[0], steps[-1]
    return (
        f"{told} From {low.label} to {high.label} the use ({use[1]}) goes from {_value(low, use):.3f} to "
        f"{_value(high, use):.3f}, the leak ({leak[1]} of {leak[0]}) from {_value(low, leak):.3f} to "
        f"{_value(high, leak):.3f}."
    )


def _value(step: Step, wanted: tuple[str, str]) -> float:
    estimate = step.estimate(*wanted)
    return estimate.value if estimate is not None else float("nan")


def _with_interval(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _words(epsilon: float) -> str:
    return "no budget" if math.isinf(epsilon) else f"epsilon {epsilon:g}"


def _folder(epsilon: float) -> str:
    return "no-budget" if math.isinf(epsilon) else f"epsilon-{epsilon:g}"
