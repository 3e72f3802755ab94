"""How long do attacks with shadow models take, and what do they find? A tabular VAE on 2,000 Adult rows.

    python -m benchmarks.shadow_attacks                        # 128 shadows
    python -m benchmarks.shadow_attacks --shadows 16 --checks membership.lira,membership.rmia   # a first look
    python -m benchmarks.shadow_attacks --fresh                # the same of a model that saw nobody who is asked about

2,000 rows train the target, 2,000 others are the holdout and 2,000 the reference. Time is counted end to end: shadows,
controls, scores, resampling.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from audit import run_audit
from audit.checks import default_policy
from benchmarks.adult import adult
from benchmarks.shown import Bar, data_folder, header, line
from generators import create

ROWS = 2000
SECONDS = 300.0


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shadows", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--checks", default="membership.lira", help="ids or patterns, with commas between")
    parser.add_argument("--fresh", action="store_true", help="train the target on rows that nobody asks about")
    parser.add_argument("--keep", type=Path, help="folder for trained models")
    parser.add_argument("--data", help="folder with the public data; GENASSAY_DATA by default")
    arguments = parser.parse_args()
    whole = adult(data_folder(arguments.data))
    rows = whole.train
    cut = {
        name: rows.iloc[place * ROWS : (place + 1) * ROWS].reset_index(drop=True)
        for place, name in enumerate(("train", "holdout", "reference", "others"))
    }
    others = cut.pop("others")
    data = replace(whole, parts=cut)
    fitted_on = replace(data, parts={**cut, "train": others}) if arguments.fresh else data
    start = time.perf_counter()
    model = create("tabular-vae", epochs=arguments.epochs, batch_size=arguments.batch_size).fit(
        fitted_on, progress=False
    )
    if arguments.fresh:
        model.fingerprint_ = None  # the audit would refuse a model of other people
    say(f"The target took {time.perf_counter() - start:.0f} s.\n")
    policy = default_policy().override({"shadows": arguments.shadows}, "the benchmark")
    start = time.perf_counter()
    audit = run_audit(model, data, arguments.checks.split(","), policy=policy, keep=arguments.keep)
    seconds = time.perf_counter() - start
    say(header())
    what = f"seconds of {arguments.checks} with {arguments.shadows} shadows, end to end"
    say(line(Bar(what, seconds, SECONDS, upward=False)))
    say("\n| check | status | estimate | value | 95% interval | drift | planted leak | seconds |")
    say("|---|---|---|---|---|---|---|---|")
    for finding in audit.findings:
        for one in finding.estimates:
            say(
                f"| {finding.id} | {finding.status} | {one.name} | {one.value:.3f} | {one.low:.3f} to {one.high:.3f} | "
                f"{one.null:.3f} | {finding.controls.positive.status} | {finding.seconds:.0f} |"
            )


if __name__ == "__main__":
    main()
