"""The models behind controls are trained like the target."""

from dataclasses import replace

import numpy as np
import pytest

from audit.checks import Subject, default_policy
from audit.checks.retrained import budget_of, how_learnt, trained_alike
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


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_a_planted_leak_fills_half_of_a_training_set_of_the_targets_size(cases, share):
    subject, model = cases
    case = subject.retrained.planted(share, "copies", lambda members, rng: members)  # noqa: ARG005
    learnt = [tuple(row) for row in case.model.points_.tolist()]
    leaked = {tuple(row) for row in case.frames.members.iloc[case.leaked].to_numpy()}
    assert len(leaked) == round(60 * share)
    assert len(learnt) == pytest.approx(model.rows_, abs=len(leaked))
    assert sum(row in leaked for row in learnt) == case.copies * len(leaked)
    assert case.copies * len(leaked) == pytest.approx(len(learnt) / 2, abs=len(leaked))
    said = how_learnt([subject.retrained.main, case])
    assert f"{case.copies} times among {len(learnt)} training records" in said
    assert how_learnt([subject.retrained.main, subject.scored.like(case)]) == ""


def test_cases_with_and_without_models_are_about_the_same_people(cases):
    subject, model = cases
    with_models, without = subject.retrained, subject.scored
    assert with_models.asks_the_same(without)
    assert not with_models.asks_the_same(replace(subject, seed=1).scored)
    planted = without.planted(0.1, "copies", lambda members, rng: members)  # noqa: ARG005
    for case in (without.main, without.negative, *without.drift, planted):
        found = with_models.like(case)
        assert found.name == case.name
        assert found.model is not None
        assert np.array_equal(found.member_rows, case.member_rows)
        assert found.frames.published.equals(case.frames.published)
    assert with_models.like(without.main).model is model
    with pytest.raises(ValueError, match="about different people"):
        replace(subject, seed=1).retrained.like(planted)


def test_whoever_asks_the_model_sees_all_that_it_learnt():
    data = people(300)
    target = model_target(Kernel(width=0.4).fit(data), 300, 0)
    subject = Subject(target, data, default_policy().override({"max_synthetic": 100}, "the test"), 0)
    assert subject.scored.main.looked_at == pytest.approx(1 / 3)
    assert subject.retrained.main.looked_at == 1


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
