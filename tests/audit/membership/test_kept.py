"""Shadow models are trained once, and an interrupted audit goes on."""

import pytest

from audit.membership.kept import BATCH, kept
from tests.audit.membership.kernel import Kernel, people


class StopError(Exception):
    """Somebody pulled the plug."""


def test_what_was_trained_before_an_interruption_is_not_trained_again(tmp_path):
    data, trained = people(20), []

    def train(numbers, last=None):
        trained.extend(numbers)
        if last is not None and max(numbers) > last:
            raise StopError
        return [Kernel(seed=number, width=1 + number).fit(data) for number in numbers]

    count = BATCH + 8
    with pytest.raises(StopError):
        kept(tmp_path, Kernel, count, {"of": "test"}, lambda numbers: train(numbers, last=BATCH - 1))
    trained.clear()
    models = kept(tmp_path, Kernel, count, {"of": "test"}, train)
    assert trained == list(range(BATCH, count))
    assert [model.seed for model in models] == list(range(count))
    again = kept(tmp_path, Kernel, count, {"of": "test"}, train)
    assert trained == list(range(BATCH, count))
    fresh = Kernel(seed=3, width=4).fit(data)
    for model in (models[3], again[3]):
        assert model.log_likelihood(data.holdout) == pytest.approx(fresh.log_likelihood(data.holdout))


def test_another_audit_has_models_of_its_own(tmp_path):
    def train(numbers):
        return [Kernel().fit(people(20)) for _ in numbers]

    for name in ("one", "other"):
        kept(tmp_path, Kernel, 2, {"of": name}, train)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_folder_nothing_is_kept():
    assert len(kept(None, Kernel, 3, {}, lambda numbers: [Kernel() for _ in numbers])) == 3
