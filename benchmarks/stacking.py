"""Does a stacked score accuse nobody where nothing leaks, however many signals go in? Simulated audits.

    python -m benchmarks.stacking                    # 1,500 audits without a leak a row; ten minutes on one core
    python -m benchmarks.stacking --audits 200       # a first look

Each audit has 500 members and 500 others, a record each, and normal signals that correlate as stated; with a leak,
members stand higher by .4 deviations in the first signal, down to none in the last. *Error / shown* is the deviation
of the stacked AUC over audits, divided by what resampling finished scores shows; `stacking.SPREAD` allows for 1.2.
An audit accuses when the AUC lies beyond chance by more than the verdict's quantile of the widened error: .05% of
audits may. Signals of a model (loss, LiRA, RMIA, ...) correlate among themselves more than with those of published
records: the rows that have both are such a mixture.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from audit.membership import stacking
from audit.membership.stacking import SPREAD, stacked
from audit.statistics import Floats, auc

PEOPLE = 500
CONFIDENCE = 0.999
LEAK = 0.4
ROWS: list[tuple[int, float, int, float]] = [
    (5, 0.6, 0, 3.0),
    (8, 0.6, 0, 3.0),
    (8, 0.6, 0, 0.0),
    (7, 0.6, 5, 3.0),
    (7, 0.6, 10, 3.0),
    (16, 0.2, 0, 3.0),
]
"""Signals of published records, how they correlate, signals of the model besides (.95 among them, .4 with the others),
and the strength of the prior belief in standard errors."""


def alike(outside: int, correlation: float, inside: int) -> Floats:
    """Return the correlations of all signals."""
    total = outside + inside
    found = np.full((total, total), min(correlation, 0.4))
    found[:outside, :outside], found[outside:, outside:] = correlation, 0.95
    np.fill_diagonal(found, 1.0)
    return found


def audits(correlations: Floats, count: int, shift: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Return the AUC of the stacked score in each audit, and that of the best single signal."""
    rng = np.random.default_rng(seed)
    root, signals = np.linalg.cholesky(correlations), len(correlations)
    member = np.arange(2 * PEOPLE) < PEOPLE
    together, best = np.empty(count), np.empty(count)
    for number in range(count):
        values = rng.normal(size=(2 * PEOPLE, signals)) @ root.T
        values[:PEOPLE] += shift * np.linspace(1, 0, signals)
        score = stacked(values, member, np.arange(2 * PEOPLE), rng)
        together[number] = auc(score[member], score[~member])
        best[number] = max(auc(one[member], one[~member]) for one in values.T)
    return together, best


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=1500, help="without a leak; a twentieth of it with one")
    arguments = parser.parse_args()
    shown = math.sqrt((2 * PEOPLE + 1) / (12 * PEOPLE**2))
    beyond = 0.5 + float(norm.ppf((1 + CONFIDENCE) / 2)) * SPREAD * shown
    say("| signals | prior | mean AUC | error / shown | accused | AUC with a leak | best single signal | seconds |")
    say("|---|---|---|---|---|---|---|---|")
    for outside, correlation, inside, prior in ROWS:
        start, stacking.PRIOR = time.perf_counter(), prior
        correlations = alike(outside, correlation, inside)
        found, _ = audits(correlations, arguments.audits, 0.0)
        leaky, best = audits(correlations, max(10, arguments.audits // 20), LEAK, seed=1)
        more = f" and {inside} of the model" if inside else ""
        say(
            f"| {outside} at {correlation:g}{more} | {prior:g} | {found.mean():.4f} | {found.std() / shown:.2f} | "
            f"{(found > beyond).mean():.2%} | {leaky.mean():.3f} | {best.mean():.3f} | "
            f"{time.perf_counter() - start:.0f} |"
        )


if __name__ == "__main__":
    main()
