"""The commands that make models and say what they cost: train, plan, ledger, sample, compress."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.table import Table

from audit.budgets import BudgetSection
from audit.console import err, out
from audit.options import OK, Schema, Seed, Unit
from audit.suite import ModelSection, parse_change, train
from generators import (
    InputError,
    Modality,
    PrivacyBudget,
    load_dataset,
    load_generator,
    require_writable,
    write_records,
)
from generators.datasets.files import require_free
from generators.models.registry import family

if TYPE_CHECKING:
    from generators.training import Checkpoints

commands = typer.Typer()

Delta = Annotated[str, typer.Option(help="The budget's delta, well below 1 / records; auto follows from their number.")]
Preprocessing = Annotated[
    float, typer.Option(help="Share of the budget, to 0.5, for undeclared domains and how often values occur.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@commands.command("train")
def _train(
    kind: Annotated[str, typer.Argument(help="Kind of generator; see `genassay list generators`.")],
    data: Annotated[
        str,
        typer.Option(
            help="A built-in name; a table (CSV or Parquet); texts (.txt, .jsonl); images (a folder of PNG or JPEG, "
            ".npz, MNIST idx); recordings (a folder of WAV, .npz); or openml:NAME."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the model; must not exist.")],
    epsilon: Annotated[float | None, typer.Option(help="Privacy budget; without it, no privacy is promised.")] = None,
    delta: Delta = "auto",
    preprocessing: Preprocessing = 0.0,
    n_private: Annotated[bool, typer.Option(help="Pay for the number of records too; needs --preprocessing.")] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="File that several models on the same records are charged to; may be new.")
    ] = None,
    total_epsilon: Annotated[
        float | None, typer.Option(help="All that may ever be charged to a new --ledger; default: this run's epsilon.")
    ] = None,
    unit: Unit = None,
    schema: Schema = None,
    seed: Seed = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A hyper-parameter, e.g. epochs=10.")] = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Keep the state of training in OUTPUT.checkpoint every so many steps; protect it like the model.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(help="Go on from OUTPUT.checkpoint: to the same model, or under a budget to what it still pays."),
    ] = False,
) -> int:
    """Train a generator, privately if a budget is given, and save it with its ledger."""
    require_free(output)
    budget = None
    if epsilon is not None:
        budget = BudgetSection(
            epsilon=epsilon,
            delta=_delta(delta),
            n_public=not n_private,
            preprocessing=preprocessing,
            ledger=None if ledger is None else str(ledger),
            total_epsilon=total_epsilon,
        )
        budget.budget()
    elif delta != "auto" or preprocessing or n_private or ledger is not None or total_epsilon is not None:
        raise InputError(
            "--delta, --preprocessing, --n-private, --ledger and --total-epsilon belong to a budget: give --epsilon too"
        )
    section = ModelSection(kind=kind, parameters=_parameters(set_ or []), budget=budget)
    checkpoints = _checkpoints(kind, output, checkpoint_every, resume)
    whole = load_dataset(data, schema=schema, unit=unit)
    from generators.training.distributed import joined, leads  # brings torch

    try:
        with joined():
            if not leads():
                train(section, replace(whole, parts={"train": whole.records}), seed)
                return OK
            _print_notes(whole.notes)
            generator = train(section, replace(whole, parts={"train": whole.records}), seed, checkpoints)
    except KeyboardInterrupt:
        if checkpoints is None or not checkpoints.path.exists():
            raise
        raise InputError(f"interrupted; the same command with --resume goes on from {checkpoints.path}") from None
    generator.save(output)
    if checkpoints is not None:
        checkpoints.done()
    _print_notes(generator.history_.notes)
    out.print(generator.ledger_.statement(), markup=False)
    out.print(f"model: {output}", markup=False)
    return OK


@commands.command("plan")
def _plan(
    n: Annotated[int, typer.Option(min=1, help="Number of records, or of people.")],
    epsilon: Annotated[float, typer.Option(help="Privacy budget.")],
    delta: Delta = "auto",
    epochs: Annotated[float, typer.Option(help="How often each record is expected to be used.")] = 20,
    batch: Annotated[int, typer.Option(min=1, help="Expected records a step; at most a fourth of all.")] = 1024,
    clip: Annotated[float, typer.Option(help="Norm to which each record's gradient is clipped.")] = 1.0,
    parameters: Annotated[int, typer.Option(min=1, help="Number of the network's weights.")] = 100_000,
    preprocessing: Preprocessing = 0.0,
    as_json: AsJson = False,
) -> int:
    """Show the noise that a budget asks for, and what is left of a signal, before anything is spent."""
    from audit.planning import plan_of, plan_shown  # brings the accountant

    budget = PrivacyBudget(epsilon, _delta(delta), preprocessing=preprocessing)
    plan = plan_of(budget, units=n, epochs=epochs, batch_size=batch, clip=clip, parameters=parameters)
    if plan["plan"]["batch_size"] < batch and not as_json:
        _print_notes([f"a step takes at most a fourth of {n} records: {plan['plan']['batch_size']} instead of {batch}"])
    _print_parts(plan_shown(plan), plan, as_json)
    return OK


@commands.command("ledger")
def _ledger(
    path: Annotated[Path, typer.Argument(help="Folder of a trained generator, or a ledger file.")],
    as_json: AsJson = False,
) -> int:
    """Show what a generator read of its training data, what it cost, and what is promised."""
    from audit.ledgers import ledger_of, ledger_shown, ledger_summary  # brings the accountants

    ledger = ledger_of(path)
    summary = ledger_summary(ledger, str(path))
    _print_parts(ledger_shown(ledger, summary), summary, as_json)
    return OK


def _checkpoints(kind: str, output: Path, every: int | None, resume: bool) -> Checkpoints | None:
    if every is None and not resume:
        return None
    from generators.models import NeuralGenerator
    from generators.training import Checkpoints

    if not issubclass(family(kind), NeuralGenerator):
        raise InputError(f"{kind} is not trained in steps: it keeps no checkpoints to resume from")
    path = output.with_name(f"{output.name}.checkpoint")
    return Checkpoints(path, resume=resume) if every is None else Checkpoints(path, every, resume)


@commands.command("sample")
def _sample(
    model: Annotated[Path, typer.Argument(help="Folder of a trained generator.")],
    count: Annotated[int, typer.Option("-n", help="How many records.", min=1)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Tables: .csv, .tsv or .parquet. Images: a new folder of PNG files, .npz, or .png for a grid to look "
            "at. Texts: .txt or .jsonl. Recordings: a new folder of WAV files, or .npz.",
        ),
    ],
    seed: Seed = 0,
    where: Annotated[
        list[str] | None, typer.Option(help="Only records with column=value; may be repeated for other columns.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists; a folder never is.")] = False,
) -> int:
    """Draw synthetic records from a trained generator."""
    conditions = _conditions(where or [])
    generator = load_generator(model)
    modality = cast(Modality, generator.modality)
    require_writable(output, modality, count, generator.schema_)
    if output.exists() and not output.is_dir() and not force:
        raise InputError(f"{output}: already exists; choose another name, or add --force to replace it")
    frame = generator.sample(count, seed=seed, conditions=conditions or None)
    _print_notes(write_records(frame, output, generator.schema_, modality))
    out.print(f"{count} records: {output}", markup=False)
    return OK


def _conditions(where: list[str]) -> dict[str, str]:
    conditions: dict[str, str] = {}
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise InputError(f"--where {condition}: expected column=value")
        if column in conditions:
            raise InputError(f"--where {condition}: '{column}' is asked for twice; a record has one value of it")
        conditions[column] = value
    return conditions


@commands.command("compress")
def _compress(
    model: Annotated[Path, typer.Argument(help="Folder of a trained generator.")],
    method: Annotated[str, typer.Option(help="int8, or prune:SHARE such as prune:0.5.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the smaller model; must not exist.")],
) -> int:
    """Make a smaller copy of a trained generator, to be sampled and audited like any other."""
    require_free(output)
    from generators import compress  # brings torch

    compress(load_generator(model), method).save(output)
    before, after = (sum(file.stat().st_size for file in folder.iterdir()) for folder in (model, output))
    out.print(f"model: {output}, {after / 1e6:.2f} MB instead of {before / 1e6:.2f} MB", markup=False)
    return OK


def _delta(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--delta {text}: expected a number such as 1e-5, or auto") from None


def _print_parts(parts: Iterable[str | Table], data: Any, as_json: bool) -> None:
    if as_json:
        out.print(json.dumps(data, indent=2), markup=False, highlight=False)
        return
    for part in parts:
        if isinstance(part, str):
            out.print(part, markup=False, highlight=False)
        else:
            out.print(part)


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        err.print(f"note: {note}", markup=False)


def _parameters(changes: list[str]) -> dict[str, Any]:
    return dict(parse_change(change) for change in changes)
