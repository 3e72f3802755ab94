"""Images are extracted when they stand closer than their neighbourhood explains, blurred copies included."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from audit.checks import Subject, default_policy
from audit.memorization import ImageExtraction
from audit.targets import records_target
from tests.audit.contents import leaked, thirds


def probe(published, data, seed=0):
    return ImageExtraction().run(Subject(records_target(published, data.modality), data, default_policy(), seed))


@pytest.fixture(scope="module")
def drawn():
    return thirds("image", 0)


@pytest.mark.parametrize("careless", [False, True])
def test_the_planted_share_is_recovered(drawn, careless):
    data, fresh = drawn
    finding, gates = probe(leaked(data, fresh, 0.2, careless=careless), data)
    assert finding.estimates[0].low <= 0.2 <= finding.estimates[0].high
    assert gates[0].status == "fail"
    assert 0 < finding.power["smallest_detectable_share"]["excess_extracted"] < 0.2


def test_a_smoothed_copy_still_shows_the_image(drawn):
    data, _ = drawn
    smooth = data.train.assign(
        image=[gaussian_filter(cell.astype(float), (0.6, 0.6, 0)).astype(np.uint8) for cell in data.train["image"]]
    )
    finding, _ = probe(smooth, data)
    assert finding.status == "fail"


def test_fresh_images_raise_no_alarm(drawn):
    data, fresh = drawn
    finding, gates = probe(fresh, data)
    assert gates[0].status in ("pass", "inconclusive"), finding.why
    assert finding.controls.negative.status == "quiet"


def test_only_images_are_asked_about():
    data, fresh = thirds("text", 0, 100)
    finding, _ = probe(fresh, data)
    assert finding.status == "not-applicable"
