"""How often does the copy test warn wrongly, and what does it find? Makes a table of docs/statistics.md again.

    python -m benchmarks.false_warnings                        # about four minutes on one core
    python -m benchmarks.false_warnings --repetitions 2000     # a first look

A warning needs an excess of copies above chance, and above that of the drift control, which is another measurement.
Here whole audits are simulated whose truth is known, and each is judged by three rules that differ in how surely the
second condition must hold: both measurements at 99.9 % on two sides, an error of .1 % on the one side that can accuse
(`Measured.least_excess_over`, what the gate asks), and the drift control at 95 % only.

The records of a stratum fall into values that are equally likely. A value occurs among the published records or not, so
hits are made as in a real audit: the same members and others are asked about everywhere, and each half of train is
published once and asked about once. Under drift a share of train's records has values of its own. Where every release
of train's population holds them, the main excess and that of the drift control are the same; in the last rows they
recur only now and then, and a release of all records holds more of them than one of half.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from audit.statistics import Floats, Strata, efficient_score, normal_quantile

RARE, COARSE = (0.002, 0.005, 0.01, 0.02), (0.05, 0.2, 0.5, 0.7)
VERDICT = 0.999
RULES = {"both at 99.9 %": (0.999, 0.999), ".1 % on one side": (0.998, 0.998), "drift at 95 %": (0.999, 0.95)}
_MOST_VISITS = 9


class Counts(NamedTuple):
    """Hits and totals of members and others, each (audits, strata)."""

    member_hits: Floats
    members: Floats
    other_hits: Floats
    others: Floats

    def of(self, rows: NDArray[np.bool_]) -> Counts:
        """Some of the audits."""
        return Counts(*(part[rows] for part in self))


class World(NamedTuple):
    """One kind of audit.

    Attributes:
        n: members; there are as many others.
        chance: for each stratum, how likely n published records hit a record by chance.
        published: published records per member.
        drift: share of train's records with values of their own.
        held: how likely n published records of train's population hold such a value.
        leak: share of members copied by the target.
        apart: whether the drift control is measured on four times fewer records that nobody else is measured on, which
            no audit does: the worst that a comparison of unpaired measurements could meet.
    """

    n: int
    chance: tuple[float, ...]
    published: float = 1.0
    drift: float = 0.0
    held: float = 1.0
    leak: float = 0.0
    apart: bool = False


def simulate(world: World, audits: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """Main counts and drift counts of some audits."""
    draw = _apart if world.apart else _stratum
    found = [draw(world, chance, audits, rng) for chance in world.chance]
    return tuple(  # type: ignore[return-value]  # two of them
        Counts(*(np.column_stack(columns) for columns in zip(*(pair[which] for pair in found), strict=True)))
        for which in (0, 1)
    )


def _stratum(world: World, chance: float, audits: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """One stratum of the main case, (audits, 1), and of the two drift cases, (audits, 2)."""
    records = world.n / len(world.chance)
    visits = -np.log1p(-chance)  # by n published records, to each value of the stratum
    values = round(records / visits)
    often = poisson.pmf(np.arange(_MOST_VISITS + 1), visits / 2)
    first, second = (grid.reshape(-1) for grid in np.indices((len(often), len(often))))  # visits by each half of train
    each = rng.multinomial(values, np.outer(often, often).reshape(-1) / often.sum() ** 2, size=audits)
    seen = rng.binomial(each, -np.expm1(-visits * world.published))  # those of them that the target published
    own = rng.poisson(world.drift * records / 2, size=(2, audits))  # drifted members of each half
    own_main, own_drift = own, own
    if world.held < 1:
        own_main, own_drift = (rng.binomial(own, 1 - (1 - world.held) ** share) for share in (world.published, 0.5))
    members = each @ (first + second)
    by_target = seen @ (first + second)
    main_hits = by_target + rng.binomial(members - by_target, world.leak) + own_main.sum(axis=0)
    # Others know nothing of all this; they are counted by which of the three releases holds their value.
    held = np.stack([first > 0, second > 0])
    others = np.zeros((4, audits))  # hit by the target, by the first half, by the second half, and all
    for in_first, in_second in product((False, True), repeat=2):
        kind = (held[0] == in_first) & (held[1] == in_second)
        for in_target, cells in ((True, seen), (False, each - seen)):
            count = rng.poisson(visits * cells[:, kind].sum(axis=1))
            others += np.outer([in_target, in_first, in_second, True], count)
    main = Counts(*(part[:, None] for part in (main_hits, members + own.sum(axis=0), others[0], others[3])))
    drift = Counts(
        np.column_stack([each @ (second * held[0]) + own_drift[1], each @ (first * held[1]) + own_drift[0]]),
        np.column_stack([each @ second + own[1], each @ first + own[0]]),
        others[1:3].T,
        np.column_stack([others[3], others[3]]),
    )
    return main, drift


def _apart(world: World, chance: float, audits: int, rng: np.random.Generator) -> tuple[Counts, Counts]:
    """The same as `_stratum` where main case and drift control share nothing but the truth."""
    found = []
    for records, leak in ((world.n // len(world.chance), world.leak), (world.n // len(world.chance) // 4, 0.0)):
        total = np.full((audits, 1), float(records))
        missed = (1 - chance) * (1 - world.drift) * (1 - leak)
        hits = (rng.binomial(records, p, (audits, 1)).astype(float) for p in (1 - missed, chance))
        found.append(Counts(next(hits), total, next(hits), total))
    return found[0], found[1]


def end(counts: Counts, z: float) -> Floats:
    """The end of each audit's score interval where the score is -z, by bisection; the estimate where z is 0."""
    low, high = np.full(len(counts.members), -0.9), np.full(len(counts.members), 0.9)
    for _ in range(28):
        middle = (low + high) / 2
        above = efficient_score(*counts, middle) > -z
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def warned(main: Counts, drift: Counts) -> dict[str, int]:
    """How many of the audits warn by each rule."""
    z = normal_quantile(VERDICT)
    above = efficient_score(*main, np.zeros(len(main.members))) < -z
    main, drift = main.of(above), drift.of(above)
    solved: dict[tuple[int, float], Floats] = {}

    def reach(which: int, z: float) -> Floats:
        if (which, z) not in solved:
            solved[which, z] = end((main, drift)[which], z)
        return solved[which, z]

    distance = reach(0, 0) - reach(1, 0)
    count = {}
    for rule, confidences in RULES.items():
        z_main, z_drift = (normal_quantile(confidence) for confidence in confidences)
        width = np.hypot(reach(0, 0) - reach(0, z_main), reach(1, -z_drift) - reach(1, 0))
        alarm = distance > width
        count[rule] = sum(_permuted(main, row) for row in np.flatnonzero(alarm)) if _few(alarm) else int(alarm.sum())
    return count


