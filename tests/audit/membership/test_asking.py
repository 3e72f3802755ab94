"""One table for all attacks that ask the model: each finds a model that knows people by heart, and spares another."""

import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.statistics import auc
from audit.targets import model_target, records_target
from tests.audit.membership.kernel import Copier, Diffuser, Judge, Kernel, fresh, people, townspeople

ROWS = 600
POLICY = default_policy().override({"shadows": 16, "draws": 300}, "the test")
ATTACKS = {
    "membership.calibrated-loss": Kernel,
    "membership.denoising": Diffuser,
    "membership.discriminator": Judge,
    "membership.lira": Kernel,
    "membership.lira-offline": Kernel,
    "membership.lira-samples": Kernel,
    "membership.loss": Kernel,
    "membership.proximal": Diffuser,
    "membership.queries": Kernel,
    "membership.rmia": Kernel,
    "membership.rmia-samples": Kernel,
    "membership.secmi": Diffuser,
}


def subject_of(model, data, access="white-box", policy=POLICY):
    return Subject(model_target(model, len(data.train), 0, access), data, policy, 0)


@pytest.fixture(scope="module")
def leaky():
    data = people(ROWS)
    return {kind: subject_of(kind(width=0.2).fit(data), data) for kind in set(ATTACKS.values())}


@pytest.fixture(scope="module")
def quiet():
    data = people(ROWS)
    return {kind: subject_of(kind(width=0.2).fit(fresh(data)), data) for kind in set(ATTACKS.values())}


def test_the_table_is_complete():
    membership = {name: check for name, check in all_checks().items() if name.startswith("membership.")}
    asking = [name for name, check in membership.items() if check.costly and check.access != "synthetic-only"]
    elsewhere = ["membership.groundhog", "membership.min-k", "membership.min-k-plus-plus"]
    assert asking == sorted([*ATTACKS, *elsewhere])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_model_that_knows_people_by_heart_fails(attack, leaky):
    finding, _ = all_checks()[attack]().run(leaky[ATTACKS[attack]])
    assert finding.status == "fail", finding.why
    assert finding.estimates[0].low > 0.55
    assert finding.threat_model.access in ("query", "white-box")


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_model_of_other_people_raises_no_alarm(attack, quiet):
    finding, gates = all_checks()[attack]().run(quiet[ATTACKS[attack]])
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}
    chance = {"auc": 0.5, "tpr_at_fpr_0.1": 0.1, "tpr_at_fpr_0.01": 0.01}
    assert all(gate.low <= chance[gate.estimate] <= gate.high for gate in gates)
    assert abs(finding.estimates[0].value - 0.5) < 0.06
    assert finding.controls.negative.status == "quiet"
    assert finding.controls.drift.status == "quiet"
    # What leaked into the base shows, whether or not so few people suffice to be sure of it.
    planted, without = (one.estimates[0].value for one in (finding.controls.positive, finding.controls.negative))
    assert planted > without + 0.01


@pytest.mark.parametrize("leaks", [True, False], ids=["leaks", "leaks-not"])
def test_a_histogram_betrays_whose_town_was_published(leaks):
    data = townspeople(250)
    model = Copier().fit(data if leaks else fresh(data, townspeople))
    many = POLICY.override({"shadows": 128}, "the test")
    finding, gates = all_checks()["membership.groundhog"]().run(subject_of(model, data, policy=many))
    assert finding.controls.negative.status == "quiet"
    if leaks:
        assert finding.status == "fail", finding.why
    else:
        assert {gate.status for gate in gates} <= {"pass", "inconclusive"}


def test_records_without_a_model_cannot_be_asked():
    data = people(100)
    finding, _ = all_checks()["membership.loss"]().run(Subject(records_target(data.reference), data, POLICY, 0))
    assert finding.status == "not-applicable"
    assert finding.why == "needs white-box access; this target gives synthetic-only"


@pytest.mark.parametrize(
    ("attack", "kind", "why"),
    [
        ("membership.loss", Judge, "a toy-judge gives no record a loss or a likelihood"),
        ("membership.discriminator", Kernel, "a toy-kernel has no discriminator"),
        ("membership.denoising", Kernel, "a toy-kernel is no diffusion model"),
        ("membership.min-k", Kernel, "works on text data, not on tabular"),
    ],
)
def test_a_model_without_the_ability_is_not_asked(attack, kind, why):
    data = people(100)
    finding, _ = all_checks()[attack]().run(subject_of(kind().fit(data), data))
    assert (finding.status, finding.why) == ("not-applicable", why)


def test_query_access_leaves_the_attacks_on_samples():
    data = people(100)
    subject = subject_of(Kernel().fit(data), data, access="query")
    assert all_checks()["membership.lira"]().run(subject)[0].status == "not-applicable"
    assert all_checks()["membership.lira-samples"]().unfit(subject) is None


def test_nobody_trains_shadow_models_unasked(quiet):
    finding = all_checks()["membership.lira"]().unasked(quiet[Kernel])
    assert finding.status == "not-run"
    assert "shadow models" in finding.why


def test_every_signal_of_the_model_is_calibrated_and_shown():
    data = people(300)
    subject = subject_of(Diffuser(width=0.2).fit(data), data)
    attack = all_checks()["membership.lira"]()
    (table,) = attack.tables(subject)
    names, areas, heights = zip(*table.rows, strict=True)
    assert names == ("denoising (has the limits)", "discriminator", "proximal", "secmi")
    judged = attack.scored(subject.retrained.main, subject)
    assert areas[0].startswith(f"{auc(judged.members, judged.nonmembers):.3f} (")
    assert all(float(one.partition(" ")[0]) > 0.8 for one in areas)
    assert table.columns[2].startswith("TPR at FPR 10%"), "300 people are too few for 1%"
    assert all(float(one.partition(" ")[0]) > 0.3 for one in heights)
    assert all_checks()["membership.lira"]().tables(subject_of(Kernel(width=0.2).fit(data), data)) == []
