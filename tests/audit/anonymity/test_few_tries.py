"""Rates of a handful of tries are neither shown nor a reason to break."""

from audit.anonymity.attack import rate


def test_a_rate_of_few_tries_is_a_rate():
    assert rate(1, 3) == "under 100.0%"
    assert rate(2, 400) == "under 1.2%"
    assert rate(399, 400) == "over 98.8%"
