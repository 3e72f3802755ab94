"""The command that shows what privacy costs: `genassay frontier`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from audit.auditing import Progress
from audit.command import for_one_check, shown
from audit.console import checking, err, out
from audit.frontier import at_epsilon, parse_epsilons, run_frontier
from audit.options import OK
from audit.results import default_folder, write_results
from audit.suite import Suite
from generators.datasets.files import require_free

commands = typer.Typer()


@commands.command("frontier")
def _frontier(
    context: typer.Context,
    suite: Annotated[Path, typer.Argument(help="The suite's YAML; its budget lends everything but epsilon.")],
    epsilons: Annotated[str, typer.Option(help="Budgets, separated by commas; inf for none.")] = "0.5,1,3,10,inf",
    output: Annotated[Path | None, typer.Option(help="Folder for the results; default: a new dated one.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Overrides the suite's seed.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change one value of the suite.")] = None,
) -> int:
    """Train and audit one model a privacy budget, and show on one page what each budget buys and costs."""
    plan, wanted = Suite.load(suite, set_, seed), parse_epsilons(epsilons)
    for epsilon in wanted:
        at_epsilon(plan, epsilon)  # refuse before anything is trained
    folder = output or default_folder()
    require_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Every model and audit is left in its folder as soon as it is done: its budget is spent, whatever happens next.
    with ExitStack() as stack:

        def announced(epsilon: float) -> Progress:
            err.print(f"epsilon {epsilon:g}: training", markup=False)
            stack.close()
            return stack.enter_context(checking())

        audit = run_frontier(
            plan,
            wanted,
            folder,
            command=shown(context.obj),
            again=for_one_check(context.obj),
            progress=announced,
        )
    write_results(audit, folder)
    out.print(audit.findings[0].why, markup=False)
    out.print(f"report: {folder / 'report.html'}", markup=False)
    return OK
