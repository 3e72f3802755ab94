"""Rates of a handful are neither shown nor a reason to break, and cannot be worked out from what is shown."""

import pytest

from audit.checks import Measured
from audit.checks.small_cells import SMALLEST_CELL, People, coarse, hits_figure, share_in_words
from audit.statistics import Interval


@pytest.mark.parametrize(
    ("hits", "tries", "people", "words"),
    [
        (1, 3, None, "under 100.0%"),
        (2, 400, None, "under 1.2%"),
        (399, 400, None, "over 98.8%"),
        (0, 400, None, "0.0%"),
        (400, 400, None, "100.0%"),
        (5, 400, None, "1.2%"),
        (42, 400, None, "10.0%"),
        (48, 400, None, "12.5%"),
        (0, 0, None, "no try"),
        (40, 400, People(1, 150, 150), "under 3.3%"),
        (390, 400, People(150, 2, 150), "over 96.7%"),
        (40, 400, People(20, 150, 150), "10.0%"),
    ],
)
def test_shares_in_words(hits, tries, people, words):
    assert share_in_words(hits, tries, people) == words


def test_a_handful_is_not_what_is_left_over():
    """Two shares and that of both together, from each of which a handful could be worked out."""
    whole, part = (hits_figure("t", "d", [("a", hits, 100)], "u", 0.95).data["values"][0] for hits in (43, 41))
    assert (whole - part) * 100 == pytest.approx(5)


@pytest.mark.parametrize(("hits", "low", "high"), [(3, 0.0, None), (98, None, 1.0), (50, None, None)])
def test_bars_hide_either_end(hits, low, high):
    data = hits_figure("t", "d", [("a", hits, 100)], "u", 0.95).data
    hidden = low is not None or high is not None
    assert (data["labels"][0] != "a") == hidden
    assert data["values"][0] in (0.05, 0.95, 0.5)
    assert low is None or data["low"][0] == low
    assert high is None or data["high"][0] == high


@pytest.mark.parametrize("people", [1, 4, 5, 6, 99, 100, 101, 777, 1000, 2000, 123_456])
def test_steps_are_round_and_hold_five_people(people):
    step = coarse(people)
    assert step == 1 or step * people >= SMALLEST_CELL * (1 - 1e-9)
    assert f"{step:e}"[0] in "15"


@pytest.mark.parametrize("people", [60, 300, 2000])
def test_estimates_do_not_tell_how_few_were_hit(people):
    """One, two: shown as none; three, four: as five or fewer. And the ends of the interval no more than that."""
    seen = set()
    for hits in range(1, 5):
        share = hits / people
        measured = Measured("risk", share, people, "u", _exact(share, people), step=coarse(people), bounds=(-1, 1))
        one = measured.estimate(0.95)
        assert one.low <= share <= one.high
        seen.add((one.value, one.low, one.high))
    assert len(seen) <= 3


def _exact(share, people):
    return lambda _: Interval(share - 1 / people, share + 6 / people)
