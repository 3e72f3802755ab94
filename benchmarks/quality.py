"""Is the quality family right, and is it quick? Real records against real ones, known damages, time and memory.

    python -m benchmarks.quality splits            # 20 splits of affairs: fresh real records must never be told apart
    python -m benchmarks.quality adult             # every check on Adult against itself, 39,000 records a side
    python -m benchmarks.quality million           # every check on 1,000,000 synthetic rows

`splits` counts alarms at the 99.9% level, by check: of fresh real records in the synthetic ones' place, and of a
shuffled column, a collapsed sample and a dropped subgroup, each of which the check made for it must find. `adult` and
`million` print seconds by check and the largest memory; bars are 60 s and 4 GB, 300 s and 8 GB, on two cores.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from audit import run_audit
from audit.checks import Subject, all_checks, default_policy
from audit.checks.evaluation import Evaluation
from audit.targets import records_target
from benchmarks.adult import adult
from benchmarks.shown import data_folder
from generators import Dataset, load_dataset

SPLITS = 20
FAMILIES = ("fidelity", "diversity", "utility", "fairness")
TESTED = (
    "fidelity.marginals",
    "fidelity.pairs",
    "fidelity.combinations",
    "fidelity.mmd",
    "fidelity.classifier-two-sample",
    "diversity.modes",
    "utility.queries",
    "fairness.representation",
    "fairness.likeness",
    "fairness.exposure",
)


def shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One column cut loose from the others."""
    return frame.assign(yrs_married=frame["yrs_married"].to_numpy()[rng.permutation(len(frame))])


def collapsed(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Fifty records in the place of all."""
    kept = rng.permutation(len(frame))[:50]
    return frame.iloc[kept[rng.integers(50, size=len(frame))]].reset_index(drop=True)


def dropped(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Everybody of one occupation, one in eight, replaced by others."""
    kept = np.flatnonzero(frame["occupation"] != "5")
    return frame.iloc[kept[rng.integers(len(kept), size=len(frame))]].reset_index(drop=True)


DAMAGES: dict[str, tuple[Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame], str]] = {
    "a column shuffled": (shuffled, "fidelity.pairs"),
    "collapsed to 50 records": (collapsed, "diversity.modes"),
    "a subgroup dropped": (dropped, "fairness.representation"),
}


def told_apart(check: str, records: pd.DataFrame, data: Dataset, seed: int) -> bool:
    """Whether the test of a check tells records from real ones at the 99.9% level."""
    kind = all_checks()[check]()
    if not isinstance(kind, Evaluation):
        raise TypeError(f"{check} is no evaluation")
    subject = Subject(records_target(records), data, default_policy(), seed)
    from audit.checks import synthetic_sample

    measured = kind.measure(synthetic_sample(subject), subject, kind.rng(subject, "measure"))
    return bool(kind.alarm("synthetic", measured, subject))


def splits(count: int) -> None:
    """Print how often each check tells fresh and damaged records apart."""
    whole = load_dataset("affairs")
    fresh_alarms, found = dict.fromkeys(TESTED, 0), dict.fromkeys(DAMAGES, 0)
    for seed in range(count):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(whole.records))
        cut = [whole.records.iloc[rows].reset_index(drop=True) for rows in np.array_split(order, 4)]
        parts = dict(zip(("train", "holdout", "reference"), cut, strict=False))
        data = Dataset(whole.name, whole.schema, parts)
        for check in TESTED:
            fresh_alarms[check] += told_apart(check, cut[3], data, seed)
        for name, (damage, check) in DAMAGES.items():
            found[name] += told_apart(check, damage(cut[3], rng), data, seed)
    print(f"| told from real records | of {count} splits | bar |\n|---|---|---|")
    for check, alarms in fresh_alarms.items():
        print(f"| fresh records, by {check} | {alarms} | 0 |")
    for name, alarms in found.items():
        print(f"| {name}, by {DAMAGES[name][1]} | {alarms} | {count} |")


def timed(data: Dataset, records: pd.DataFrame, what: str, seconds: float, gigabytes: float) -> None:
    """Print what every check of the family takes."""
    start = time.perf_counter()
    audit = run_audit(records, data, list(FAMILIES), seed=0)
    total = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {what} | seconds | status |\n|---|---|---|")
    for finding in audit.findings:
        if finding.status != "not-applicable":
            print(f"| {finding.id} | {finding.seconds:.1f} | {finding.status} |")
    print(f"| **all** | {total:.0f} (bar {seconds:.0f}) | {memory:.1f} GB (bar {gigabytes:.0f}) |")


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["splits", "adult", "million"])
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--count", type=int, default=SPLITS, help="splits")
    arguments = parser.parse_args()
    if arguments.what == "splits":
        splits(arguments.count)
        return
    whole = adult(data_folder(arguments.data))
    # The synthetic records are the real ones: as many columns and levels as real data have.
    everything = pd.concat([whole.train, whole.holdout, whole.reference], ignore_index=True)
    if arguments.what == "adult":
        timed(whole, everything.iloc[:39_000], "Adult, 39,000 records", 60, 4)
        return
    rows = np.random.default_rng(0).integers(len(everything), size=1_000_000)
    timed(whole, everything.iloc[rows].reset_index(drop=True), "1,000,000 rows of Adult", 300, 8)


if __name__ == "__main__":
    main()
