"""The `genassay` command."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.table import Table

from audit import default_policy, run_audit
from audit.budgets import BudgetSection
from audit.checks import select
from audit.command import for_one_check, shown
from audit.console import announce, checking, err, out, warnings_in_one_line
from audit.listing import LISTS, WIDTH
from audit.results import default_folder, new_folder, write_results
from audit.suite import ModelSection, Suite, parse_change, run_suite, train
from audit.targets import records_target
from generators import (
    Dataset,
    InputError,
    Modality,
    PrivacyBudget,
    load_dataset,
    load_generator,
    load_parts,
    read_like,
    require_writable,
    write_records,
)
from generators.datasets.files import require_free
from generators.models.registry import family
from reports import Audit, DocumentError, render_html, verify_manifest

if TYPE_CHECKING:
    from generators.training import Checkpoints

OK, FAILED, USAGE, BROKE, UNDECIDED = 0, 1, 2, 3, 4

# Typer carries a copy of click or imports it, by version; what it raises for wrong usage is BadParameter's ancestor.
_UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_STARTER = Path(__file__).with_name("starter.yaml")

app = typer.Typer(
    name="genassay",
    help="Train generative models, attack them, measure them, and write audits that people can act on.",
    epilog="Exit codes: 0 every gate holds, 1 a gate fails, 2 usage or input error, 3 a check broke, 4 some gate is "
    "undecided, or no check applies (0 with --allow-inconclusive).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Output = Annotated[Path | None, typer.Option(help="Folder for the results; default: a new dated one under runs/.")]
Seed = Annotated[int, typer.Option(min=0, help="Every number of the audit follows from it; DP noise never does.")]
Schema = Annotated[Path | None, typer.Option(help="YAML that says what columns are, over what is inferred.")]
Unit = Annotated[str | None, typer.Option(help="Column that names the person a record belongs to.")]
TargetColumn = Annotated[str | None, typer.Option(help="Column that models on this data should predict.")]
Delta = Annotated[str, typer.Option(help="The budget's delta, well below 1 / records; auto follows from their number.")]
Preprocessing = Annotated[
    float, typer.Option(help="Share of the budget, to 0.5, for undeclared domains and how often values occur.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Checks = Annotated[str | None, typer.Option(help="Ids, families or patterns, separated by commas; default: all.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change one value, e.g. model.parameters.epochs=10.")]
AllowInconclusive = Annotated[bool, typer.Option(help="Exit with 0 although a gate could not be decided.")]


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code; errors of the user are one line on stderr.

    Example:
        >>> main(["list", "datasets"])  # doctest: +ELLIPSIS
        affairs...
        0
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        with warnings_in_one_line():
            code = app(arguments, standalone_mode=False, obj=arguments)
    except typer.Abort:
        return USAGE
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        hint = f"; see `{context.command_path} --help`" if context is not None else ""
        err.print(f"genassay: {_one_line(error.format_message())}{hint}", markup=False, style="red")
        return USAGE
    except (InputError, DocumentError) as error:
        err.print(f"genassay: {_one_line(str(error))}", markup=False, style="red")
        return USAGE
    except OSError as error:
        err.print(f"genassay: {error.filename or 'file'}: {error.strerror or error}", markup=False, style="red")
        return USAGE
    return int(code or OK)


def run() -> None:
    """Entry point of the installed `genassay` script."""
    raise SystemExit(main())


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option(help="Log what goes on, with the trace of checks that break.")] = False,
) -> None:
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
        logging.getLogger("matplotlib").setLevel(logging.INFO)


@app.command("run")
def _run(
    context: typer.Context,
    suite: Annotated[Path, typer.Argument(help="The suite's YAML; `genassay init` writes one.")],
    output: Output = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Overrides the suite's seed.")] = None,
    set_: Changes = None,
    resume: Annotated[bool, typer.Option(help="Go on with the model that an interrupted run has trained.")] = False,
    allow_inconclusive: AllowInconclusive = False,
) -> int:
    """Train what a suite asks for, attack it, and write the audit."""
    plan = Suite.load(suite, set_, seed)
    if resume and output is None:
        raise InputError("--resume needs --output: the folder whose run was interrupted")
    folder = output or default_folder()
    with new_folder(folder, resume=resume) as beside, checking() as progress:
        audit = run_suite(
            plan, beside, command=shown(context.obj), again=for_one_check(context.obj), resume=resume, progress=progress
        )
        write_results(audit, beside)
    return _finish(audit, folder, allow_inconclusive)


@app.command("audit")
def _audit(
    context: typer.Context,
    model: Annotated[
        Path | None, typer.Argument(help="Folder of a trained generator; leave out to audit records.")
    ] = None,
    train_: Annotated[Path | None, typer.Option("--train", help="Records that the generator was trained on.")] = None,
    holdout: Annotated[Path | None, typer.Option(help="Records of the same population that it has not seen.")] = None,
    synthetic: Annotated[Path | None, typer.Option(help="Synthetic records, from any tool.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="What an attacker may know; default: half of the holdout.")
    ] = None,
    checks: Checks = None,
    target: TargetColumn = None,
    unit: Unit = None,
    schema: Schema = None,
    output: Output = None,
    seed: Seed = 0,
    allow_inconclusive: AllowInconclusive = False,
) -> int:
    """Attack a generator, or a file of synthetic records from any tool, and write the audit."""
    if train_ is None or holdout is None:
        raise InputError("an audit needs --train (records the generator saw) and --holdout (records it did not see)")
    if (model is None) == (synthetic is None):
        raise InputError("give either MODEL_DIR (a generator trained here) or --synthetic FILE (records from any tool)")
    wanted = checks.split(",") if checks is not None else None
    select(wanted)
    folder = output or default_folder()
    require_free(folder)
    data = load_parts(train_, holdout, reference, schema=schema, unit=unit, target=target, seed=seed)
    probed: Any
    if synthetic is not None:
        probed = _readable_target(synthetic, data)
    elif model is not None:
        probed = load_generator(model)
    with new_folder(folder) as beside, checking() as progress:
        audit = run_audit(
            probed,
            data,
            wanted,
            seed=seed,
            policy=default_policy(),
            name=(synthetic or model or Path("audit")).name,
            command=shown(context.obj),
            again=for_one_check(context.obj),
            progress=progress,
        )
        write_results(audit, beside)
    return _finish(audit, folder, allow_inconclusive)


@app.command("train")
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


@app.command("plan")
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


@app.command("ledger")
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


@app.command("sample")
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


@app.command("report")
def _report(
    folder: Annotated[Path, typer.Argument(help="Folder of an audit.")],
    format_: Annotated[str, typer.Option("--format", help="html")] = "html",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: report.html in the folder.")] = None,
) -> int:
    """Render an audit again from its audit.json."""
    if format_ != "html":
        raise InputError(f"--format {format_}: this version writes html")
    path = output or folder / "report.html"
    render_html(Audit.load(folder), path)
    out.print(f"report: {path}", markup=False)
    return OK


@app.command("verify")
def _verify(folder: Annotated[Path, typer.Argument(help="Folder of an audit.")]) -> int:
    """Compare an audit's files with the fingerprints in its manifest."""
    Audit.load(folder)
    differences = verify_manifest(folder)
    for difference in differences:
        err.print(difference, markup=False, style="red")
    if differences:
        return FAILED
    out.print(f"{folder}: every file is as it was written", markup=False)
    return OK


