"""Attacks that ask how close synthetic records lie to training records: data copying and authenticity."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu, norm

from audit.checks import Subject, all_checks, default_policy
from audit.memorization.data_copying import Cells, _mann_whitney
from audit.memorization.relabelling import Pool, excess, first_labelled
from audit.neighbours import Points
from audit.targets import records_target
from generators import Column, Dataset, Schema
from tests.audit.memorization.writing import subject as mail_subject
from tests.audit.planting import copied

ATTACKS = {"memorization.data-copying": "excess_closeness", "memorization.authenticity": "excess_unauthentic"}
SCHEMA = Schema((*(Column(name, "numeric") for name in "abcde"), Column("group", "categorical")))


def records(rows, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 5)) * spread, columns=list("abcde"))
    return frame.assign(group=rng.choice(["x", "y"], rows).astype(object))


def parts(rows, seed):
    train, holdout, fresh = records(rows, 10 * seed), records(2 * rows, 10 * seed + 1), records(rows, 10 * seed + 2)
    return Dataset.from_parts("made", train=train, holdout=holdout, schema=SCHEMA), fresh


@cache
def subject(rows, seed, share, jitter=0.0):
    data, fresh = parts(rows, seed)
    published = copied(data, fresh, share, jitter, seed) if share else fresh
    return Subject(records_target(published), data, default_policy(), seed)


def probe(attack, asked):
    finding, gates = all_checks()[attack]().run(asked)
    return finding, {gate.estimate: gate.status for gate in gates}


@pytest.mark.parametrize(("attack", "estimate"), ATTACKS.items())
def test_copies_with_noise_are_found(attack, estimate):
    finding, gates = probe(attack, subject(1500, 0, 0.6, 0.005))
    found = finding.estimates[0]
    assert found.name == estimate
    assert found.low <= 0.3 <= found.high
    assert gates == {estimate: "fail"}
    assert finding.controls.negative.status == "quiet"


@pytest.mark.parametrize(("attack", "estimate"), ATTACKS.items())
def test_fresh_records_raise_no_alarm(attack, estimate):
    finding, gates = probe(attack, subject(1500, 1, 0.0))
    assert gates[estimate] in ("pass", "inconclusive")  # so few records seldom clear anybody
    assert finding.power["smallest_detectable_excess"] < 0.15
    assert finding.estimates[0].low <= 0 <= finding.estimates[0].high


@pytest.mark.parametrize(("attack", "estimate"), ATTACKS.items())
def test_records_that_crowd_in_the_middle_copy_nobody(attack, estimate):
    """A generator of too little variety lies closer to train than new records do, and to any other records too."""
    data, _ = parts(1500, 2)
    crowded = Subject(records_target(records(1500, 5, spread=0.5)), data, default_policy(), 2)
    finding, gates = probe(attack, crowded)
    assert gates[estimate] in ("pass", "inconclusive")
    if attack == "memorization.data-copying":
        assert finding.estimates[1].high < -3  # the published statistic alone takes it for copying


@pytest.mark.parametrize("attack", ATTACKS)
def test_texts_are_compared_by_their_embeddings(attack):
    finding, _ = probe(attack, mail_subject(300, 0, 0.9))
    assert finding.estimates[0].low > 0.1
    assert finding.controls.negative.status == "quiet"


@pytest.mark.slow
@pytest.mark.parametrize(("attack", "estimate"), ATTACKS.items())
def test_ten_seeds_without_a_leak_raise_no_alarm(attack, estimate):
    covered = 0
    for seed in range(10):
        finding, gates = probe(attack, subject(500, 20 + seed, 0.0))
        assert gates[estimate] in ("pass", "inconclusive")
        covered += finding.estimates[0].low <= 0 <= finding.estimates[0].high
    assert covered >= 8


def test_the_mann_whitney_score_is_that_of_scipy():
    rng = np.random.default_rng(0)
    asked, tests = rng.integers(0, 9, 60).astype(float), rng.integers(1, 10, 80).astype(float)
    known = mannwhitneyu(asked, tests, use_continuity=False, method="asymptotic")
    z = _mann_whitney(asked, tests)
    assert np.sign(z) == np.sign(known.statistic - 60 * 80 / 2)
    assert 2 * norm.sf(abs(z)) == pytest.approx(known.pvalue, rel=1e-9)


def test_placements_count_wins_within_cells():
    rng = np.random.default_rng(1)
    asked_cells, test_cells = rng.integers(0, 2, 90), rng.integers(0, 2, 70)
    asked, tests = rng.integers(0, 6, 90).astype(float), rng.integers(0, 6, 70).astype(float)
    cells = Cells.of(asked_cells, test_cells)
    expected = 0.0
    for cell in (0, 1):
        q, p = asked[asked_cells == cell], tests[test_cells == cell]
        wins = (q[:, None] < p).mean() + (q[:, None] == p).mean() / 2
        expected += wins * len(p) / 70
    for values in cells.placements(asked, tests):
        assert values.mean() == pytest.approx(expected)


def test_cells_with_too_few_records_are_left_out():
    asked, tests = np.array([0] * 40 + [1] * 5), np.array([0] * 30 + [1] * 30)
    cells = Cells.of(asked, tests)
    assert cells.sizes.tolist() == [[40.0], [30.0]]
    wins, losses = cells.placements(np.zeros(45), np.ones(60))
    assert wins.mean() == losses.mean() == pytest.approx(1.0)


def test_the_nearest_labelled_neighbour_is_the_first_that_counts():
    labels = np.array([False, True, True])
    distances, rows = first_labelled(labels, np.array([[0, 2], [0, 0]]), np.array([[1.0, 2.0], [1.0, 3.0]]))
    assert rows.tolist() == [2, -1]
    assert distances.tolist() == [2.0, np.inf]


def test_whole_persons_are_relabelled():
    empty = Points(np.zeros((8, 0)), np.zeros((8, 0), dtype=np.int64))
    half = np.repeat([0, 1], 4)
    pool = Pool.of(np.random.default_rng(0), (empty, half), (empty, half))
    for seed in range(20):
        labels = pool.relabelled(np.random.default_rng(seed))
        assert labels.sum() == 8
        assert all(labels[pool.units == person].all() or not labels[pool.units == person].any() for person in range(4))


@pytest.mark.parametrize(("train", "others"), [(100, 100), (100, 300), (100, 5000)])
def test_enough_neighbours_are_kept_however_few_of_the_pool_are_train(train, others):
    """A draw labels none of a record's neighbours train once in 4,000; with twelve it would be once in fifteen."""
    rng = np.random.default_rng(0)
    empty = Points(np.zeros((train + others, 0)), np.zeros((train + others, 0), dtype=np.int64))
    part = [(empty.take(np.arange(rows)), np.arange(rows)) for rows in (train, others)]
    pool = Pool.of(rng, *part)
    assert len(pool.units) == train + min(others, 4 * train)
    assert 1 / 5000 < (1 - pool.share) ** pool.neighbours <= 1 / 4000
    near = np.array([rng.permutation(len(pool.units))[: pool.neighbours] for _ in range(400)])
    missed = [(first_labelled(pool.relabelled(rng), near, near + 0.0)[1] < 0).mean() for _ in range(50)]
    assert np.mean(missed) < 0.001


def test_the_excess_undoes_what_a_draw_holds_of_train():
    """Of 100 records a share of .3 shows a mark where train is train; a draw keeps it only as far as it is train."""
    empty = Points(np.zeros((60, 0)), np.zeros((60, 0), dtype=np.int64))
    pool = Pool.of(np.random.default_rng(0), (empty, np.arange(60)), (empty.take(np.arange(20)), np.arange(20)))

    def measure(labels):
        return (np.r_[np.full(30, labels[:60].mean()), np.zeros(70)],)

    found = excess(pool, measure, np.random.default_rng(0))
    assert found.value == pytest.approx(0.3, abs=0.01)
    assert found.interval(0.95).low > 0.15


def test_a_handful_of_records_is_one_cell():
    cells = Cells.of(np.arange(15), np.arange(12))
    assert cells.sizes.tolist() == [[15], [12]]
    assert cells.weights.tolist() == [1.0]
