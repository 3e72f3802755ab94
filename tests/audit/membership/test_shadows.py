"""Who is in which shadow model."""

import numpy as np
import pytest
from scipy.stats import norm

from audit.checks import Subject, default_policy
from audit.checks.cases import Part
from audit.membership.lira import offline, online
from audit.membership.rmia import relative_likelihood
from audit.membership.shadows import Shadowed, Shadows, _memberships
from audit.targets import model_target
from tests.audit.membership.kernel import Kernel, people


def memberships(sizes, shadows, size, per_person=1):
    *asked, reference = (Part(None, np.repeat(np.arange(one // per_person), per_person), None) for one in sizes)
    return _memberships(asked, reference, shadows, size, np.random.default_rng(0))


@pytest.mark.parametrize("size", [100, 300])
def test_everybody_asked_about_is_in_half_of_the_shadows(size):
    inside = memberships((80, 120, 150), 8, size)
    assert inside.shape == (8, 350)
    assert (inside[:, :200].sum(axis=0) == 4).all()
    assert (inside[0::2, :200] != inside[1::2, :200]).all()
    most = max(size, inside[:, :200].sum(axis=1).max())
    assert (inside.sum(axis=1) == np.minimum(most, inside[:, :200].sum(axis=1) + 150)).all()


def test_whether_one_is_in_says_nothing_about_the_others():
    inside = memberships((100, 100, 50), 2000, 100)[0::2, :200]
    others = inside[:, 1:].sum(axis=1)
    assert abs(others[inside[:, 0]].mean() - others[~inside[:, 0]].mean()) < 2


def test_people_come_as_a_whole():
    inside = memberships((80, 120, 150), 8, 170, per_person=5)
    by_person = inside.reshape(8, -1, 5)
    assert (by_person.all(axis=2) | ~by_person.any(axis=2)).all()


def test_equal_subjects_have_equal_shadows():
    data = people(60)
    policy = default_policy().override({"shadows": 8}, "the test")
    one, other = (Shadows(Subject(model_target(Kernel().fit(people(60)), 100, 0), data, policy, 3)) for _ in range(2))
    assert (one.inside == other.inside).all()
    assert [model.seed for model in one.models] == [model.seed for model in other.models]


def signals(shadows=64, records=2000, gap=1.0, seed=0):
    """Signals of records half of which were in the target, each with a level of its own; and of a population."""
    rng = np.random.default_rng(seed)
    level = 5 * rng.normal(size=records)
    inside = np.stack([row for _ in range(shadows // 2) for row in _pair(rng, records)])
    member = np.arange(records) < records // 2
    draw = lambda within: level + gap * within + rng.normal(size=np.shape(within))  # noqa: E731
    return Shadowed(draw(member), draw(inside), inside), member


def _pair(rng, records):
    half = rng.permutation(records) < records // 2
    return half, ~half


def test_online_ratio_is_the_published_formula_where_it_rises():
    told, _ = signals(gap=2.0)
    inside, out = (np.where(which, told.shadows, np.nan) for which in (told.inside, ~told.inside))
    expected = norm.logpdf(told.target, np.nanmean(inside, 0), np.nanstd(inside, 0, ddof=1)) - norm.logpdf(
        told.target, np.nanmean(out, 0), np.nanstd(out, 0, ddof=1)
    )
    assert np.isclose(online(told), expected).mean() > 0.98


def test_ratio_never_falls_as_the_signal_rises():
    told, _ = signals(shadows=64)
    steps = [online(Shadowed(told.target + step, told.shadows, told.inside)) for step in np.linspace(-6, 6, 25)]
    assert (np.diff(steps, axis=0) >= -1e-9).all()


@pytest.mark.parametrize("shadows", [16, 64])
def test_shadows_find_what_the_signal_alone_hides(shadows):
    from audit.statistics import auc

    told, member = signals(shadows, gap=2.0)
    others, _ = signals(shadows, gap=2.0, seed=1)
    nobody = Shadowed(others.target[~member], others.shadows[:, ~member], others.inside[:, ~member])
    assert auc(told.target[member], told.target[~member]) < 0.65
    for scores in (online(told), offline(told), relative_likelihood(told, nobody)):
        assert auc(scores[member], scores[~member]) > 0.85


def test_relative_likelihood_is_the_share_of_the_population_that_is_beaten():
    told, _ = signals(16, records=200)
    others, _ = signals(16, records=100, seed=1)
    mean = lambda one: np.log(np.exp(one.shadows).mean(axis=0))  # noqa: E731
    ratio, rest = told.target - mean(told), others.target - mean(others)
    for gamma in (1.0, 2.0):
        share = (np.exp(ratio)[:, None] / np.exp(rest)[None, :] >= gamma).mean(axis=1)
        assert relative_likelihood(told, others, gamma) == pytest.approx(share, abs=0.01)
