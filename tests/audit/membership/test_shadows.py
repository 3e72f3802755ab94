"""Who is in which shadow model."""

import numpy as np
import pytest
from scipy.stats import norm

from audit.checks import Subject, default_policy
from audit.checks.cases import Part
from audit.membership.lira import _moments, offline, online, shrunken
from audit.membership.rmia import relative_likelihood
from audit.membership.shadows import FEWEST_INSIDE, Shadowed, Shadows, _memberships, within_range
from audit.statistics import auc
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
    most = max(size, inside[:, :200].sum(axis=1).max())
    assert (inside.sum(axis=1) == np.minimum(most, inside[:, :200].sum(axis=1) + 150)).all()


def test_whether_one_is_in_says_nothing_about_the_others():
    inside = memberships((100, 100, 50), 2000, 100)[:, :200]
    others = inside[:, 1:].sum(axis=1)
    assert abs(others[inside[:, 0]].mean() - others[~inside[:, 0]].mean()) < 2


@pytest.mark.parametrize(("holdout", "expected"), [(100, 32), (300, 16), (700, 8), (10_000, FEWEST_INSIDE)])
def test_shadows_are_as_large_as_the_target_however_large_the_holdout(holdout, expected):
    inside = memberships((100, holdout, 200), 64, 100)
    assert (inside[:, : 100 + holdout].sum(axis=0) == expected).all()
    if expected > FEWEST_INSIDE:
        assert inside.sum(axis=1).mean() == pytest.approx(100, rel=0.35)
        assert inside[:, : 100 + holdout].sum(axis=1).mean() == pytest.approx(100, rel=0.01)


def test_impossible_records_leave_numbers():
    told, member = signals(16, records=200)
    target, shadows = told.target.copy(), told.shadows.copy()
    target[:3], shadows[:, 1:5], shadows[0, 7] = -np.inf, -np.inf, np.nan
    least = min(target[np.isfinite(target)].min(), shadows[np.isfinite(shadows)].min())
    target, shadows = within_range(target, shadows)
    assert (target[:3] == least).all()
    assert (shadows[:, 1:5] == least).all()
    asked = Shadowed(target, shadows, told.inside)
    for scores in (online(asked), offline(asked), relative_likelihood(asked, asked)):
        assert np.isfinite(scores).all()
        assert auc(scores[member], scores[~member]) > 0.55
    nothing = within_range(np.full(2, -np.inf), np.full((4, 2), -np.inf))
    assert all(np.isfinite(one).all() for one in nothing)


@pytest.mark.parametrize("freedom", [3, 7, 31])
@pytest.mark.parametrize("scatter", [0.0, 1.0])
def test_shrunken_deviations_err_less_than_each_record_s_own_and_than_one_for_all(freedom, scatter):
    rng = np.random.default_rng(0)
    true = np.exp(scatter * rng.normal(size=2000))
    own = true * rng.chisquare(freedom, 2000) / freedom
    error = {
        name: np.square(np.log(found) - np.log(true)).mean()
        for name, found in (
            ("own", own),
            ("one", np.full(2000, own.mean())),
            ("shrunken", shrunken(own, np.full(2000, freedom))),
        )
    }
    assert error["shrunken"] < 1.02 * min(error["own"], error["one"]) + 0.002


@pytest.mark.parametrize("variances", [[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [1.0, 1.0, 1.0], [2.0]])
def test_variances_that_tell_nothing_leave_numbers(variances):
    found = shrunken(np.array(variances), np.full(len(variances), 3))
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_records_known_by_heart_are_told_although_shadows_agree_about_them():
    """Under shadows that saw them, signals of by-heart records hardly differ; that once took their rank away."""
    rng = np.random.default_rng(0)
    told, member = signals(64, gap=3.0)
    heart = np.arange(2000) % 4 == 0
    shadows = np.where(
        told.inside & heart, told.shadows.mean(axis=0) + 6 + 0.05 * rng.normal(size=(64, 2000)), told.shadows
    )
    target = np.where(member & heart, told.shadows.mean(axis=0) + 9, told.target)
    found = online(Shadowed(target, shadows, told.inside))
    assert np.median(found[member & heart]) > np.quantile(found[~member], 0.999)
    assert np.median(found[member & heart]) > np.median(found[member & ~heart])


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
    told, _ = signals(gap=3.0)
    wide = Shadowed(
        told.target, told.shadows + told.inside * np.random.default_rng(1).normal(size=(64, 1)), told.inside
    )
    mean, deviation = zip(*(_moments(wide.shadows, which) for which in (wide.inside, ~wide.inside)), strict=True)
    expected = norm.logpdf(told.target, mean[0], deviation[0]) - norm.logpdf(told.target, mean[1], deviation[1])
    assert (deviation[0] > deviation[1]).mean() > 0.9
    rises = (deviation[0] > deviation[1]) & (told.target > mean[1])
    assert np.isclose(online(wide)[rises], expected[rises]).mean() > 0.98


def test_ratio_never_falls_as_the_signal_rises():
    told, _ = signals(shadows=64)
    steps = [online(Shadowed(told.target + step, told.shadows, told.inside)) for step in np.linspace(-6, 6, 25)]
    assert (np.diff(steps, axis=0) >= -1e-9).all()


@pytest.mark.parametrize("shadows", [16, 64])
def test_shadows_find_what_the_signal_alone_hides(shadows):
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
