"""The commands that read audits: report, compare, verify, sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.checks import all_checks
from audit.comparison import compare
from audit.console import err, out
from audit.options import FAILED, OK
from generators import InputError
from reports import FORMATS, Audit, load_framework, sign_manifest, verify_manifest, verify_signature, write_report
from reports.changes import comparison_markdown
from reports.formats import write_whole
from reports.html import comparison_page
from reports.manifest import relist

commands = typer.Typer()

Frameworks = Annotated[
    list[Path] | None, typer.Option("--framework", help="A YAML file with a framework of your own; may be repeated.")
]


@commands.command("report")
def _report(
    folder: Annotated[Path, typer.Argument(help="Folder of an audit.")],
    format_: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "html",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: a file in the folder.")] = None,
    framework: Frameworks = None,
) -> int:
    """Render an audit from its audit.json, as a page or for other programs."""
    if format_ not in FORMATS:
        raise InputError(f"--format {format_}: choose {', '.join(FORMATS)}")
    audit = Audit.load(folder)
    known = {*all_checks(), *(finding.id for finding in audit.findings)}
    more = [load_framework(path, known) for path in framework or []]
    path = output or folder / FORMATS[format_].file
    write_report(audit, format_, path, more)
    out.print(f"report: {path}", markup=False)
    if output is None and not relist(folder, path.name) and (folder / "MANIFEST.json").exists():
        err.print(
            f"note: the manifest of {folder} is signed, so it does not list {path.name} as it is now", markup=False
        )
    return OK


@commands.command("compare")
def _compare(
    before: Annotated[Path, typer.Argument(help="Folder of the earlier audit.")],
    after: Annotated[Path, typer.Argument(help="Folder of the later audit.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A page (.html) or Markdown (.md); default: Markdown, printed."),
    ] = None,
) -> int:
    """Show what changed between two audits beyond noise; exits with 1 if a limit newly fails."""
    if output is not None and output.suffix not in (".html", ".md"):
        raise InputError(f"{output}: a comparison is written as .html or .md")
    comparison = compare(Audit.load(before), Audit.load(after))
    if output is None:
        out.print(comparison_markdown(comparison), markup=False, highlight=False)
    else:
        shown = comparison_page if output.suffix == ".html" else comparison_markdown
        write_whole(shown(comparison), output)
        out.print(f"{comparison.sentence}\ncomparison: {output}", markup=False)
    return FAILED if any(gate.newly_fails for gate in comparison.gates) else OK


@commands.command("verify")
def _verify(
    folder: Annotated[Path, typer.Argument(help="Folder of an audit.")],
    key: Annotated[Path | None, typer.Option(help="Public key (PEM, Ed25519) of who should have signed it.")] = None,
) -> int:
    """Compare an audit's files with the fingerprints in its manifest, and the manifest with its signature."""
    Audit.load(folder)
    differences = verify_manifest(folder)
    unsigned = verify_signature(folder, key) if key is not None else None
    for difference in [*differences, *([unsigned] if unsigned else [])]:
        err.print(difference, markup=False, style="red")
    if differences or unsigned:
        return FAILED
    vouched = f", and the manifest is signed with the key of {key.name}" if key is not None else ""
    out.print(f"{folder}: every file is as it was written{vouched}", markup=False)
    return OK


@commands.command("sign")
def _sign(
    folder: Annotated[Path, typer.Argument(help="Folder of an audit.")],
    key: Annotated[Path, typer.Option(help="Your private key (PEM, Ed25519); `openssl genpkey` makes one.")],
) -> int:
    """Sign an audit's manifest, so that others can see who vouches for its files."""
    path = sign_manifest(folder, key)
    out.print(f"signature: {path}", markup=False)
    return OK
