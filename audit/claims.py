"""The command that examines a privacy claim: dp-audit."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from audit.auditing import run_audit
from audit.budgets import BudgetSection
from audit.command import shown
from audit.console import announce, checking
from audit.options import AllowInconclusive, Output, Schema, Seed, Unit, exit_code
from audit.results import default_folder, new_folder, write_results
from audit.suite import ModelSection, parse_change, train
from generators import Dataset, InputError, load_dataset
from generators.datasets.files import require_free

commands = typer.Typer()

METHODS = {
    "gaussian": ("dp.gaussian", "dp.preprocessing"),
    "one-run": ("dp.one-run", "dp.preprocessing"),
    "all": ("dp.gaussian", "dp.one-run", "dp.preprocessing"),
}


@commands.command("dp-audit")
def _dp_audit(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="Kind of generator; see `genassay list generators`.")],
    data: Annotated[str, typer.Option(help="A built-in name, a file or folder of records, or openml:NAME.")],
    epsilon: Annotated[float, typer.Option(help="The claim to examine.")],
    delta: Annotated[float, typer.Option(help="The claim's delta, such as 1e-5.")],
    method: Annotated[str, typer.Option(help="gaussian, one-run or all; see docs/empirical-epsilon.md.")] = "gaussian",
    preprocessing: Annotated[float, typer.Option(help="Share of the budget, to 0.5, for undeclared domains.")] = 0.0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A hyper-parameter, e.g. epochs=10.")] = None,
    unit: Unit = None,
    schema: Schema = None,
    output: Output = None,
    seed: Seed = 0,
    allow_inconclusive: AllowInconclusive = False,
) -> int:
    """Train under a budget and measure what the trainer really protects: consistent with its claim, or violated?"""
    if method not in METHODS:
        raise InputError(f"--method {method}: choose {', '.join(METHODS)}")
    folder = output or default_folder()
    require_free(folder)
    budget = BudgetSection(epsilon=epsilon, delta=delta, preprocessing=preprocessing)
    budget.budget()
    section = ModelSection(kind=kind, parameters=dict(parse_change(one) for one in set_ or []), budget=budget)
    parts = load_dataset(data, schema=schema, unit=unit).split(seed=seed)
    with new_folder(folder) as beside, checking() as progress:
        model = train(section, _only_train(parts), seed)
        audit = run_audit(
            model,
            parts,
            METHODS[method],
            seed=seed,
            name=f"{kind} on {parts.name}, epsilon {epsilon:g}",
            command=shown(context.obj),
            again=shown(context.obj),
            trained_here=True,
            progress=progress,
        )
        write_results(audit, beside)
    announce(audit, folder)
    return exit_code(audit, allow_inconclusive)


def _only_train(parts: Dataset) -> Dataset:
    """The training records, and no others within reach of the trainer."""
    return replace(parts, parts={"train": parts.train})