def _few(alarm: NDArray[np.bool_]) -> bool:
    """Whether the permutation test, which can only withhold an alarm, is run: where alarms are false ones and rare."""
    return int(alarm.sum()) <= 30


def _permuted(main: Counts, row: int) -> bool:
    return Strata(*(part[row] for part in main)).permutation_p() <= (1 - VERDICT) / 2


def worlds() -> list[World]:
    """False warnings first (nothing leaks), then power."""
    rows = [World(n, chance, drift=drift) for drift in (0.0, 0.01, 0.03) for n in (2000, 20000) for chance in SETS]
    rows += [World(6000, chance, published=0.05, drift=0.03) for chance in SETS]
    rows += [World(n, COARSE, drift=0.03, apart=True) for n in (6000, 20000)]
    rows += [World(6000, chance, leak=leak) for chance in SETS for leak in (0.005, 0.01, 0.02, 0.03, 0.05)]
    return rows + [World(n, RARE, drift=0.05, held=0.2) for n in (2000, 6000)]


SETS = (RARE, COARSE)


def row(world: World, repetitions: int, seed: int) -> str:
    """The world's line of the table: percent of simulated audits that warn."""
    rng, batch = np.random.default_rng(seed), 2000
    total = dict.fromkeys(RULES, 0)
    for _ in range(0, repetitions, batch):
        for rule, count in warned(*simulate(world, batch, rng)).items():
            total[rule] += count
    audits = -(-repetitions // batch) * batch
    rates = " | ".join(f"{100 * count / audits:.{1 if world.leak else 3}f}" for count in total.values())
    kind = (
        "drift measured apart"
        if world.apart
        else "leak"
        if world.leak
        else "drift now and then"
        if world.held < 1
        else "drift"
        if world.drift
        else "nothing"
    )
    chance = "rare" if world.chance is RARE else "coarse"
    return f"| {kind} | {world.n} | {chance} | {world.published} | {world.drift} | {world.leak} | {rates} | {audits} |"


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repetitions", type=int, default=20_000, help="simulated audits per row; a fifth where warnings are many"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    say(f"| what happens | n | chance | published | drift | leak | {' | '.join(RULES)} | audits |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    for number, world in enumerate(worlds()):
        repetitions = max(2000, arguments.repetitions // 5) if world.leak or world.held < 1 else arguments.repetitions
        say(row(world, repetitions, arguments.seed * 1000 + number))


if __name__ == "__main__":
    main()
