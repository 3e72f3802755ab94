"""Do the bootstrap intervals cover the truth as often as they say? Makes the table of docs/statistics.md again.

    python benchmarks/coverage.py                      # ten to twenty minutes on two cores
    python benchmarks/coverage.py --repetitions 100    # a first look

Each row simulates whole audits whose truth is known: fresh scores, their bootstrap, one interval at 95 % and
one at 99.9 %. Rows without a leak are repeated five times as often, to see how often a 99.9 % interval cries wolf.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from audit.statistics import auc, auc_draws, bootstrap_interval, tpr_at_fpr, tpr_draws, unit_weights

Floats = NDArray[np.float64]
Draw = Callable[[int, np.random.Generator], Floats]

DRAWS = 400
AUDITS_PER_WEIGHTS = 20


class Scenario(NamedTuple):
    """One kind of audit: how scores arise, how they are judged, and what the answer should be."""

    title: str
    n: int
    truth: float
    members: Draw
    nonmembers: Draw
    fpr: float | None = None
    leak: bool = False
    paired: bool = False
    records_each: int = 1


def gaussian(n: int, rng: np.random.Generator, shift: float = 0.0) -> Floats:
    """Scores of one column, normal around ``shift``."""
    return rng.normal(shift, 1.0, (n, 1))


def copied(n: int, rng: np.random.Generator, share: float) -> Floats:
    """Normal scores, but a share of the records ranks above everything."""
    return gaussian(n, rng) + 20.0 * (rng.random((n, 1)) < share)


def coarse(n: int, rng: np.random.Generator) -> Floats:
    """Normal scores rounded to halves: large groups of ties."""
    return np.round(2 * gaussian(n, rng)) / 2


def of_people(n: int, rng: np.random.Generator, records: int) -> Floats:
    """Scores of people with several records each: half of the variance is the person's."""
    return (np.repeat(gaussian(n // records, rng), records, axis=0) + gaussian(n, rng)) / math.sqrt(2)


def twin(n: int, rng: np.random.Generator, correlation: float) -> Floats:
    """Two correlated scores of the same records: the attack itself and its drift control."""
    common = gaussian(n, rng)
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * rng.normal(size=(n, 2))


def _scenarios() -> list[Scenario]:
    plans = [(None, 300), (None, 1000), (0.1, 300), (0.1, 1000), (0.01, 1000), (0.01, 2500)]
    rows = [Scenario("no leak", n, fpr or 0.5, gaussian, gaussian, fpr) for fpr, n in plans]
    for area in (0.55, 0.7):
        shift = float(norm.ppf(area)) * math.sqrt(2)
        leaking = partial(gaussian, shift=shift)
        for fpr, n in plans:
            truth = area if fpr is None else float(norm.cdf(shift - norm.isf(fpr)))
            rows.append(Scenario(f"all members shifted, AUC {area}", n, truth, leaking, gaussian, fpr, leak=True))
    for share in (0.02, 0.05):
        for fpr, n in plans:
            truth = share + (1 - share) * (fpr or 0.5)
            leaking = partial(copied, share=share)
            rows.append(Scenario(f"{share:.0%} of members copied", n, truth, leaking, gaussian, fpr, leak=True))
    rows += [Scenario("no leak, scores in halves", n, fpr or 0.5, coarse, coarse, fpr) for fpr, n in plans[::3]]
    people = partial(of_people, records=10)
    rows += [
        Scenario(f"no leak, {n // 10} people of 10 records", n, fpr or 0.5, people, people, fpr, records_each=10)
        for fpr, n in [(None, 300), (None, 1000), (0.1, 1000)]
    ]
    for correlation, fpr, n in [(0.5, None, 300), (0.5, 0.1, 300), (0.5, 0.01, 1000), (0.9, 0.1, 1000)]:
        pair = partial(twin, correlation=correlation)
        rows.append(Scenario(f"attack minus drift, correlation {correlation}", n, 0.0, pair, pair, fpr, paired=True))
    return rows


def misses(scenario: Scenario, repetitions: int, seed: int) -> NDArray[np.int64]:
    """Simulated audits whose interval lies above and below the truth, at 95 % and 99.9 %: shape (4,)."""
    rng = np.random.default_rng(seed)
    count = np.zeros(4, dtype=np.int64)
    units = np.repeat(np.arange(scenario.n // scenario.records_each), scenario.records_each)
    sign = (1.0, -1.0) if scenario.paired else (1.0,)
    bounds = (-1.0, 1.0) if scenario.paired else (0.0, 1.0)
    for repetition in range(repetitions):
        members, nonmembers = scenario.members(scenario.n, rng), scenario.nonmembers(scenario.n, rng)
        # Weights know nothing of scores, so a few audits may share them: most of the time would go into drawing them.
        if repetition % AUDITS_PER_WEIGHTS == 0:
            weights = unit_weights(units, DRAWS, rng), unit_weights(units, DRAWS, rng)
        value, draws = 0.0, np.zeros(DRAWS)
        for column, factor in enumerate(sign):
            scores = members[:, column], nonmembers[:, column]
            if scenario.fpr is None:
                value += factor * auc(*scores)
                draws += factor * auc_draws(*scores, *weights)
            else:
                value += factor * tpr_at_fpr(*scores, scenario.fpr).tpr
                draws += factor * tpr_draws(*scores, *weights, scenario.fpr)
        shown, verdict = (
            bootstrap_interval(value, draws, scenario.n // scenario.records_each, confidence, bounds)
            for confidence in (0.95, 0.999)
        )
        truth = scenario.truth
        count += [shown.low > truth, shown.high < truth, verdict.low > truth, verdict.high < truth]
    return count


def row(scenario: Scenario, repetitions: int, seed: int) -> str:
    """The scenario's line of the table; every number but the truth is a percentage of simulated audits."""
    total = repetitions if scenario.leak else 5 * repetitions
    above, below, alarm, blind = 100 * misses(scenario, total, seed) / total
    judged = "AUC" if scenario.fpr is None else f"TPR at FPR {scenario.fpr:.0%}"
    rates = f"{100 - above - below:.1f} | {above:.1f} | {below:.1f} | {alarm:.2f} | {blind:.2f}"
    return f"| {scenario.title} | {judged} | {scenario.n} | {scenario.truth:.4f} | {rates} | {total} |"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000, help="simulated audits per row with a leak")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| scores | judged by | n of each | truth | 95 % covers | above | below | 99.9 % above | below | audits |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    scenarios = _scenarios()
    seeds = [int(seed) for seed in np.random.SeedSequence(arguments.seed).generate_state(len(scenarios))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(row, scenarios, [arguments.repetitions] * len(scenarios), seeds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
