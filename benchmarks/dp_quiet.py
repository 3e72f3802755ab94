"""Are membership checks quiet about a private model, and loud about the same model overfit?

    python -m benchmarks.dp_quiet               # 20 seeds; about twenty minutes on one core
    python -m benchmarks.dp_quiet --seeds 3     # a first look
    python -m benchmarks.dp_quiet --inside      # with attacks that ask the model: loss, LiRA, RMIA by 16 shadows

`tabular-vae` is trained on 1,000 Adult records, once with differential privacy at epsilon 1, once without and for 400
epochs. Each seed draws other records, trains both anew and audits them with every membership check that is not costly,
against 1,000 others and 1,000 reference records. At epsilon 1 no check may warn or fail (at the 99.9% level chance
allows one such audit in 20 at most); overfit, the audit must fail every time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audit import run_audit
from audit.checks import all_checks, default_policy
from benchmarks.adult import adult
from benchmarks.shown import data_folder
from generators import Dataset, PrivacyBudget, create
from reports import Audit

ROWS = 1000
EPOCHS = 400
EPSILON = 1.0
DELTA = 1e-5
SHADOWS = 16
INSIDE = ("membership.lira", "membership.lira-offline", "membership.loss", "membership.rmia")
"""Attacks that ask the model; their scores then go into the combined one too."""


def public(whole: Dataset) -> Dataset:
    """The data set with domains that count as public: from a thousand records no budget of 1 could learn them."""
    columns = tuple(replace(column, public="the benchmark, from all of Adult") for column in whole.schema.columns)
    return replace(whole, schema=replace(whole.schema, columns=columns))


def draw(whole: Dataset, seed: int) -> Dataset:
    """Train, holdout and reference of 1,000 records each."""
    order = np.random.default_rng(seed).permutation(len(whole.train))
    names = ("train", "holdout", "reference")
    parts = {
        name: whole.train.iloc[order[i * ROWS : (i + 1) * ROWS]].reset_index(drop=True) for i, name in enumerate(names)
    }
    return Dataset(whole.name, whole.schema, parts)


def audited(data: Dataset, seed: int, private: bool, more: Sequence[str]) -> Audit:
    """Train one model and run the membership checks on it."""
    if private:
        budget = PrivacyBudget(epsilon=EPSILON, delta=DELTA)
        model = create("tabular-vae", seed=seed).fit(data, budget, progress=False)
    else:
        model = create("tabular-vae", seed=seed, epochs=EPOCHS).fit(data, progress=False)
    usual = [name for name, kind in all_checks().items() if name.startswith("membership.") and not kind.costly]
    policy = default_policy().override({"shadows": SHADOWS}, "the benchmark")
    return run_audit(model, data, [*usual, *more], seed=seed, trained_here=True, policy=policy)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--inside", action="store_true", help="also the attacks that ask the model")
    parser.add_argument("--data", help="folder with the public data sets; default: GENASSAY_DATA")
    arguments = parser.parse_args()
    whole = public(adult(data_folder(arguments.data)))
    print("| seed | model | warn | fail | gates | highest AUC | seconds |\n|---|---|---|---|---|---|---|")
    alarms = {True: 0, False: 0}
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        data = draw(whole, seed)
        for private in (True, False):
            start = time.perf_counter()
            audit = audited(data, seed, private, INSIDE if arguments.inside else ())
            count = {status: sum(gate.status == status for gate in audit.gates) for status in ("warn", "fail")}
            alarms[private] += bool(count["fail"] or (private and count["warn"]))
            highest = max(one.value for finding in audit.findings for one in finding.estimates if one.name == "auc")
            title = f"epsilon {EPSILON:g}" if private else f"{EPOCHS} epochs"
            cells = f"{count['warn']} | {count['fail']} | {len(audit.gates)} | {highest:.3f}"
            print(f"| {seed} | {title} | {cells} | {time.perf_counter() - start:.0f} |", flush=True)
    print(f"\nepsilon {EPSILON:g}: {alarms[True]} of {arguments.seeds} audits warn or fail (0 wanted, 1 allowed)")
    print(f"{EPOCHS} epochs: {alarms[False]} of {arguments.seeds} audits fail ({arguments.seeds} wanted)")


if __name__ == "__main__":
    main()
