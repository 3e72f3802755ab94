from __future__ import annotations

import numpy as np
import pytest

from generators.models.tabular.variety import Variety, repeats_among

FREQUENCIES = (np.array([500, 300, 199, 1]), np.array([400, 600]))


def sample(shares: tuple[list[float], list[float]], n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([rng.choice(len(one), n, p=one) for one in shares], axis=1)


def test_a_sample_like_train_gives_no_complaint() -> None:
    variety = Variety.of(sample(([0.5, 0.3, 0.199, 0.001], [0.4, 0.6])), FREQUENCIES, repeats_in_train=0.98)
    assert (variety.expected, variety.lost) == (5, 0)  # the category of one in a thousand is not expected among 400
    assert variety.total_variation < 0.05
    assert variety.complaints() == []


def test_a_lost_category_is_counted_and_said() -> None:
    variety = Variety.of(sample(([0.6, 0.4, 0, 0], [0.4, 0.6])), FREQUENCIES, repeats_in_train=0.98)
    assert variety.lost == 1
    assert variety.complaints() == [
        "mode collapse: 1 of 5 categories that train holds often enough never appear among 400 samples"
    ]


def test_distance_is_total_variation_averaged_over_columns() -> None:
    codes = np.zeros((100, 2), dtype=np.int64)
    assert Variety.of(codes, FREQUENCIES, 0.0).total_variation == pytest.approx((0.5 + 0.6) / 2)


def test_repeats_are_held_against_those_in_train() -> None:
    codes = np.stack([np.arange(100) % 20, np.arange(100) % 5], axis=1)
    assert repeats_among(codes) == 0.8
    frequencies = (np.full(20, 5), np.full(5, 20))
    assert Variety.of(codes, frequencies, repeats_in_train=0.8).complaints() == []
    assert Variety.of(codes, frequencies, repeats_in_train=0.0).complaints() == [
        "mode collapse: 80.0% of 100 samples repeat an earlier one, against 0.0% of as many training records"
    ]
