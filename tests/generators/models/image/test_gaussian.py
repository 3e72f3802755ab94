from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.fft import dctn
from scipy.stats import multivariate_normal

from generators import Column, Dataset, InputError, PrivacyBudget
from generators.datasets.payload import payload_frame, payload_schema
from generators.encoding.images import to_tensor
from generators.models.image import gaussian
from generators.models.image.gaussian import ImageGaussian
from generators.training import Checkpoints
from tests.generators.models.toy import image

Floats = np.ndarray[Any, np.dtype[np.float64]]


def smooth(records: int = 600, side: int = 8, channels: int = 1, levels: int = 3, person: bool = False) -> Dataset:
    """A wave whose direction follows the label, with a phase of its own, in grey that differs from image to image."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, levels, records)
    down, right = np.mgrid[:side, :side] / side
    angle, phase = np.pi * labels / levels, rng.normal(0, 0.6, records)
    along = np.cos(angle)[:, None, None] * down + np.sin(angle)[:, None, None] * right
    grey = rng.normal(128, 20, (records, 1, 1, 1))
    waves = 60 * np.sin(2 * np.pi * along + phase[:, None, None])[..., None]
    noise = rng.normal(0, 3, (records, side, side, channels))
    pixels = (grey + waves + noise).clip(0, 255).astype(np.uint8)
    column = Column("image", "image", shape=(side, side, channels))
    texts = {"way": [str(label) for label in labels]}
    schema = payload_schema(column, texts)
    public = replace(schema, columns=tuple(replace(one, public="the test") for one in schema.columns))
    frame = payload_frame(column, pixels, texts)
    if person:
        frame["who"] = pd.Series([str(number // 5) for number in range(records)], dtype=object)
        public = replace(public, columns=(*public.columns, Column("who", "identifier", public="the test")), unit="who")
    return Dataset("waves", public, {"records": frame}, modality="image").split(seed=0)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return smooth()


@pytest.fixture(scope="module")
def model(data: Dataset) -> ImageGaussian:
    return ImageGaussian(frequencies=4).fit(data)


def coefficients(frame: pd.DataFrame, kept: int) -> Floats:
    """By scipy's transform in two dimensions: shape (records, channels * kept * kept)."""
    pixels = np.stack([*frame["image"]]).astype(np.float64) / 127.5 - 1
    whole = dctn(pixels, axes=(1, 2), norm="ortho")[:, :kept, :kept]
    return whole.transpose(0, 3, 1, 2).reshape(len(frame), -1)


def test_without_a_budget_moments_are_exact(model: ImageGaussian, data: Dataset) -> None:
    for place, way in enumerate(("0", "1", "2")):
        known = coefficients(data.train[data.train["way"] == way], 4)
        np.testing.assert_allclose(model.means_[place], known.mean(axis=0), atol=1e-5)
        covariance = (model.axes_[place] * model.variances_[place]) @ model.axes_[place].T
        expected = np.cov(known.T, bias=True) + gaussian._ROUNDING * np.eye(16)
        np.testing.assert_allclose(covariance, expected, atol=1e-5)
    assert model.counts_.tolist() == data.train["way"].value_counts().sort_index().tolist()


def test_the_likelihood_is_the_normal_density(model: ImageGaussian, data: Dataset) -> None:
    records = data.holdout.head(20)
    for row, found in zip(range(20), model.log_likelihood(records), strict=True):
        record = records.iloc[[row]]
        place = int(record["way"].iloc[0])
        known = coefficients(data.train[data.train["way"] == str(place)], 4)
        covariance = np.cov(known.T, bias=True) + gaussian._ROUNDING * np.eye(16)
        expected = multivariate_normal(known.mean(axis=0), covariance).logpdf(coefficients(record, 4)[0])
        assert found == pytest.approx(expected, rel=1e-3)


def test_samples_have_the_moments(model: ImageGaussian) -> None:
    drawn = coefficients(model.sample(4000, seed=1, conditions={"way": "1"}), 4)
    covariance = (model.axes_[1] * model.variances_[1]) @ model.axes_[1].T
    np.testing.assert_allclose(drawn.mean(axis=0), model.means_[1], atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.06 * covariance.max())


def test_latent_points_are_standard_normal_and_lead_back(model: ImageGaussian, data: Dataset) -> None:
    points = model.encode(data.train)
    assert points.shape == (len(data.train), 16 + 3)
    assert points[:, :16].std() == pytest.approx(1, abs=0.05)
    records = data.holdout.head(12)
    again = model.decode(model.encode(records))
    assert again["way"].tolist() == records["way"].tolist()
    np.testing.assert_allclose(coefficients(again, 4), coefficients(records, 4), atol=0.05)
    with pytest.raises(InputError, match=r"expected \(records, 19\)"):
        model.decode(points[:, :4])


def test_frequencies_end_with_the_image(data: Dataset) -> None:
    whole = ImageGaussian(frequencies=99).fit(data)
    assert whole.means_.shape == (4, 64)
    records = data.holdout.head(5)
    real, rebuilt = (to_tensor(f["image"], (8, 8, 1)) for f in (records, whole.decode(whole.encode(records))))
    assert (real - rebuilt).abs().max() < 0.02  # nothing is left out but rounding


