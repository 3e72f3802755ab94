"""How often do intervals of an anonymity risk hold the true one, where leaks are uneven? A table of docs/anonymity.md.

    python -m benchmarks.anonymity_coverage                    # some ten minutes on one core
    python -m benchmarks.anonymity_coverage --audits 500       # a first look

Whole audits are simulated whose true risk is known. In some kinds of records chance succeeds seldom, in others nearly
always; the leak may sit anywhere. Three ways to say how large the risk is are compared: ours (`Strata.risk`), the
overall rates with the delta method, as Anonymeter does, and the excess that all kinds of records have in common
(`Strata.excess`), which is only right where all leak alike. Percent of audits in which the whole interval lay above /
below the truth; promised are 2.5 on each side at 95 %, and .05 at 99.9 %.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np

from audit.statistics import Interval, Strata, efficient_score, normal_quantile
from tests.audit.statistics.uneven import WORLDS, counted, of_people

SIZES = ((2000, 2000), (2000, 500), (500, 3000))
PEOPLE, RECORDS = 200, 10

Side = Callable[[Strata, float, float], int]
"""Whether a method's interval at a confidence lies above (1) or below (-1) the truth, or holds it (0)."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=10_000, help="simulated audits of each kind")
    given = parser.parse_args()
    methods: dict[str, Side] = {
        "risk": lambda strata, confidence, truth: _side(strata.risk_interval(confidence), truth),
        "delta": lambda strata, confidence, truth: _side(delta(strata, confidence), truth),
        "common": _common,
    }
    names = " | ".join(f"{name} {level}" for name in methods for level in ("95 %", "99.9 %"))
    print(f"| world | members, others | truth | {names} |\n|---|---|---|{'---|' * 2 * len(methods)}")
    for world in WORLDS:
        for members, others in SIZES:
            rng = np.random.default_rng(0)
            audits = list(zip(*counted(WORLDS[world], members, others, given.audits, rng), strict=True))
            _row(world, f"{members}, {others}", audits, methods)
        rng = np.random.default_rng(0)
        audits = [of_people(WORLDS[world], PEOPLE, RECORDS, rng) for _ in range(max(1, given.audits // 5))]
        _row(world, f"{PEOPLE // 2}, {PEOPLE // 2} people of {RECORDS} records", audits, methods)


def delta(strata: Strata, confidence: float) -> Interval:
    """Anonymeter's interval: overall rates by Wilson's method, their errors propagated to the risk.

    Source: Giomi et al. (PoPETs 2023), section 4.4.
    """
    z = normal_quantile(confidence)
    rates = []
    for hits, tries in ((strata.member_hits, strata.members), (strata.nonmember_hits, strata.nonmembers)):
        s, n = float(hits.sum()), float(tries.sum())
        rates.append(((s + z**2 / 2) / (n + z**2), z / (n + z**2) * math.sqrt(s * (n - s) / n + z**2 / 4)))
    (attack, error), (control, control_error) = rates
    risk = (attack - control) / (1 - control)
    reach = math.hypot(error / (1 - control), (1 - attack) / (1 - control) ** 2 * control_error)
    return Interval(risk - reach, risk + reach)


def _side(interval: Interval, truth: float) -> int:
    return int(interval.low > truth + 1e-9) - int(interval.high < truth - 1e-9)


def _common(strata: Strata, confidence: float, truth: float) -> int:
    """By the score at the truth, which is what the ends of its interval are found by."""
    counts = (strata.member_hits, strata.members, strata.nonmember_hits, strata.nonmembers)
    score = float(efficient_score(*counts, np.asarray(truth), strata.design_effect))
    z = normal_quantile(confidence)
    return int(score < -z) - int(score > z)


def _row(world: str, sizes: str, audits: list[tuple[Strata, float]], methods: dict[str, Side]) -> None:
    cells = []
    for side in methods.values():
        for confidence, digits in ((0.95, 1), (0.999, 2)):
            sides = np.array([side(strata, confidence, truth) for strata, truth in audits])
            cells.append(f"{100 * np.mean(sides > 0):.{digits}f} / {100 * np.mean(sides < 0):.{digits}f}")
    truth = np.mean([truth for _, truth in audits])
    print(f"| {world} | {sizes} | {truth:.3f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
