import numpy as np
import pytest

from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import affairs, thirds


@pytest.fixture(scope="module")
def parts():
    from generators import load_dataset

    return thirds(load_dataset("breast-cancer"), 0, 180)


def shuffled(frame, column):
    return frame.assign(**{column: frame[column].to_numpy()[np.random.default_rng(0).permutation(len(frame))]})


def test_importances_agree_on_fresh_records_and_not_on_shuffled_ones(parts):
    data, fresh = parts
    finding = probe("utility.importance", fresh, data)
    worse = probe("utility.importance", shuffled(fresh, data.schema.target), data)
    assert values(finding)["agreement"] > values(worse)["agreement"]
    assert finding.controls.positive.status in ("detected", "missed")
    assert len(finding.tables[0].rows) == 20


def test_queries_are_answered_by_fresh_records():
    data, fresh = affairs(0)
    finding = probe("utility.queries", fresh, data)
    assert finding.status == "manual"
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"
    spoilt = probe("utility.queries", shuffled(fresh, "yrs_married"), data)
    assert values(spoilt)["p_value"] == pytest.approx(0.001)
    assert values(spoilt)["count_error"] > values(finding)["count_error"]
    assert values(spoilt)["average_error"] > values(finding)["average_error"]
