import numpy as np
import pytest

from audit.diversity.duplicates import identities
from tests.audit.contents import thirds
from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import affairs


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_repeated_contents_are_counted(modality):
    data, fresh = thirds(modality, 0, 100)
    assert values(probe("diversity.duplicates", fresh, data))["repeated"] == 0
    twice = fresh.iloc[np.arange(100) // 2].reset_index(drop=True)
    finding = probe("diversity.duplicates", twice, data)
    assert values(finding)["repeated"] == 0.5
    assert finding.controls.positive.status == "detected"


def test_identities_are_equal_rows():
    data, fresh = affairs(0)
    codes = identities(fresh, data.schema)
    assert len(np.unique(codes)) == len(fresh.drop_duplicates())


def test_a_lost_mode_is_missing_mass():
    data, fresh = affairs(0)
    young = fresh["yrs_married"] <= 6
    finding = probe("diversity.modes", fresh[young].reset_index(drop=True), data)
    found = {one.name: one for one in finding.estimates}
    assert found["missing_mass"].low > 0.1
    assert found["different_modes"].value > 0.2
    assert finding.tables[0].rows[0][2] in ("missing", "crowded")


def test_fewer_records_than_two_modes_need_are_not_applicable():
    data, fresh = thirds("image", 0, 40)
    fresh = fresh.iloc[np.arange(100) % 40].reset_index(drop=True)
    assert probe("diversity.modes", fresh, data).status == "not-applicable"
