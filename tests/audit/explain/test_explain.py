"""Explanations find a planted leak's driver and victims, have nothing to explain without one, and print no record."""

import numpy as np
import pandas as pd
import pytest
import torch

from audit.checks import Subject, all_checks, default_policy
from audit.measures.attribution import integrated_gradients
from audit.targets import model_target
from generators import create
from tests.audit.contents import leaked, thirds
from tests.audit.fidelity.probing import probe, values
from tests.audit.planting import thirds as tables


@pytest.fixture(scope="module")
def parts():
    from generators import load_dataset

    return tables(load_dataset("randhie"), 0, 800)


def copies(data, fresh, share=0.5):
    count = round(share * len(fresh))
    return pd.concat([data.train.iloc[:count], fresh.iloc[count:]], ignore_index=True)


def test_without_a_leak_there_is_nothing_to_explain(parts):
    data, fresh = parts
    finding = probe("explain.drivers", fresh, data)
    assert "nothing to explain" in finding.why
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"


def test_a_leak_is_owed_to_columns(parts):
    data, fresh = parts
    finding = probe("explain.drivers", copies(data, fresh, 0.9), data)
    found = {one.name: one for one in finding.estimates}
    assert found["explained_auc"].low > 0.6
    assert found["largest_importance"].low > 0
    assert "without" in finding.why
    shares = [float(row[2].rstrip("%")) for row in finding.tables[0].rows]
    assert sum(shares) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_contents_are_explained_by_region_or_passage(modality):
    data, fresh = thirds(modality, 0, 100)
    finding = probe("explain.drivers", leaked(data, fresh, 0.8), data)
    assert values(finding)["explained_auc"] > 0.7
    assert all(row[0].startswith(("region", "passage")) for row in finding.tables[0].rows)


def test_the_unusual_are_exposed_when_they_are_copied(parts):
    data, fresh = parts
    clean = probe("explain.exposed-kinds", fresh, data)
    assert "not found more easily" in clean.why
    assert clean.controls.positive.status == "detected"
    assert values(clean)["unusual_auc"] == pytest.approx(0.5, abs=0.1)


def test_copies_lie_closer_to_train_and_agree_in_every_column(parts):
    data, fresh = parts
    assert values(probe("explain.nearest", fresh, data))["closer_to_train"] == pytest.approx(0.5, abs=0.06)
    finding = probe("explain.nearest", copies(data, fresh), data)
    assert finding.estimates[0].value > 0.58
    for row in finding.tables[0].rows:
        assert row[1] == "100.0%"
        assert len(row) == 3


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_fresh_contents_lie_as_close_to_train_as_to_others_and_copies_closer(modality):
    data, fresh = thirds(modality, 0, 300)
    finding = probe("explain.nearest", fresh, data)
    assert finding.estimates[0].low < 0.5 < finding.estimates[0].high
    assert finding.controls.positive.status == "detected"
    assert finding.controls.negative.status == "quiet"


def test_ways_through_a_latent_space_lead_nowhere_near_train():
    data, _ = thirds("image", 0, 420)
    model = create("image-gaussian").fit(data)
    subject = Subject(model_target(model, 420, seed=0), data, default_policy(), 0)
    finding, _ = all_checks()["explain.latent"]().run(subject)
    assert finding.status == "manual"
    assert finding.estimates[0].low < 0.5
    assert finding.controls.positive.status == "detected"
    assert finding.tables[0].rows[0][0] == "direction 1"
    assert probe("explain.latent", data.reference, data).status == "not-applicable"


def test_attributions_sum_to_the_difference_of_scores():
    rng = np.random.default_rng(0)
    rows, baseline = rng.normal(size=(5, 4)), rng.normal(size=4)

    def score(points):
        return (points**2).sum(dim=1) + torch.sin(points[:, 0])

    found = integrated_gradients(score, rows, baseline, steps=64)
    ends = [score(torch.tensor(one)).numpy() for one in (rows, baseline[None])]
    assert found.sum(axis=1) == pytest.approx(ends[0] - ends[1], abs=1e-3)


def test_attributions_equal_captum():
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    rng = np.random.default_rng(0)
    rows, baseline = rng.normal(size=(5, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)

    def score(points):
        return torch.logsumexp(points * torch.tensor([1.0, 2.0, -1.0, 0.5]), dim=1)

    peer = captum.IntegratedGradients(score).attribute(
        torch.tensor(rows), torch.tensor(baseline)[None], n_steps=200, method="riemann_middle"
    )
    assert integrated_gradients(score, rows, baseline, steps=200) == pytest.approx(peer.numpy(), abs=1e-5)
