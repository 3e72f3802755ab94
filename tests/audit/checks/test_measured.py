"""How far one measurement lies above another, and how sure that is."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from audit.checks.gate import Evidence, decide
from audit.checks.measured import Measured, counted
from audit.checks.policy import Limit
from audit.statistics import Interval, Strata, normal_quantile

LIMIT = Limit(limit=0.03, reason="r")


def normal(value, error, draws=None, n=100_000):
    """A measurement with a normal error of known size."""
    return Measured("excess_copies", value, n, "share", partial(_reach, value, error), chance=0.0, draws=draws)


def _reach(value, error, confidence):
    return Interval(value - normal_quantile(confidence) * error, value + normal_quantile(confidence) * error)


@pytest.mark.parametrize(("mine", "others"), [(0.003, 0.004), (0.003, 0.0), (0.001, 0.01)])
@pytest.mark.parametrize("confidence", [0.95, 0.999])
def test_independent_errors_add_as_the_sides_of_a_right_triangle(mine, others, confidence):
    low, high = normal(0.05, mine).excess_over(normal(0.01, others), confidence)
    reach = normal_quantile(confidence) * np.hypot(mine, others)
    assert (low, high) == pytest.approx((0.04 - reach, 0.04 + reach))


def test_a_lower_bound_errs_on_one_side_only():
    """3.09 standard errors at 99.9%, not the 3.29 of two sides, and whatever the share of the null's error is."""
    for mine, others in [(0.003, 0.004), (0.004, 0.003), (0.0, 0.005)]:
        least = normal(0.05, mine).least_excess_over(normal(0.01, others), 0.999)
        assert least == pytest.approx(0.04 - 3.0902 * 0.005, abs=1e-6)


def test_a_bound_from_draws_is_the_end_of_the_two_sided_interval():
    rng = np.random.default_rng(0)
    one, null = (normal(value, 0.01, draws=value + 0.01 * rng.normal(size=500)) for value in (0.1, 0.02))
    assert one.least_excess_over(null, 0.999) == one.excess_over(null, 0.999).low


@pytest.mark.parametrize(("errors_above", "status"), [(3.2, "warn"), (3.0, "inconclusive")])
def test_a_warning_needs_the_bound_above_the_null(errors_above, status):
    null = normal(0.01, 0.003)
    found = normal(0.01 + errors_above * 0.005, 0.004)
    evidence = Evidence(null=null, detected=None, fired=False)
    gate = decide("memorization.copies", found, Limit(limit=0.5, reason="r"), evidence, 0.999)
    assert gate.status == status
    assert (gate.excess_low > 0) == (status == "warn")


@pytest.mark.parametrize(("room", "status"), [(3.2, "inconclusive"), (3.4, "pass")])
def test_a_pass_despite_drift_takes_both_sides_at_full_confidence(room, status):
    """Drift to below chance could hide a leak unless the whole two-sided interval of the excess has room."""
    null, error = normal(-0.05, 0.003), float(np.hypot(0.003, 0.004))
    found = normal(-0.05 + 0.03 - room * error, 0.004)
    gate = decide("memorization.copies", found, LIMIT, Evidence(null=null, detected=True, fired=False), 0.999)
    assert gate.status == status


def test_whether_is_asked_of_the_signal_and_how_much_of_the_value():
    """Ten rare records in a hundred leak, and none of many common ones: surely a leak, and of uncertain size."""
    hits = Strata(*(np.array(pair, float) for pair in ((20, 1000), (200, 2000), (0, 1000), (200, 2000))))
    found, nothing = (
        counted("risk", one, 2200, "share") for one in (hits, replace(hits, member_hits=np.array([0.0, 1000.0])))
    )
    assert found.value == hits.risk() < found.signal.value == hits.excess()
    assert found.interval(0.999).low < 0 < found.signal.interval(0.999).low
    gate = decide("anonymity.inference", found, LIMIT, Evidence(null=nothing, detected=True, fired=False), 0.999)
    assert (gate.status, gate.low < 0 < gate.excess_low) == ("warn", True)
    assert "its size over everybody is less sure" in gate.why
    assert found.scaled(2).signal.value == 2 * hits.excess()
