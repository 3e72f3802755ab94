"""What several commands share: options, and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports import PROFILES

OK, FAILED, USAGE, BROKE, UNDECIDED = 0, 1, 2, 3, 4

Seed = Annotated[int, typer.Option(min=0, help="Every number of the audit follows from it; DP noise never does.")]
Schema = Annotated[Path | None, typer.Option(help="YAML that says what columns are, over what is inferred.")]
Unit = Annotated[str | None, typer.Option(help="Column that names the person a record belongs to.")]
Way = Annotated[
    str | None,
    typer.Option(
        "--release", help=f"How the target will be released, which decides whom to reckon with: {', '.join(PROFILES)}."
    ),
]
RecordRisk = Annotated[
    bool, typer.Option("--record-risk", help="Write the risk of each training record too, under salted ids.")
]
KeepModels = Annotated[
    Path | None,
    typer.Option(
        "--keep-models",
        metavar="DIR",
        help="Keep shadow models in this folder, so that an interrupted audit goes on with them. They are trained on "
        "the real records: treat the folder like the data.",
    ),
]
RecordKeys = Annotated[
    Path | None, typer.Option(help="Also write which record each of those ids names, to this .parquet file.")
]
