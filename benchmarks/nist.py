"""Do the attacks accuse published de-identified data rightly? Four of them, made of one survey year, against another.

    python -m benchmarks.nist                    # about ten minutes on one core
    python -m benchmarks.nist --rows 3000        # a first look, at random 3,000 records of each year

The National excerpt of the American Community Survey of 2019 is what the files were made from, that of 2018 stands for
people who were not in it. The years differ a little in distribution, so an attack that looks for the nearest record
finds an AUC of .51 without any leak: the column *drift* shows what half of 2019 gives against 2018 when the other half
is published, which is what gates compare with. The 40% subsample and SMOTE publish people's records (whole, or mixed
with a neighbour's) and must fail; AIM with epsilon 10 and SDV's CTGAN must not.

Survey weights are left out: they are not about the person, and AIM's are not whole numbers.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from audit import run_audit
from benchmarks.shown import data_folder
from generators import Dataset, Schema
from generators.datasets.reading import as_text
from reports import Audit

WEIGHTS = ["PWGTP", "WGTP"]
QUANTITIES = ["AGEP", "NOC", "NPF", "DENSITY", "PINCP", "PINCP_DECILE", "POVPIP"]
FILES = {
    "subsample_40pcnt_all": ("40% subsample", True),
    "smote_target_marital_na": ("SMOTE", True),
    "aim_e_10_all": ("AIM, epsilon 10", False),
    "sdv_ctgan_epochs1000_SlokomManel_3": ("SDV CTGAN", False),
}
"""What each file is called, and whether it must fail."""

CHECKS = ["membership", "memorization.copies"]
SHOWN = ["membership.distance", "membership.density-ratio", "membership.combined"]


def year(folder: Path, name: str) -> pd.DataFrame:
    """The records of one year; `N`, for not applicable, is a missing quantity and a category of its own elsewhere."""
    return _cells(folder / "nist_acs_excerpts" / f"national{name}.csv.gz")


def published(folder: Path, name: str, schema: Schema) -> pd.DataFrame:
    """The records of one de-identified file, as a canonical frame."""
    return schema.coerce(
        as_text(_cells(folder / "nist_deid_national2019" / f"{name}.csv.gz")[list(schema.names)], name), name
    )


def years(folder: Path, rows: int | None) -> Dataset:
    """2019 as train, 2018 as holdout and reference."""
    frames = [year(folder, name) for name in ("2019", "2018")]
    schema = Dataset.from_frame("both years", pd.concat(frames, ignore_index=True)).schema
    if rows is not None:
        frames = [frame.sample(min(rows, len(frame)), random_state=0) for frame in frames]
    train, holdout = (schema.coerce(as_text(frame, "national"), "national") for frame in frames)
    return Dataset.from_parts("national 2019", train=train, holdout=holdout, schema=schema)


def line(title: str, fails: bool, audit: Audit, seconds: float) -> str:
    """One line of the table."""
    cells = []
    for name in SHOWN:
        estimates = {one.name: one for one in audit.finding(name).estimates}
        auc = estimates["auc"]
        cells.append(f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}), drift {auc.null:.3f}")
        if name == "membership.combined":
            low_rate = estimates["tpr_at_fpr_0.01"]
            cells.append(f"{low_rate.value:.3f} ({low_rate.low:.3f} to {low_rate.high:.3f})")
    failed = [f"{gate.finding}/{gate.estimate}" for gate in audit.gates if gate.status == "fail"]
    met = "yes" if bool(failed) == fails else "**no**"
    return (
        f"| {title} | {' | '.join(cells)} | {len(failed)} of {len(audit.gates)} | {fails} | {met} | {seconds:.0f} s |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the public data sets; default: GENASSAY_DATA")
    parser.add_argument("--rows", type=int, help="random records of each year; default: all of them")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder(arguments.data)
    data = years(folder, arguments.rows)
    print(f"train {len(data.train)}, holdout {len(data.holdout)}, reference {len(data.reference)} records\n")
    heads = [f"{name} AUC" for name in SHOWN]
    print(f"| file | {' | '.join(heads)} | combined TPR at FPR 1% | gates that fail | must fail | met | time |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (title, fails) in FILES.items():
        start = time.perf_counter()
        records = published(folder, name, data.schema)
        audit = run_audit(records, data, CHECKS, seed=arguments.seed)
        print(line(title, fails, audit, time.perf_counter() - start), flush=True)


def _cells(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame = frame.drop(columns=[name for name in ("", "Unnamed: 0", "target", *WEIGHTS) if name in frame])
    return frame.assign(**{name: frame[name].replace("N", "") for name in QUANTITIES})


if __name__ == "__main__":
    main()