def test_colours_vary_together() -> None:
    coloured = smooth(channels=3)
    drawn = ImageGaussian(frequencies=3).fit(coloured).sample(300, seed=1)
    grey = np.stack([*drawn["image"]]).astype(float).mean(axis=(1, 2))
    assert np.corrcoef(grey.T).min() > 0.95


def private(data: Dataset, epsilon: float, test_seed: int | None = None, **budget: Any) -> ImageGaussian:
    spent = PrivacyBudget(epsilon, 1e-5, deterministic_noise_for_tests=test_seed, **budget)
    return ImageGaussian(private_frequencies=4).fit(data, spent, progress=False)


def test_a_private_fit_is_accounted_for_and_useful() -> None:
    data = smooth(4000)
    model = private(data, 3.0)
    claim = model.ledger_.claim
    assert claim is not None
    assert 2.9 < claim["epsilon"] <= 3
    paid = [entry for entry in model.ledger_ if entry.mechanism == "gaussian"]
    assert [entry.parameters["share"] for entry in paid] == [0.1, 0.02, 0.88]
    precisions = [1 / entry.parameters["noise_multiplier"] ** 2 for entry in paid]
    np.testing.assert_allclose(np.array(precisions) / sum(precisions), [0.1, 0.02, 0.88])
    for words in ("Gaussian noise", "one record", "operating system", "scatter of images"):
        assert words in model.ledger_.statement()
    assert model.fingerprint_ is None
    exact = ImageGaussian(frequencies=4).fit(data)
    centre = np.abs(exact.means_ - exact.means_[-1]).max()
    assert np.abs(model.means_ - exact.means_).max() < 0.5 * centre


def test_much_budget_gives_nearly_exact_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussian, "_BEYOND", 1e-3)  # nearly nothing is cut short
    data = smooth(8000)
    model, exact = private(data, 5000.0), ImageGaussian(frequencies=4).fit(data)
    np.testing.assert_allclose(model.means_, exact.means_, atol=0.05)
    np.testing.assert_allclose(model.variances_.sum(axis=1), exact.variances_.sum(axis=1), rtol=0.1)


def test_noise_is_fresh_unless_a_test_asks_otherwise(data: Dataset) -> None:
    runs = [private(data, 1.0, seed) for seed in (None, None, 7, 7)]
    likelihoods = [model.log_likelihood(data.holdout) for model in runs]
    assert not np.allclose(likelihoods[0], likelihoods[1])
    np.testing.assert_array_equal(likelihoods[2], likelihoods[3])
    assert runs[0].ledger_.claim is not None
    assert runs[2].ledger_.claim is None
    assert "NO privacy" in runs[2].ledger_.statement()


def test_a_person_counts_once() -> None:
    model = private(smooth(person=True), 1000.0)
    assert model.counts_.sum() == pytest.approx(model.rows_, abs=5)
    assert model.rows_ < 0.25 * 600
    claim = model.ledger_.claim
    assert claim is not None
    assert claim["unit"] == "person (who)"


def test_what_noise_hides_is_as_in_all_labels() -> None:
    """Levels that hardly any record has, or that none has, get the mean and covariance of all, and explode nowhere."""
    whole = smooth()
    way = replace(whole.schema["way"], levels=("0", "1", "2", "3", "4"))
    schema = replace(whole.schema, columns=(whole.schema.columns[0], way))
    train = whole.train.copy()
    train.loc[train.index[:1], "way"] = "3"
    # Now and then noise lifts one of them above what noise alone would show, as it should; not with this seed.
    model = private(Dataset("waves", schema, {"train": train}, modality="image"), 2.0, test_seed=1)
    np.testing.assert_array_equal(model.means_[[3, 4]], model.means_[[5, 5]])
    assert model.which_[[3, 4]].tolist() == [len(model.axes_) - 1] * 2
    assert set(model.sample(200, seed=1)["way"]) == {"0", "1", "2"}
    rare = model.sample(50, seed=1, conditions={"way": "4"})
    assert (rare["way"] == "4").all()
    assert 60 < np.stack([*rare["image"]]).mean() < 190


def test_labels_are_drawn_as_often_as_noisy_counts_say() -> None:
    whole = smooth(900)
    train = pd.concat([whole.train[whole.train["way"] == "0"], whole.train.head(100)], ignore_index=True)
    data = Dataset("waves", whole.schema, {"train": train}, modality="image")
    shares = train["way"].value_counts(normalize=True)
    drawn = private(data, 10.0).sample(4000, seed=1)["way"].value_counts(normalize=True)
    assert np.abs(shares - drawn).max() < 0.06


def test_a_budget_that_shows_nothing_still_gives_images(data: Dataset) -> None:
    model = private(data, 0.02)
    assert len(model.sample(5)) == 5
    assert np.isfinite(model.log_likelihood(data.holdout)).all()


def test_few_records_share_one_covariance() -> None:
    """A combination with no more records than coefficients has none of its own, also without a budget."""
    model = ImageGaussian(frequencies=8).fit(image())  # 64 coefficients, about 30 records of each digit
    assert len(model.axes_) == 1
    assert model.which_.tolist() == [0] * 4


def test_checkpoints_are_refused(tmp_path: Any, data: Dataset) -> None:
    with pytest.raises(InputError, match="no checkpoints"):
        ImageGaussian().fit(data, checkpoints=Checkpoints(tmp_path / "state"))
