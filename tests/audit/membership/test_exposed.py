"""The exposed are chosen without knowing who was a member, and a leak that hits only them is found."""

import numpy as np
import pandas as pd
import pytest

from audit.checks import all_checks
from audit.membership.unusual import RULES, exposure
from tests.audit.membership.test_attacks import subject_of
from tests.audit.planting import affairs

CHECK = "membership.exposed"


@pytest.fixture(scope="module")
def outliers_leaked():
    """The twentieth of train that lies farthest from the reference is published."""
    data, fresh = affairs(0)
    case = subject_of(fresh, data).scored.main
    far = np.argsort(-exposure("outliers", case, case.members))[: len(data.train) // 20]
    published = pd.concat([data.train.iloc[far], fresh.iloc[len(far) :]], ignore_index=True)
    return subject_of(published, data)


def test_a_leak_of_outliers_is_found_among_them(outliers_leaked):
    finding, gates = all_checks()[CHECK]().run(outliers_leaked)
    everyone, _ = all_checks()["membership.distance"]().run(outliers_leaked)
    assert finding.status == "fail"
    assert finding.estimates[0].name == "exposed_auc"
    assert finding.estimates[0].value > everyone.estimates[0].value + 0.1
    assert {gate.estimate for gate in gates} == {"exposed_auc", "exposed_tpr_at_fpr_0.1"}
    assert [row[0] for row in finding.tables[0].rows] == list(RULES.values())


@pytest.mark.parametrize("rule", RULES)
def test_rules_rank_the_unusual_first(rule):
    data, fresh = affairs(0)
    odd = data.train.copy()
    # The schema calls every column a number there, so a category is added that few have.
    odd["kind"] = pd.Series(["rare" if i < 20 else "usual" for i in range(len(odd))], dtype=object)
    odd["other"] = pd.Series([("a", "b")[i % 2] for i in range(len(odd))], dtype=object)
    from dataclasses import replace

    from generators import Column

    columns = (Column("kind", "categorical", levels=("rare", "usual")), Column("other", "boolean", levels=("a", "b")))
    schema = replace(data.schema, columns=(*data.schema.columns, *columns))
    usual = {
        name: data.parts[name].assign(
            kind=pd.Series(["usual"] * len(data.parts[name]), dtype=object),
            other=pd.Series(["ab"[i % 2] for i in range(len(data.parts[name]))], dtype=object),
        )
        for name in ("holdout", "reference")
    }
    whole = replace(data, schema=schema, parts={"train": odd, **usual})
    published = fresh.assign(
        kind=pd.Series(["usual"] * len(fresh), dtype=object), other=pd.Series(["a"] * len(fresh), dtype=object)
    )
    case = subject_of(published, whole).scored.main
    found = exposure(rule, case, case.members)
    rows = case.members.origin[1]
    assert np.median(found[rows < 20]) > np.median(found[rows >= 20])


def test_too_few_records_are_not_chosen_from():
    data, fresh = affairs(0)
    few = type(data).from_parts(
        "few", train=data.train, holdout=data.holdout[:150], reference=data.reference, schema=data.schema
    )
    finding, _ = all_checks()[CHECK]().run(subject_of(fresh, few))
    assert finding.status == "not-applicable"
    assert "150 records of one kind are too few" in finding.why
