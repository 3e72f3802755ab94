from __future__ import annotations

import json

import pytest

from generators.training import History


def test_round_trip_through_json() -> None:
    history = History(
        steps=3,
        losses={"loss": [3.0, 2.0, 1.0]},
        validation=[(2, 0.5)],
        watched=[(3, {"variety": 0.9})],
        stopped_early=True,
        notes=["It went well."],
    )
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


@pytest.mark.parametrize("steps", [0, 1, 200, 201, 1000, 1234])
def test_long_courses_are_thinned_to_means_of_stretches(steps: int) -> None:
    values = [float(step) for step in range(steps)]
    thinned = History(steps=steps, losses={"loss": values}).to_dict()["losses"]["loss"]
    assert len(thinned) <= 200
    assert len(thinned) >= min(steps, 100)
    if steps:
        stretch = -(-steps // 200)
        assert thinned[0] == pytest.approx(sum(values[:stretch]) / stretch)
