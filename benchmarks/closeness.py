"""What do data copying and authenticity find, and how many records do their limits need?

    python -m benchmarks.closeness                          # about ten minutes on one core
    python -m benchmarks.closeness --rows 1500 --seeds 3    # a first look

Records are five normal numbers and a category; a share of the published ones are training records with noise of half a
percent of each column's range, the rest are fresh. A share f of copies moves both excesses to f / 2. For each size and
share the table says the mean excess, its standard deviation between audits beside the standard error that the audits
claim, and how many audits passed, warned or failed.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from generators import Column, Dataset, Schema

CHECKS = ("memorization.data-copying", "memorization.authenticity")
COLUMNS = list("abcde")
SCHEMA = Schema((*(Column(name, "numeric") for name in COLUMNS), Column("group", "categorical")))
NOISE = 0.005
VERDICTS = ("pass", "inconclusive", "warn", "fail")


def records(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Fresh records of the one population."""
    frame = pd.DataFrame(rng.normal(size=(rows, len(COLUMNS))), columns=COLUMNS)
    return frame.assign(group=rng.choice(["x", "y"], rows).astype(object))


def subject(rows: int, share: float, seed: int) -> Subject:
    """Train, holdout and reference of so many records, and as many published ones of which a share are noisy copies."""
    rng = np.random.default_rng([seed, rows])
    train, holdout, reference, published = (records(rows, rng) for _ in range(4))
    count = round(share * rows)
    width = np.ptp(train[COLUMNS].to_numpy(), axis=0)
    copies = train.head(count).copy()
    copies[COLUMNS] += rng.normal(size=(count, len(COLUMNS))) * NOISE * width
    target = records_target(pd.concat([copies, published.iloc[count:]], ignore_index=True))
    data = Dataset("normal", SCHEMA, {"train": train, "holdout": holdout, "reference": reference})
    return Subject(target, data, default_policy(), seed)


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1500, 5000])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--seeds", type=int, default=8)
    arguments = parser.parse_args()
    names = " | ".join(VERDICTS)
    say(f"| check | records | noisy copies | excess | spread | claimed | {names} | smallest noticed | seconds |")
    say("|---" * (8 + len(VERDICTS)) + "|")
    for rows in arguments.rows:
        for share in arguments.shares:
            subjects = [subject(rows, share, seed) for seed in range(arguments.seeds)]
            for check in CHECKS:
                start, values, errors, noticed = time.perf_counter(), [], [], []
                verdicts: Counter[str] = Counter()
                for one in subjects:
                    finding, gates = all_checks()[check]().run(one)
                    values.append(finding.estimates[0].value)
                    errors.append((finding.estimates[0].high - finding.estimates[0].low) / 2 / 1.972)
                    noticed.append(finding.power["smallest_detectable_excess"])
                    verdicts[gates[0].status] += 1
                seconds = (time.perf_counter() - start) / arguments.seeds
                counts = " | ".join(str(verdicts[one]) for one in VERDICTS)
                say(
                    f"| {check} | {rows} | {share:.0%} | {np.mean(values):.3f} | {np.std(values, ddof=1):.3f} | "
                    f"{np.mean(errors):.3f} | {counts} | {np.mean(noticed):.3f} | {seconds:.1f} |"
                )


if __name__ == "__main__":
    main()
