"""Rates of a handful of tries are neither shown nor a reason to break."""

from audit.checks.small_cells import share_in_words


def test_a_rate_of_few_tries_is_a_share_in_words():
    assert share_in_words(1, 3) == "under 100.0%"
    assert share_in_words(2, 400) == "under 1.2%"
    assert share_in_words(399, 400) == "over 98.8%"
