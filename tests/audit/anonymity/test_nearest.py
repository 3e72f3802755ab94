import numpy as np
import pytest

from audit.anonymity.nearest import Comparison
from tests.audit.anonymity.parity import ROUNDING, exact_distances
from tests.audit.anonymity.people import main_case

COLUMNS = ["age", "town", "balance", "joined", "smoker", "visits"]


@pytest.mark.parametrize("columns", [COLUMNS, ["town", "smoker"], ["age", "balance"], ["balance"]])
@pytest.mark.parametrize("k", [1, 4])
def test_nearest_records_are_those_of_a_plain_search(columns, k):
    case, _ = main_case(0.2, rows=100)
    found = Comparison(case.members, case.synthetic, case.neighbours.space).nearest(columns, k)
    distances = exact_distances(case.members, case.synthetic, case.neighbours.space, columns)
    chosen = np.take_along_axis(distances, found, axis=1)
    assert np.allclose(chosen, np.sort(distances, axis=1)[:, :k], atol=ROUNDING)
    assert all(len(set(row)) == k for row in found.tolist())


def test_leaving_a_column_out_is_a_search_by_the_others():
    case, _ = main_case(0.2, rows=100)
    comparison = Comparison(case.members, case.synthetic, case.neighbours.space)
    found = comparison.nearest_without(COLUMNS, ["town", "balance"])
    for number, left_out in enumerate(("town", "balance")):
        others = [name for name in COLUMNS if name != left_out]
        distances = exact_distances(case.members, case.synthetic, case.neighbours.space, others)
        chosen = distances[np.arange(len(found)), found[:, number]]
        assert np.allclose(chosen, distances.min(axis=1), atol=ROUNDING)


def test_ties_are_broken_at_random():
    case, _ = main_case(0.0, rows=200)
    space, firsts = case.neighbours.space, set()
    for seed in range(5):
        comparison = Comparison(case.members, case.synthetic, space, np.random.default_rng(seed))
        firsts.add(tuple(comparison.nearest(["smoker"])[:3, 0]))
    assert len(firsts) == 5
