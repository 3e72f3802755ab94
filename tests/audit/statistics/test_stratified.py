import numpy as np
import pytest
from scipy.stats import binom, hypergeom
from statsmodels.stats.proportion import confint_proportions_2indep

from audit.statistics import Strata, efficient_score


def strata(*columns, design_effect=1.0):
    return Strata(*(np.array(column, dtype=float) for column in columns), design_effect)


@pytest.mark.parametrize(
    ("hits", "members", "chance", "others"), [(60, 1000, 20, 800), (9, 400, 1, 500), (300, 900, 150, 700)]
)
@pytest.mark.parametrize("confidence", [0.95, 0.999])
def test_one_stratum_is_the_score_interval_of_a_ratio(hits, members, chance, others, confidence):
    """With one stratum the interval is that of Miettinen and Nurminen for the ratio of misses, without its n/(n-1)."""
    low, high = confint_proportions_2indep(
        members - hits,
        members,
        others - chance,
        others,
        compare="ratio",
        method="score",
        correction=False,
        alpha=1 - confidence,
    )
    found = strata([hits], [members], [chance], [others]).interval(confidence)
    assert found.high == pytest.approx(1 - low, abs=1e-6)
    if found.low > 0:
        assert found.low == pytest.approx(1 - high, abs=1e-6)


def test_excess_of_one_stratum_in_closed_form():
    assert strata([60], [1000], [20], [1000]).excess() == pytest.approx(1 - 0.94 / 0.98)


def test_exchanging_the_groups_changes_the_sign():
    one, other = strata([60, 5], [900, 300], [20, 1], [800, 350]), strata([20, 1], [800, 350], [60, 5], [900, 300])
    assert one.excess() == pytest.approx(-other.excess())
    assert one.interval(0.9).high == pytest.approx(-other.interval(0.9).low)


def test_scores_of_many_sets_of_strata_at_once_are_those_of_each():
    rng = np.random.default_rng(0)
    counts = [rng.binomial(300, 0.1, (6, 4)).astype(float), np.full((6, 4), 300.0)]
    counts += [rng.binomial(200, 0.1, (6, 4)).astype(float), np.full((6, 4), 200.0)]
    excess = np.array([-0.5, -0.01, 0.0, 0.01, 0.1, 0.9])
    together = efficient_score(*counts, excess, 1.5)
    each = [float(efficient_score(*(part[i] for part in counts), excess[i], 1.5)) for i in range(6)]
    assert together == pytest.approx(each)
    exchanged = efficient_score(*counts[2:], *counts[:2], -excess, 1.5)
    assert together == pytest.approx(-exchanged)


def test_no_hit_at_all_is_an_excess_of_zero_with_an_honest_width():
    empty = strata([0], [3000], [0], [3000])
    assert empty.excess() == 0
    low, high = empty.interval(0.999)
    assert low == -high
    assert high == pytest.approx(10.83 / 3000, rel=0.02)


@pytest.mark.parametrize(("hits", "members", "others"), [(4, 50, 500), (12, 100, 100), (3, 30, 900)])
def test_permutation_p_is_the_hypergeometric_tail_in_one_stratum(hits, members, others):
    found = strata([hits], [members], [2], [others]).permutation_p()
    exact = hypergeom(members + others, hits + 2, members).sf(hits - 1)
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact / 1e5) + 2e-5)


def test_a_lower_end_above_zero_needs_the_permutation_test():
    """Two hits among a hundred members and none among three thousand others: the score alone would be sure."""
    rare = strata([2], [100], [0], [3000])
    assert rare.exceeds_chance(0.999)
    assert rare.interval(0.999).low == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
def test_coverage_and_false_alarms(share):
    """95% intervals cover in at least 94% of 600 simulations (a discrete count makes them longer, never shorter)."""
    rng = np.random.default_rng(7)
    chance, members, others = np.array([0.002, 0.01, 0.05, 0.2]), np.full(4, 600.0), np.full(4, 500.0)
    covered = alarms = 0
    for _ in range(600):
        simulated = strata(rng.binomial(600, chance + share * (1 - chance)), members, rng.binomial(500, chance), others)
        low, high = simulated._root(1.959964), simulated._root(-1.959964)
        covered += low <= share <= high
        alarms += simulated.exceeds_chance(0.999)
    assert covered >= 555  # 94% less its binomial error
    assert share > 0 or alarms <= 3  # .3 expected; four or more would happen in under .03% of such tests


