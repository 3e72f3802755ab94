"""What is measured of images, texts and recordings: fresh ones reach the floor, damaged ones do not."""

import numpy as np
import pandas as pd
import pytest

from audit.checks import Subject, all_checks, default_policy
from audit.targets import model_target
from generators import create
from generators.datasets.payload import payload_frame
from tests.audit.contents import thirds
from tests.audit.fidelity.probing import probe, values
from tests.generators.models.toy import text as toy_text

TEXT_CHECKS = ["fidelity.vocabulary", "fidelity.perplexity", "fidelity.overlap", "fidelity.mauve", "diversity.phrases"]


@pytest.fixture(scope="module")
def texts():
    """Sentences of a small grammar, in four parts."""
    data = toy_text(480)
    return data, toy_text(960).train.iloc[:120].reset_index(drop=True)


@pytest.mark.parametrize("check", TEXT_CHECKS)
def test_fresh_texts_reach_the_floor(check, texts):
    data, fresh = texts if check == "fidelity.overlap" else thirds("text", 0)  # nonsense shares no phrases
    finding = probe(check, fresh, data)
    assert finding.status == "manual"
    assert finding.controls.positive.status == "detected"
    for one, floor in zip(finding.estimates, finding.controls.negative.estimates, strict=True):
        assert one.name == "p_value" or (one.low <= floor.high and floor.low <= one.high)


@pytest.mark.parametrize(
    ("check", "estimate", "worse"),
    [
        ("fidelity.vocabulary", "length_distance", np.greater),
        ("fidelity.perplexity", "reference_perplexity", np.greater),
        ("fidelity.overlap", "bleu", np.less),
        ("fidelity.mauve", "mauve_themes", np.less),
    ],
)
def test_garbled_texts_do_not(check, estimate, worse, texts):
    data, fresh = texts
    garbled = fresh.assign(text=[" ".join(sorted(text)) for text in fresh["text"]])
    assert worse(values(probe(check, garbled, data))[estimate], values(probe(check, fresh, data))[estimate])


def test_texts_that_are_empty_are_no_crash(texts):
    data, fresh = texts
    empty = fresh.assign(text=pd.Series([""] * len(fresh), dtype=object))
    for check in TEXT_CHECKS:
        assert probe(check, empty, data).status in ("manual", "not-applicable")


def test_one_text_again_and_again_is_repetition(texts):
    data, fresh = texts
    same = fresh.assign(text=pd.Series(["the cat sees a fish."] * len(fresh), dtype=object))
    finding = probe("diversity.phrases", same, data)
    assert values(finding)["self_bleu"] == pytest.approx(100)
    assert values(finding)["distinct_2"] < 0.02


def test_images_of_one_label_score_low():
    data, fresh = thirds("image", 0)
    finding = probe("fidelity.inception-score", fresh, data)
    assert finding.controls.positive.status == "detected"
    left = fresh[fresh["label"] == "left"].reset_index(drop=True)
    assert values(probe("fidelity.inception-score", left, data))["score_gradients"] < values(finding)["score_gradients"]


def test_images_without_labels_have_no_inception_score():
    data, fresh = thirds("image", 0, 100)
    from dataclasses import replace

    from generators import Schema

    bare = replace(
        data,
        schema=Schema(data.schema.columns[:1]),
        parts={name: frame[["image"]] for name, frame in data.parts.items()},
    )
    finding = probe("fidelity.inception-score", payload_frame(data.schema.columns[0], list(fresh["image"])), bare)
    assert finding.status == "not-applicable"
    assert "label" in finding.why


def test_a_model_that_encodes_is_asked_to_reconstruct():
    data, _ = thirds("image", 0, 150)
    model = create("image-gaussian").fit(data)
    subject = Subject(model_target(model, 150, seed=0), data, default_policy(), 0)
    finding, _ = all_checks()["fidelity.reconstruction"]().run(subject)
    found = {one.name: one for one in finding.estimates}
    floor = {one.name: one.value for one in finding.controls.negative.estimates}
    assert finding.status == "manual"
    assert set(found) == {"psnr", "ssim"}
    assert found["psnr"].low > floor["psnr"]
    assert probe("fidelity.reconstruction", data.reference, data).status == "not-applicable"
