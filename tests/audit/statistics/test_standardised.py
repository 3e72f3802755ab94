"""The risk over everybody: what it is, and how often its interval holds it, where leaks are uneven."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from audit.statistics import Interval, Strata, clopper_pearson
from audit.statistics.standardised import Rate, risk, risk_interval

RARE, COARSE, POLAR = (0.002, 0.005, 0.01, 0.02), (0.05, 0.2, 0.4, 0.7), (0.01, 0.1, 0.35, 0.6, 0.85, 0.985)


class World(NamedTuple):
    """Where chance hits how often, and which share of which stratum's members leaks."""

    chance: tuple[float, ...]
    leaked: tuple[float, ...]


WORLDS = {
    "nothing leaks": World(COARSE, (0, 0, 0, 0)),
    "few hits": World(RARE, (0, 0, 0, 0)),
    "one kind of rare record leaks": World(RARE, (0.08, 0, 0, 0)),
    "what is hardest leaks": World(COARSE, (0.15, 0, 0, 0)),
    "what is easiest leaks": World(COARSE, (0, 0, 0, 0.4)),
    "all leak alike": World(POLAR, (0.05,) * 6),
    "the extremes leak": World(POLAR, (0.3, 0, 0, 0, 0, 0.9)),
    "half leaks": World(POLAR, (0.5,) * 6),
}
SIZES = [(2000, 2000), (2000, 500), (500, 3000)]


def simulated(world, members, others, rng, people=None):
    """Counts of one audit and its true risk; with `people`, all records of a person are hit or none is."""
    chance, leaked = np.array(world.chance), np.array(world.leaked)
    each = people or members + others
    share = members / (members + others)
    member = np.arange(each) < round(share * each)
    stratum = rng.integers(0, len(chance), each)
    hit = rng.random(each) < chance[stratum] + np.where(member, leaked[stratum] * (1 - chance[stratum]), 0.0)
    times = (members + others) // each
    unit = np.repeat(np.arange(each), times)
    held = np.bincount(stratum[member], minlength=len(chance))
    truth = float((held * leaked * (1 - chance)).sum() / (held * (1 - chance)).sum())
    return (
        Strata.count(hit[unit], member[unit], stratum[unit], unit if people else None),
        truth,
    )


def missed(world, members, others, confidence, repetitions, people=None):
    """How often the interval lay above the truth, and below it."""
    rng, above, below = np.random.default_rng(5), 0, 0
    for _ in range(repetitions):
        counted, truth = simulated(world, members, others, rng, people)
        low, high = counted.risk_interval(confidence)
        above, below = above + (low > truth + 1e-12), below + (high < truth - 1e-12)
    return above, below


def test_the_risk_is_that_of_giomi_in_one_stratum():
    one = Strata(*(np.array([count]) for count in (60.0, 1000.0, 20.0, 1000.0)))
    assert one.risk() == pytest.approx((0.06 - 0.02) / 0.98)


def test_strata_count_by_their_members_whichever_leaks():
    """A tenth of either half leaks: of what was left to gain, the same share, however rare the leaking records are."""

    def uneven(rare, common):
        hits = np.array([1000 * rare, 500 + 500 * common])
        return Strata(hits, np.full(2, 1000.0), np.array([0.0, 500.0]), np.full(2, 1000.0))

    assert uneven(0.1, 0.1).risk() == pytest.approx(0.1)
    assert uneven(0.1, 0.0).risk() == pytest.approx(100 / 1500)
    assert uneven(0.0, 0.1).risk() == pytest.approx(50 / 1500)
    assert uneven(0.1, 0.0).excess() > 0.09  # the common excess speaks of rare records alone


def test_a_mere_difference_between_parts_in_easy_and_hard_records_is_no_risk():
    """More members than others are easy to guess, and within each stratum chance is the same."""
    mixed = Strata(np.array([8.0, 810.0]), np.array([100.0, 900.0]), np.array([48.0, 360.0]), np.array([600.0, 400.0]))
    assert mixed.risk() == pytest.approx(0.0)
    low, high = mixed.risk_interval(0.95)
    assert low < 0 < high


def test_two_plain_rates_give_the_exact_interval_where_only_one_is_uncertain():
    certain = Rate(0.2, 1e9)
    low, high = risk_interval(Rate(0.3, 500), certain, 0.95)
    ends = clopper_pearson(150, 500)
    assert (low, high) == pytest.approx([(end - 0.2) / 0.8 for end in ends], abs=1e-4)


@pytest.mark.parametrize("hits", [(0, 0), (1000, 0), (0, 1000), (1000, 1000)])
def test_the_edges_of_the_range(hits):
    edge = Strata(*(np.array([count], dtype=float) for count in (hits[0], 1000, hits[1], 1000)))
    low, high = edge.risk_interval(0.999)
    assert -1 <= low <= edge.risk() <= high <= 1
    assert high - low > 0.005 or high == -1  # others alone are hit: the ratio of misses has no bound above
    assert edge.risk() == {(0, 0): 0, (1000, 0): 1, (0, 1000): -1, (1000, 1000): 0}[hits]


def test_nothing_is_known_without_strata():
    nothing = Strata(*(np.zeros(0) for _ in range(4)))
    assert nothing.risk() == 0
    assert nothing.risk_interval(0.95) == Interval(-1, 1)


def test_halves_against_the_same_others_are_as_sure_as_the_whole():
    whole = Strata(*(np.array([count]) for count in (60.0, 1000.0, 20.0, 800.0)))
    half = Strata(*(np.array([count]) for count in (30.0, 500.0, 20.0, 800.0)))
    both = Strata.together([half, half])
    assert both.risk() == pytest.approx(whole.risk())
    assert both.risk_interval(0.95) == pytest.approx(whole.risk_interval(0.95), abs=1e-4)


@pytest.mark.parametrize(("members", "expected"), [(1.0, 0), (0.3, -1)])
def test_where_chance_hits_everybody_nothing_is_left_to_gain(members, expected):
    assert risk(Rate(members, 10), Rate(1.0, 10)) == expected


def test_people_of_ten_records_widen_the_interval_by_their_agreement():
    counted, _ = simulated(WORLDS["what is hardest leaks"], 2000, 2000, np.random.default_rng(0), people=400)
    alone = Strata(*(getattr(counted, name) for name in ("member_hits", "members", "nonmember_hits", "nonmembers")))
    wide, narrow = ((end := one.risk_interval(0.95)).high - end.low for one in (counted, alone))
    assert 2.8 < wide / narrow < 3.5  # the root of ten


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth(world):
    """At 95%, in each direction no more than 2.5% of 300 audits, up to what chance allows in one test of a thousand."""
    above, below = missed(WORLDS[world], 600, 600, 0.95, 300)
    assert max(above, below) <= binom.isf(1e-3, 300, 0.025)


@pytest.mark.parametrize("world", ["few hits", "one kind of rare record leaks", "the extremes leak"])
def test_intervals_hold_the_truth_of_few_people_with_many_records(world):
    """Hardly anyone is hit in the first two, so that nothing tells how far the records of a person agree."""
    above, below = missed(WORLDS[world], 1000, 1000, 0.999, 200, people=200)
    assert max(above, below) <= 2  # .1 expected; three would happen in under .02% of such tests
