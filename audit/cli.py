"""The `genassay` command."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from audit import default_policy, run_audit
from audit.auditing import Observer
from audit.checks import require_columns, select
from audit.claims import commands as claims
from audit.command import for_one_check, shown
from audit.console import announce, checking, err, out, warnings_in_one_line
from audit.frontier_command import commands as frontier
from audit.listing import LISTS, WIDTH, coverage
from audit.membership import check_keys, write_record_risk
from audit.modelling import commands as modelling
from audit.options import (
    OK,
    USAGE,
    AllowInconclusive,
    KeepModels,
    Output,
    RecordKeys,
    RecordRisk,
    Schema,
    Seed,
    Unit,
    Way,
    exit_code,
)
from audit.reporting import commands as reporting
from audit.results import default_folder, new_folder, write_results
from audit.suite import Suite, run_suite
from audit.targets import records_target
from generators import Dataset, InputError, load_generator, load_parts, read_like
from generators.datasets.files import require_free
from reports import PROFILES, Audit, DocumentError
from reports.formats import add_step_summary

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
app.add_typer(modelling)
app.add_typer(frontier)
app.add_typer(reporting)
app.add_typer(claims)

TargetColumn = Annotated[str | None, typer.Option(help="Column that models on this data should predict.")]
Checks = Annotated[str | None, typer.Option(help="Ids, families or patterns, separated by commas; default: all.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change one value, e.g. model.parameters.epochs=10.")]


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
    keep_models: KeepModels = None,
    record_risk: RecordRisk = False,
    record_keys: RecordKeys = None,
    allow_inconclusive: AllowInconclusive = False,
) -> int:
    """Train what a suite asks for, attack it, and write the audit."""
    plan = Suite.load(suite, set_, seed)
    if keep_models is not None:
        plan = plan.model_copy(update={"keep_models": str(keep_models)})
    if resume and output is None:
        raise InputError("--resume needs --output: the folder whose run was interrupted")
    check_keys(record_keys)
    folder = output or default_folder()
    with new_folder(folder, resume=resume) as beside, checking() as progress:
        audit = run_suite(
            plan,
            beside,
            command=shown(context.obj),
            again=for_one_check(context.obj),
            resume=resume,
            progress=progress,
            observe=_risks(record_risk, record_keys, beside),
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
    secret: Annotated[str | None, typer.Option(help="Column that an attacker wants to learn; default: each.")] = None,
    target: TargetColumn = None,
    unit: Unit = None,
    schema: Schema = None,
    release: Way = None,
    output: Output = None,
    seed: Seed = 0,
    keep_models: KeepModels = None,
    record_risk: RecordRisk = False,
    record_keys: RecordKeys = None,
    allow_inconclusive: AllowInconclusive = False,
) -> int:
    """Attack a generator, or a file of synthetic records from any tool, and write the audit."""
    if train_ is None or holdout is None:
        raise InputError("an audit needs --train (records the generator saw) and --holdout (records it did not see)")
    if (model is None) == (synthetic is None):
        raise InputError("give either MODEL_DIR (a generator trained here) or --synthetic FILE (records from any tool)")
    if release is not None and release not in PROFILES:
        raise InputError(f"--release {release}: choose {', '.join(PROFILES)}")
    wanted = checks.split(",") if checks is not None else None
    select(wanted)
    check_keys(record_keys)
    folder = output or default_folder()
    require_free(folder)
    data = load_parts(train_, holdout, reference, schema=schema, unit=unit, target=target, seed=seed)
    require_columns(data.schema, secret)
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
            secret=secret,
            release=release,
            keep=keep_models,
            progress=progress,
            observe=_risks(record_risk, record_keys, beside),
        )
        write_results(audit, beside)
    return _finish(audit, folder, allow_inconclusive)


@app.command("list")
def _list(
    what: Annotated[str, typer.Argument(help="generators, checks, datasets or frameworks")],
    format_: Annotated[str, typer.Option("--format", help="text, or markdown for checks")] = "text",
) -> int:
    """Show what there is."""
    if what not in LISTS:
        raise InputError(f"nothing is called {what!r}; choose {', '.join(LISTS)}")
    if format_ == "markdown" and what == "checks":
        sys.stdout.write(f"{coverage()}\n")
        return OK
    if format_ != "text":
        raise InputError(f"--format {format_}: {what} are listed as text" + (" or markdown" * (what == "checks")))
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


def _readable_target(path: Path, data: Dataset) -> Any:
    try:
        return records_target(read_like(path, data.schema, data.modality), data.modality)
    except InputError as error:
        message = str(error)
        raise InputError(message if str(path) in message else f"{path}: {message}") from None


def _risks(wanted: bool, keys: Path | None, folder: Path) -> Observer | None:
    """What writes the risk of each record, if that was asked for."""
    return partial(write_record_risk, folder=folder, keys=keys) if wanted or keys is not None else None


def _finish(audit: Audit, folder: Path, allow_inconclusive: bool) -> int:
    announce(audit, folder)
    add_step_summary(audit)
    return exit_code(audit, allow_inconclusive)


def _one_line(message: str) -> str:
    return " ".join(message.split())
