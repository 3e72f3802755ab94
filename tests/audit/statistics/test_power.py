from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from audit.statistics import Strata, auc, smallest_detectable_excess, smallest_detectable_share

QUIET, OTHERS = np.random.default_rng(0).normal(size=(2, 2000))
LOUD = np.random.default_rng(1).normal(8, 1, 200)


def _smallest(metric, planted=LOUD, quiet=QUIET, others=OTHERS, seed: int = 0, **options) -> float | None:
    return smallest_detectable_share(quiet, others, planted, metric, rng=np.random.default_rng(seed), **options)


def test_auc_power_agrees_with_the_normal_formula() -> None:
    # A share f of perfect ranks lifts the AUC by f / 2; it is seen with probability .8 at f / 2 = (z_99.95 + z_80) se.
    base = auc(QUIET, OTHERS)
    se = math.sqrt(1 / 12 * (1 / 2000 + 1 / 2000))
    expected = 2 * (stats.norm.isf(0.0005) + stats.norm.isf(0.2)) * se * (1 - base) / 0.5
    assert _smallest("auc") == pytest.approx(expected, rel=0.3)


def test_what_is_reported_is_found_by_fresh_audits() -> None:
    share = _smallest(0.1, confidence=0.95)
    assert share is not None
    rng, quantile = np.random.default_rng(2), stats.norm.isf(0.025)
    detections = 0
    for _ in range(400):
        members = np.where(rng.random(2000) < share, 8.0, 0.0) + rng.normal(size=2000)
        tpr = (members >= np.sort(rng.normal(size=2000))[-200]).mean()
        se = math.sqrt(tpr * (1 - tpr) / 2000 + 0.1 * 0.9 / 2000)
        detections += math.asin(math.sqrt(tpr)) - quantile * se / (2 * math.sqrt(tpr * (1 - tpr))) > math.asin(
            math.sqrt(0.1)
        )
    assert 0.7 < detections / 400 < 0.99


def test_power_grows_with_records_and_shrinks_with_confidence() -> None:
    assert _smallest(0.1) < _smallest(0.1, quiet=QUIET[:400], others=OTHERS[:400])
    assert _smallest(0.1, confidence=0.95) < _smallest(0.1, confidence=0.999)
    assert _smallest(0.1, null=0.1) < _smallest(0.1, null=0.2)


def test_grouping_costs_power() -> None:
    units = np.repeat(np.arange(200), 10)
    quiet, others = np.random.default_rng(3).normal(size=(2, 200))[:, units]
    alone = _smallest("auc", quiet=quiet, others=others)
    grouped = _smallest("auc", quiet=quiet, others=others, member_units=units, nonmember_units=units)
    assert grouped > 1.5 * alone


@pytest.mark.parametrize("planted", [QUIET[:100], np.full(50, -9.0)], ids=["no louder than the base", "quieter"])
def test_a_leak_that_does_not_show_is_never_detected(planted: np.ndarray) -> None:
    assert _smallest("auc", planted=planted) is None


def test_result_depends_on_the_generator_alone_and_one_planted_score_suffices() -> None:
    first, again = (_smallest(0.01, planted=np.array([9.0]), seed=5) for _ in range(2))
    assert first == again
    assert first is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probability": 1.0}, "probability"),
        ({"null": 2.0}, "null"),
        ({"shares": [0.2, 0.1]}, "ascend"),
        ({"shares": []}, "ascend"),
        ({"confidence": 95}, "confidence"),
        ({"metric": 0.001}, "needs 10 non-members"),
        ({"planted": np.array([])}, "planted"),
    ],
)
def test_bad_input_is_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _smallest(**{"metric": "auc", **options})


def test_beside_a_drift_control_a_leak_must_be_larger_to_stand_out() -> None:
    quiet = Strata(*(np.array([count]) for count in (100.0, 1000.0, 100.0, 1000.0)))
    grid = np.arange(0.01, 0.3, 0.005)
    alone, beside = (
        smallest_detectable_excess(quiet, rng=np.random.default_rng(0), excesses=grid, drift=drift)
        for drift in (None, quiet)
    )
    # By normal errors 3.29 and .84 of them are needed alone, and 3.09 and .84 times the root of two beside it.
    assert alone == pytest.approx(4.13 * 0.0149, rel=0.2)
    assert beside / alone == pytest.approx(1.35, rel=0.15)
