"""The models behind controls are trained like the target."""

import numpy as np
import pytest

from audit.checks import Subject, default_policy
from audit.checks.retrained import budget_of, trained_alike
from audit.targets import model_target, records_target
from generators import InputError, PrivacyBudget, create
from tests.audit.membership.kernel import Kernel, people
from tests.generators.models import toy


@pytest.fixture(scope="module")
def cases():
    data = people(60)
    model = Kernel(width=0.4).fit(data)
    return Subject(model_target(model, 100, 0), data, default_policy(), 0), model


def test_the_target_itself_stands_behind_the_main_case(cases):
    subject, model = cases
    assert subject.retrained.main.model is model


def test_controls_are_of_the_same_kind_and_hyper_parameters(cases):
    subject, model = cases
    for case in (subject.retrained.negative, *subject.retrained.drift):
        assert isinstance(case.model, Kernel)
        assert case.model.width == 0.4
        assert case.model.seed != model.seed
        assert case.model.rows_ == len(case.frames.published)
        assert np.array_equal(case.model.points_.numpy(), case.frames.published.to_numpy())


def test_a_planted_leak_fills_half_of_what_its_model_is_trained_on(cases):
    subject, _ = cases
    case = subject.retrained.planted(0.1, "copies", lambda members, rng: members)  # noqa: ARG005
    learnt = [tuple(row) for row in case.model.points_.tolist()]
    leaked = {tuple(row) for row in case.frames.members.iloc[case.leaked].to_numpy()}
    assert len(leaked) == 6
    assert sum(row in leaked for row in learnt) == pytest.approx(len(learnt) / 2, abs=len(leaked))


def test_records_have_no_model_behind_them():
    data = people(100)
    subject = Subject(records_target(data.reference), data, default_policy(), 0)
    with pytest.raises(InputError, match="there is no model to ask"):
        _ = subject.retrained.main


@pytest.mark.parametrize("preprocessing", [0.0, 0.1])
def test_models_of_a_private_target_are_private_too(preprocessing):
    data = toy.tabular(400)
    budget = PrivacyBudget(epsilon=2, delta=1e-4, preprocessing=preprocessing)
    model = create("tabular-vae", epochs=2, hidden=16, bins=8).fit(data, budget, progress=False)
    found = budget_of(model)
    assert found.delta == 1e-4
    assert found.epsilon <= 2
    target = model_target(model, 100, 0)
    alike, plain = (
        trained_alike(target, data, [np.arange(len(data.train))], [1], private=private)[0] for private in (True, False)
    )
    multiplier = lambda one: next(e for e in one.ledger_ if e.mechanism == "dp-sgd").parameters["noise_multiplier"]  # noqa: E731
    assert multiplier(alike) == pytest.approx(multiplier(model), rel=0.02)
    assert alike.ledger_.claim["epsilon"] <= 2
    assert plain.ledger_.claim is None
