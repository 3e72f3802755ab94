"""One table for all membership attacks: each finds a planted leak, and leaves fresh records alone."""

import numpy as np
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.membership.attack import _counts
from audit.targets import records_target
from tests.audit.planting import affairs, copied

GATED = [
    "membership.averaged",
    "membership.calibrated-distance",
    "membership.classifier",
    "membership.combined",
    "membership.density-ratio",
    "membership.distance",
    "membership.exposed",
]
UNGATED = ["membership.monte-carlo"]
NEEDS_PEOPLE = ["membership.persons"]


def subject_of(records, data, seed=0, **more):
    return Subject(records_target(records), data, default_policy(), seed, **more)


def probe(attack, records, data, seed=0):
    return all_checks()[attack]().run(subject_of(records, data, seed))


@pytest.fixture(scope="module")
def memorised():
    """Half of train stands among the published records; all attacks share what they compute."""
    data, fresh = affairs(0)
    return subject_of(copied(data, fresh, 0.5), data)


@pytest.fixture(scope="module")
def quiet():
    """Nobody leaked."""
    data, fresh = affairs(1)
    return subject_of(fresh, data, seed=1)


def test_the_table_is_complete():
    records_only = [
        name
        for name, kind in all_checks().items()
        if name.startswith("membership.") and kind.access == "synthetic-only" and not kind.costly
    ]
    assert records_only == sorted(GATED + UNGATED + NEEDS_PEOPLE)


@pytest.mark.parametrize("attack", GATED)
def test_a_model_that_memorised_half_of_train_fails(attack, memorised):
    finding, gates = all_checks()[attack]().run(memorised)
    assert finding.status == "fail"
    auc = next(one for one in finding.estimates if one.name.endswith("auc"))
    assert auc.low > auc.limit
    assert next(gate for gate in gates if gate.estimate == auc.name).status == "fail"


@pytest.mark.parametrize("attack", GATED + UNGATED)
def test_fresh_records_raise_no_alarm(attack, quiet):
    finding, gates = all_checks()[attack]().run(quiet)
    assert finding.status in ("pass", "inconclusive", "manual")
    assert finding.controls.negative.status == "quiet"
    assert finding.controls.drift.status == "quiet"
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}


@pytest.mark.parametrize("attack", GATED + UNGATED)
def test_a_finding_states_itself_in_full(attack, quiet):
    finding, gates = all_checks()[attack]().run(quiet)
    names = [one.name for one in finding.estimates]
    assert names == list(all_checks()[attack].measures)[: len(names)]
    assert len(names) >= 2
    assert finding.threat_model.access == "synthetic-only"
    assert all([finding.question, finding.source, finding.remedy, finding.why, finding.threat_model.knowledge])
    assert {figure.kind for figure in finding.figures} == {"roc", "score-histogram"}
    if attack in GATED:
        assert set(finding.power["smallest_detectable_share"]) == set(names)
        assert len(finding.controls.positive.estimates) == len(gates)
        assert all(gate.excess_low is not None for gate in gates)
    else:
        assert gates == []
        assert finding.status == "manual"


def test_monte_carlo_finds_what_it_can(memorised):
    finding, _ = all_checks()["membership.monte-carlo"]().run(memorised)
    assert finding.estimates[0].low > 0.52


def test_all_signals_together_find_as_much_as_the_best_alone(memorised):
    found = {
        name: {one.name: one.value for one in all_checks()[name]().run(memorised)[0].estimates}
        for name in GATED + UNGATED
        if name != "membership.exposed"
    }
    together = found.pop("membership.combined")
    for measure in ("auc", "tpr_at_fpr_0.1", "tpr_at_fpr_0.01"):
        assert together[measure] > max(one[measure] for one in found.values()) - 0.01


def test_a_rate_that_too_few_nonmembers_support_is_not_reported():
    data, fresh = affairs(0)
    few = type(data).from_parts(
        "few", train=data.train, holdout=data.holdout.iloc[:500], reference=data.reference, schema=data.schema
    )
    finding, _ = probe("membership.distance", fresh, few)
    assert [one.name for one in finding.estimates] == ["auc", "tpr_at_fpr_0.1"]
    assert "it needs 1,000 people who were not trained on, and there are 500" in finding.why


def test_drift_between_the_parts_is_not_taken_for_membership():
    """Older people in train than in the holdout: fresh records like train's look nearer to train, and leak nothing."""
    data, fresh = affairs(0)
    everyone = np.concatenate([frame["age"].to_numpy() for frame in (data.train, data.holdout, data.reference, fresh)])
    older = lambda frame: frame[frame["age"] > np.median(everyone)]  # noqa: E731
    younger = lambda frame: frame[frame["age"] <= np.median(everyone)]  # noqa: E731
    drifted = type(data).from_parts(
        "drifted",
        train=older(data.train).reset_index(drop=True),
        holdout=younger(data.holdout).reset_index(drop=True),
        reference=younger(data.reference).reset_index(drop=True),
        schema=data.schema,
    )
    finding, _ = probe("membership.distance", older(fresh).reset_index(drop=True), drifted)
    auc = next(one for one in finding.estimates if one.name == "auc")
    assert auc.low > 0.55
    assert auc.null > 0.55
    assert finding.controls.drift.status == "fired"
    assert finding.status not in ("warn", "fail")


def test_many_records_a_person_widen_the_interval():
    data, fresh = affairs(0)

    def with_people(frame, first):
        repeated = frame.loc[frame.index.repeat(4)].reset_index(drop=True)
        return repeated.assign(person=[f"{first}{i // 4}" for i in range(len(repeated))])

    from dataclasses import replace

    from generators import Column

    schema = replace(data.schema, columns=(*data.schema.columns, Column("person", "identifier")), unit="person")
    parts = {name: with_people(data.parts[name].iloc[:500], name[0]) for name in ("train", "holdout", "reference")}
    grouped = replace(data, schema=schema, parts=parts)
    alone = replace(grouped, schema=replace(schema, unit=None))
    published = with_people(fresh.iloc[:500], "s")
    widths = []
    for dataset in (grouped, alone):
        finding, _ = probe("membership.distance", published, dataset)
        auc = next(one for one in finding.estimates if one.name == "auc")
        widths.append(auc.high - auc.low)
        assert auc.n == (500 if dataset is grouped else 2000)
    assert widths[0] > 1.7 * widths[1]


def test_a_histogram_shows_no_bin_of_fewer_than_five_people():
    """Six like records of one person are one person's, and are hidden together with the next smallest bin."""
    scores, people = np.repeat([0.0, 1.0, 2.0], [6, 6, 8]), np.r_[np.zeros(6, dtype=int), np.arange(1, 15)]
    assert _counts(scores, people, np.array([-0.5, 0.5, 1.5, 2.5])) == [None, None, 8]
    assert _counts(scores, np.arange(20), np.array([-0.5, 0.5, 1.5, 2.5])) == [6, 6, 8]


def test_two_hidden_bins_do_not_follow_from_the_sum():
    scores = np.repeat([0.0, 1.0, 2.0, 3.0], [40, 30, 1, 1])
    edges = np.array([-0.5, 0.5, 1.5, 2.5, 3.5])
    assert _counts(scores, np.arange(72), edges) == [40, None, None, None]
