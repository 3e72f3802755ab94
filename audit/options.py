"""What several commands share: options, and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reports import PROFILES, Audit, judge
from reports.release import counts

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
Output = Annotated[Path | None, typer.Option(help="Folder for the results; default: a new dated one under runs/.")]
AllowInconclusive = Annotated[bool, typer.Option(help="Exit with 0 although a gate could not be decided.")]


def exit_code(audit: Audit, allow_inconclusive: bool = False) -> int:
    """The process's answer: 3 if a check broke, else 1 if a gate fails, else 4 if one could not be decided, else 0.

    An audit to which no check applies has decided nothing either. If the way of release was declared, only the
    attackers count whom it lets in, and those of them who were not tried leave the audit undecided.
    """
    if any(finding.status == "error" for finding in audit.findings):
        return BROKE
    judgement = judge(audit)
    if any(gate.status == "fail" for gate in judgement.gates):
        return FAILED
    counted = (finding.status for finding in audit.findings if counts(finding, audit.release))
    statuses = [*(gate.status for gate in judgement.gates), *counted, *("inconclusive" for _ in judgement.wanting)]
    # An audit to which no check applies knows nothing: in a pipeline that must not look like a pass.
    unanswered = all(status in ("not-applicable", "not-run") for status in statuses)
    if ("inconclusive" in statuses or unanswered) and not allow_inconclusive:
        return UNDECIDED
    return OK
