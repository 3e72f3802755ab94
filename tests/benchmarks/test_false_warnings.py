"""The simulation of false warnings makes the audits it speaks of, and judges them as the gate does."""

import numpy as np
import pytest

from audit.checks.gate import beyond
from audit.checks.measured import Measured
from audit.statistics import Strata
from benchmarks.false_warnings import RULES, World, simulate, warned

CHANCE = (0.05, 0.3)


@pytest.mark.parametrize("apart", [False, True])
def test_hits_are_as_frequent_as_the_world_says(apart):
    world = World(2000, CHANCE, drift=0.1, leak=0.2, apart=apart)
    main, drift = simulate(world, 300, np.random.default_rng(0))
    chance = np.array(CHANCE)
    hit = 1 - (1 - chance) * 0.8 * (1 - 0.1 / (1 if apart else 1.1))  # drifted records come on top of the others
    assert (main.other_hits / main.others).mean(axis=0) == pytest.approx(chance, rel=0.05)
    assert (main.member_hits / main.members).mean(axis=0) == pytest.approx(hit, rel=0.05)
    if not apart:  # each half is published once: fewer chance hits, by the root of what is left
        halved = np.tile(1 - np.sqrt(1 - chance), (2, 1)).T.reshape(-1)
        assert (drift.other_hits / drift.others).mean(axis=0) == pytest.approx(halved, rel=0.05)
        found = (drift.member_hits / drift.members).mean(axis=0)
        assert found == pytest.approx(1 - (1 - halved) / 1.1, rel=0.05)


def test_audits_are_judged_as_by_the_gate():
    main, drift = simulate(World(2000, CHANCE, leak=0.06), 60, np.random.default_rng(0))
    alarms = sum(
        beyond(*(_measured(Strata(*(part[row] for part in case))) for case in (main, drift)), 0.999)
        for row in range(60)
    )
    assert 10 < alarms < 60
    assert warned(main, drift)[list(RULES)[1]] == alarms


def _measured(strata):
    return Measured("excess_copies", strata.excess(), 1000, "share", strata.interval, chance=0.0)
