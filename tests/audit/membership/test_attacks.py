"""One table for all membership attacks: each finds a planted leak, and leaves fresh records alone."""

import numpy as np
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from tests.audit.planting import affairs, copied

ATTACKS = ["membership.classifier", "membership.density-ratio", "membership.distance"]


def probe(attack, records, data, seed=0):
    return all_checks()[attack]().run(Subject(records_target(records), data, default_policy(), seed))


def test_the_table_is_complete():
    found = {name: check for name, check in all_checks().items() if name.startswith("membership.")}
    assert [name for name, check in found.items() if check.access == "synthetic-only"] == ATTACKS


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_model_that_memorised_half_of_train_fails(attack):
    data, fresh = affairs(0)
    finding, gates = probe(attack, copied(data, fresh, 0.5), data)
    assert finding.status == "fail"
    auc = next(one for one in finding.estimates if one.name == "auc")
    assert auc.low > 0.55
    assert {gate.estimate: gate.status for gate in gates}["auc"] == "fail"


@pytest.mark.parametrize("attack", ATTACKS)
def test_fresh_records_raise_no_alarm(attack):
    data, fresh = affairs(1)
    finding, gates = probe(attack, fresh, data, seed=1)
    assert finding.status in ("pass", "inconclusive")
    assert finding.controls.negative.status == "quiet"
    assert finding.controls.drift.status == "quiet"
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_finding_states_itself_in_full(attack):
    data, fresh = affairs(0)
    finding, gates = probe(attack, fresh, data)
    assert [one.name for one in finding.estimates] == ["auc", "tpr_at_fpr_0.1", "tpr_at_fpr_0.01"]
    assert finding.threat_model.access == "synthetic-only"
    assert all([finding.question, finding.source, finding.remedy, finding.why, finding.threat_model.knowledge])
    assert {figure.kind for figure in finding.figures} == {"roc", "score-histogram"}
    assert set(finding.power["smallest_detectable_share"]) == {"auc", "tpr_at_fpr_0.1", "tpr_at_fpr_0.01"}
    assert len(finding.controls.positive.estimates) == 3
    assert all(gate.excess_low is not None for gate in gates)


def test_a_rate_that_too_few_nonmembers_support_is_not_reported():
    data, fresh = affairs(0)
    few = type(data).from_parts(
        "few", train=data.train, holdout=data.holdout.iloc[:500], reference=data.reference, schema=data.schema
    )
    finding, _ = probe("membership.distance", fresh, few)
    assert [one.name for one in finding.estimates] == ["auc", "tpr_at_fpr_0.1"]


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
