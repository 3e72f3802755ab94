"""The risk over everybody: what it is, and how often its interval holds it, where leaks are uneven."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from audit.statistics import Interval, Strata, clopper_pearson
from audit.statistics.standardised import Rate, risk, risk_interval
from tests.audit.statistics.uneven import WORLDS, counted, of_people


def missed(audits, confidence):
    """How often the interval lay above the truth, and below it."""
    ends = [(*one.risk_interval(confidence), truth) for one, truth in audits]
    return sum(low > truth + 1e-12 for low, _, truth in ends), sum(high < truth - 1e-12 for _, high, truth in ends)


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
    grouped, _ = of_people(WORLDS["the hardest leak"], 400, 10, np.random.default_rng(0))
    alone = replace(grouped, design_effect=1.0, risk_effect=1.0)
    wide, narrow = ((end := one.risk_interval(0.95)).high - end.low for one in (grouped, alone))
    assert 2.8 < wide / narrow < 3.5  # the root of ten
    assert grouped.people[:, 2].tolist() == [200, 200]


@pytest.mark.parametrize("sizes", [(600, 600), (600, 200), (200, 800)])
@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth(world, sizes):
    """At 95%, in each direction no more than 2.5% of 300 audits, up to what chance allows in one test of a thousand."""
    audits = zip(*counted(WORLDS[world], *sizes, 300, np.random.default_rng(5)), strict=True)
    assert max(missed(audits, 0.95)) <= binom.isf(1e-3, 300, 0.025)


@pytest.mark.parametrize("world", ["few hits, nothing leaks", "few hits, the rarest leak", "the extremes leak"])
def test_intervals_hold_the_truth_of_few_people_with_many_records(world):
    """Hardly anyone is hit in the first two, so that nothing tells how far the records of a person agree."""
    rng = np.random.default_rng(5)
    audits = [of_people(WORLDS[world], 200, 10, rng) for _ in range(200)]
    assert max(missed(audits, 0.999)) <= 2  # .1 expected; three would happen in under .02% of such tests