@app.command("list")
def _list(what: Annotated[str, typer.Argument(help="generators, checks or datasets")]) -> int:
    """Show what there is."""
    if what not in LISTS:
        raise InputError(f"nothing is called {what!r}; choose {', '.join(LISTS)}")
    for number, table in enumerate(LISTS[what]()):
        out.print(*([""] if number else []), table, sep="\n", width=WIDTH)
    return OK


@app.command("init")
def _init(path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("suite.yaml")) -> int:
    """Write a commented suite to start from."""
    if path.exists():
        raise InputError(f"{path}: already exists; choose another name")
    path.write_text(_STARTER.read_text(encoding="utf-8"), encoding="utf-8")
    out.print(f"suite: {path}\nnext: genassay run {path}", markup=False)
    return OK


@app.command("compress")
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


def _readable_target(path: Path, data: Dataset) -> Any:
    try:
        return records_target(read_like(path, data.schema, data.modality), data.modality)
    except InputError as error:
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from None


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


def _finish(audit: Audit, folder: Path, allow_inconclusive: bool) -> int:
    announce(audit, folder)
    return exit_code(audit, allow_inconclusive)


def exit_code(audit: Audit, allow_inconclusive: bool = False) -> int:
    """The process's answer: 3 if a check broke, else 1 if a gate fails, else 4 if one could not be decided, else 0.

    An audit to which no check applies has decided nothing either.
    """
    if any(finding.status == "error" for finding in audit.findings):
        return BROKE
    if any(gate.status == "fail" for gate in audit.gates):
        return FAILED
    statuses = [*(gate.status for gate in audit.gates), *(finding.status for finding in audit.findings)]
    # An audit to which no check applies knows nothing: in a pipeline that must not look like a pass.
    unanswered = all(status == "not-applicable" for status in statuses)
    if ("inconclusive" in statuses or unanswered) and not allow_inconclusive:
        return UNDECIDED
    return OK


def _one_line(message: str) -> str:
    return " ".join(message.split())
