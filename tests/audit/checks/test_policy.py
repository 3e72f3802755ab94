import pytest

from audit.checks import default_policy
from generators import InputError


def test_defaults_are_the_published_ones():
    policy = default_policy()
    limits = {
        ("membership.distance", "auc"): 0.55,
        ("membership.classifier", "tpr_at_fpr_0.1"): 0.15,
        ("membership.density-ratio", "tpr_at_fpr_0.01"): 0.03,
        ("memorization.copies", "excess_copies"): 0.005,
    }
    assert {key: policy.limit(*key).limit for key in limits} == limits
    assert (policy.confidence_shown, policy.confidence_verdict) == (0.95, 0.999)
    assert policy.limit("fidelity.marginals", "mean_distance") is None


def test_a_suite_overrides_one_limit_and_keeps_the_others():
    change = {"limits": {"membership.distance": {"auc": {"limit": 0.52, "reason": "minors"}}}}
    policy = default_policy().override(change, "suite.yaml")
    assert policy.limit("membership.distance", "auc").limit == 0.52
    assert policy.limit("membership.distance", "tpr_at_fpr_0.1").limit == 0.15
    assert policy.limit("membership.classifier", "auc").limit == 0.55


def test_a_later_pattern_wins():
    change = {"limits": {"membership.*": {"auc": {"limit": 0.6, "reason": "r"}}}}
    policy = (
        default_policy().override(change, "s").override({"limits": {"*": {"auc": {"limit": 0.7, "reason": "r"}}}}, "s")
    )
    assert policy.limit("membership.distance", "auc").limit == 0.7


def test_null_takes_a_limit_away_and_a_suite_may_set_it_again():
    policy = default_policy()
    assert policy.limit("membership.monte-carlo", "auc") is None
    change = {"limits": {"membership.monte-carlo": {"auc": {"limit": 0.6, "reason": "r"}}}}
    assert policy.override(change, "s").limit("membership.monte-carlo", "auc").limit == 0.6
    assert policy.override({"limits": {"*": {"auc": None}}}, "s").limit("membership.distance", "auc") is None


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"confidence_verdict": 2}, "confidence_verdict"),
        ({"unknown": 1}, "unknown"),
        ({"limits": {"membership.*": {"auc": {"limit": 0.5}}}}, "reason"),
        ({"limits": {"membership.*": {"auc": {"limit": "high", "reason": "r"}}}}, "limit"),
        ({"limits": {"membership.*": 3}}, "membership"),
    ],
)
def test_a_senseless_change_is_named(change, names):
    with pytest.raises(InputError, match=names) as caught:
        default_policy().override(change, "suite.yaml")
    assert str(caught.value).startswith("suite.yaml: ")
    assert "\n" not in str(caught.value)
