"""How near do lower bounds on epsilon come to the claim of a correct trainer, and what would ideal canaries show?

Trains `tabular-vae` on the built-in `affairs` data under budgets of epsilon 1, 2, 4 and 8 with delta 1e-5, by its own
`fit`, with canaries among its records. Of each run it prints what `dp.gaussian` shows, what `dp.one-run` shows of 1,000
canaries in either variant, and what the same analysis shows of simulated ideal canaries of the same mechanism. The
verdict counts runs in which a test of an assumption failed or a bound at 99.95% lay above the claim.

    python -m benchmarks.dp_tightness --seeds 10 --epsilons 1 2 4 8
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from audit.dp.assumptions import assumption_tests
from audit.dp.gaussian import best_threshold, counted, epsilon_of
from audit.dp.one_run import BOUNDS, BoundOf, Coins, best_number, guess, likelihood_ratios, simulated
from audit.dp.tested import failed
from audit.dp.watching import watched_fit
from generators import PrivacyBudget, TabularVAE, load_dataset

DELTA, CANARIES, GUESSED = 1e-5, 2000, 1000


def main() -> None:
    """Print a Markdown table, a row for each epsilon."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epsilons", type=float, nargs="+", default=[1, 2, 4, 8])
    arguments = parser.parse_args()
    print(
        "| claim | `dp.gaussian`, mean (least) | share | observations | `dp.one-run` certified (ideal) | "
        "family (ideal) | violated | seconds |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for epsilon in arguments.epsilons:
        rows = [one_run(epsilon, seed) for seed in range(arguments.seeds)]
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        print(
            f"| {epsilon:g} | {mean['gaussian']:.2f} ({min(row['gaussian'] for row in rows):.2f}) | "
            f"{mean['gaussian'] / epsilon:.2f} | {mean['observations']:,.0f} | "
            f"{mean['epsilon_lower']:.2f} ({mean['epsilon_lower ideal']:.2f}) | "
            f"{mean['epsilon_lower_family']:.2f} ({mean['epsilon_lower_family ideal']:.2f}) | "
            f"{sum(row['violated'] for row in rows):.0f} of {len(rows)} | {mean['seconds']:.0f} |",
            flush=True,
        )


def one_run(epsilon: float, seed: int) -> dict[str, float]:
    """Train once and measure everything."""
    start = time.perf_counter()
    data = load_dataset("affairs").split(seed=seed)
    rng = np.random.default_rng(seed)
    seen = watched_fit(
        TabularVAE(seed=seed), data, PrivacyBudget(epsilon, DELTA), canaries=CANARIES, replays=40, chance=rng
    )
    plan = seen.plan
    steps = counted(seen, best_threshold(plan, CANARIES))
    broken = failed(assumption_tests(seen), 0.0005)
    found: dict[str, float] = {
        "gaussian": epsilon_of(steps, plan, DELTA, 0.95),
        "observations": steps.with_ + steps.without,
        "violated": bool(broken) or epsilon_of(steps, plan, DELTA, 0.9995) > epsilon,
        "seconds": time.perf_counter() - start,
    }
    for one in broken:
        print(f"<!-- epsilon {epsilon:g}, seed {seed}: {one.what}: {one.seen}, p {one.p:.1g} -->")
    scores = likelihood_ratios(seen.released[:, :GUESSED], plan.sampling_rate, plan.noise_multiplier)
    practice = simulated(plan, plan.noise_multiplier, GUESSED, 10, rng)
    ideal = simulated(plan, plan.noise_multiplier, GUESSED, 10, rng)
    for name, (bound, _) in BOUNDS.items():
        made = best_number(practice, bound, DELTA)
        found[name] = shown([(scores, seen.coins[:GUESSED])], bound, made, rng)
        found[f"{name} ideal"] = shown(ideal, bound, made, rng)
    return found


def shown(runs: Coins, bound: BoundOf, made: int, rng: np.random.Generator) -> float:
    """Mean of the bounds at 95% over runs."""
    guesses = [guess(scores, coins, made, rng) for scores, coins in runs]
    return float(np.mean([bound(one.canaries, one.made, one.right, DELTA, 0.95) for one in guesses]))


if __name__ == "__main__":
    main()