def test_rare_strata_find_what_the_overall_rate_hides():
    """Forty copies drown among nine hundred chance hits, unless rare records are looked at apart."""
    rare, common = ([30], [1000], [2], [1000]), ([460], [1000], [450], [1000])
    together = strata([490], [2000], [452], [2000])
    apart = strata(*(a + b for a, b in zip(rare, common, strict=True)))
    assert together.interval(0.999).low <= 0
    assert apart.interval(0.999).low > 0


def test_counting_groups_by_person_widens():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(400), 5)
    hit = np.repeat(rng.random(400) < 0.1, 5)
    member = people < 200
    counted = Strata.count(hit, member, np.zeros(2000, dtype=np.int64), people)
    assert counted.design_effect == pytest.approx(5, rel=0.05)
    alone = Strata.count(hit, member, np.zeros(2000, dtype=np.int64))
    assert counted.interval(0.95).high - counted.interval(0.95).low > 2 * (alone.interval(0.95).high - alone.excess())


def test_neighbouring_strata_are_joined_until_each_holds_ten_hits():
    stratum = np.repeat(np.arange(5), 100)
    hit = np.arange(500) % 100 < np.repeat([4, 6, 12, 3, 2], 100)
    member = np.arange(500) % 2 == 0
    counted = Strata.count(hit, member, stratum)
    assert (counted.member_hits + counted.nonmember_hits).tolist() == [10, 17]
    assert (counted.members + counted.nonmembers).tolist() == [200, 300]


def test_a_few_hits_in_many_strata_count_as_much_as_in_one():
    hit = np.arange(1000) < 12
    member = np.arange(1000) < 500
    scattered = Strata.count(hit, member, np.arange(1000) % 8)
    assert scattered.interval(0.999) == Strata.count(hit, member, np.zeros(1000, dtype=np.int64)).interval(0.999)


def test_a_stratum_of_members_alone_is_joined_and_not_dropped():
    """Who stands twice in train makes a stratum without others; their hits must still count."""
    stratum = np.repeat([0, 1], [1000, 100])
    member = np.r_[np.arange(1000) < 500, np.ones(100, dtype=bool)]
    hit = np.r_[np.arange(1000) % 50 == 0, np.arange(100) < 60]
    counted = Strata.count(hit, member, stratum)
    assert counted.member_hits.tolist() == [70]
    assert counted.interval(0.999).low > 0.05


def test_without_members_or_without_others_nothing_is_known():
    counted = Strata.count(np.arange(60) < 30, np.zeros(60, dtype=bool), np.repeat([0, 1, 2], 20))
    assert len(counted.members) == 0
    assert counted.interval(0.95) == pytest.approx((-1, 1), abs=1e-6)


@pytest.mark.parametrize(("members", "others"), [(500, 2000), (2000, 1000)])
def test_others_who_are_compared_twice_count_once(members, others):
    """Two halves of the members against the same others, who are hit alike both times: the worst case."""
    rng, chance, tries = np.random.default_rng(4), np.array([0.05, 0.4]), 2000
    hits = rng.binomial(others, chance, size=(tries, 2))
    halves = rng.binomial(members, chance, size=(2, tries, 2))
    alarms = 0
    for number in range(tries):
        parts = [strata(half[number], [members] * 2, hits[number], [others] * 2) for half in halves]
        alarms += Strata.together(parts).exceeds_chance(0.99)
    assert alarms <= binom.ppf(0.9999, tries, 0.005)


@pytest.mark.parametrize(
    ("hits", "chance", "expected"), [(500, 500, (-1, 0, 1)), (500, 0, (0.9, 1, 1)), (0, 500, (-1, -1, -0.9))]
)
def test_the_edges_of_the_excess(hits, chance, expected):
    edge = strata([hits], [500], [chance], [500])
    low, high = edge.interval(0.999)
    assert low <= edge.excess() <= high
    assert edge.excess() == pytest.approx(expected[1], abs=1e-6)
    assert low == pytest.approx(-1, abs=1e-6) if expected[0] == -1 else low > expected[0]
    assert high == pytest.approx(1, abs=1e-6) if expected[2] == 1 else high < expected[2]
