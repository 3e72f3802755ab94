"""Are faults that are planted in Opacus found, on the shipped `tabular-vae`, and is the correct trainer cleared?

Each fault is patched into Opacus (or, for batches, into the sampler) before the audit starts, which is told nothing.
The model claims epsilon 4 at delta 1e-5 on 800 records of the built-in `affairs` data. The table counts the audits that
found a violation, and says which cause they named first.

    python -m benchmarks.dp_faults --seeds 20
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from audit.dp.assumptions import assumption_tests
from audit.dp.gaussian import best_threshold, counted, epsilon_of
from audit.dp.tested import failed
from audit.dp.watching import watched_fit
from generators import Dataset, PrivacyBudget, TabularVAE, load_dataset
from tests.audit.dp.faults import FAULTS, Fault

CLAIM, DELTA, CANARIES, REPLAYS, LEVEL = 4.0, 1e-5, 1000, 40, 0.0005
CORRECT = Fault("none (the correct trainer)", lambda _: None, "")


def main() -> None:
    """Print a Markdown table, a row for each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--faults", type=int, default=len(FAULTS), help="how many of the list")
    arguments = parser.parse_args()
    print("| planted | violated | named first | epsilon at least (median, 95%) |\n|---|---|---|---|", flush=True)
    for fault in [CORRECT, *FAULTS[: arguments.faults]]:
        found = [one_audit(fault, seed) for seed in range(arguments.seeds)]
        causes = Counter(cause for _, cause, _ in found if cause)
        print(
            f"| {fault.name} | {sum(violated for violated, _, _ in found)} of {len(found)} | "
            f"{causes.most_common(1)[0][0] if causes else '-'} | {np.median([bound for *_, bound in found]):.2f} |",
            flush=True,
        )


def one_audit(fault: Fault, seed: int) -> tuple[bool, str, float]:
    """Whether a violation was found, the cause that is named first, and the bound at 95%."""
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        seen = watched_fit(
            TabularVAE(seed=seed, epochs=15),
            records(seed),
            PrivacyBudget(CLAIM, DELTA),
            canaries=CANARIES,
            replays=REPLAYS,
            chance=np.random.default_rng(seed),
        )
    broken = failed(assumption_tests(seen), LEVEL)
    steps = counted(seen, best_threshold(seen.plan, CANARIES))
    proven = epsilon_of(steps, seen.plan, DELTA, 1 - LEVEL) > CLAIM
    return bool(broken) or proven, broken[0].cause if broken else "", epsilon_of(steps, seen.plan, DELTA, 0.95)


def records(seed: int) -> Dataset:
    """Training records, another 800 for each seed."""
    whole = load_dataset("affairs").split(seed=seed)
    return replace(whole, parts={"train": whole.train.iloc[:800].reset_index(drop=True)})


if __name__ == "__main__":
    main()
