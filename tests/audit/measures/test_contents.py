"""Formulas on images, texts and recordings equal those of other implementations, live where they are installed."""

import csv
import gzip

import numpy as np
import pytest

from audit.measures.divergence import mauve
from audit.measures.images import inception_score, psnr, ssim
from audit.measures.language import Trigrams
from audit.measures.overlap import bleu, bleu_counts, bleu_words, distinct_n, rouge_l, rouge_n, rouge_words
from audit.measures.sounds import log_spectral_distance, signal_to_noise

RNG = np.random.default_rng(2)
TEXTS = [
    ("The cat sat on the mat.", ["A cat was sitting on the mat.", "The cat sat there."]),
    ("It costs 2.50, no more!", ["It costs 2.50 & no more."]),
    ("Hello", ["Goodbye, my dear friend"]),
    ("One of the best pubs near the river is The Vaults.", ["The Vaults is one of the best pubs near the river."]),
]


def images(count, side=16, channels=3):
    return RNG.integers(0, 256, (count, side, side, channels))


def test_ssim_and_psnr_equal_scikit_image():
    peer = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    first = images(4)
    second = np.clip(first + RNG.normal(0, 20, first.shape), 0, 255)
    for row in range(4):
        expected = peer.structural_similarity(
            first[row].astype(float),
            second[row],
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2,
        )
        assert ssim(first, second)[row] == pytest.approx(expected, abs=1e-6)
        ratio = peer.peak_signal_noise_ratio(first[row].astype(float), second[row], data_range=255)
        assert psnr(first, second)[row] == pytest.approx(ratio)


def test_equal_images_are_as_close_as_can_be():
    first = images(2)
    assert ssim(first, first) == pytest.approx([1, 1])
    assert psnr(first, first) == pytest.approx([100, 100])
    with pytest.raises(ValueError, match="11 pixels a side"):
        ssim(images(1, side=8), images(1, side=8))


def test_inception_score_runs_from_one_to_the_number_of_classes():
    assert inception_score(np.full((10, 4), 0.25)) == pytest.approx(1)
    assert inception_score(np.eye(4)) == pytest.approx(4)


def test_bleu_equals_sacrebleu():
    peer = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
    texts, references = [text for text, _ in TEXTS], [others for _, others in TEXTS]
    most = max(map(len, references))
    columns = [[others[j] if j < len(others) else None for others in references] for j in range(most)]
    expected = peer.corpus_bleu(texts, columns).score
    assert _bleu(texts, references) == pytest.approx(expected, abs=1e-9)
    for text, others in TEXTS:
        assert _bleu([text], [others]) == pytest.approx(peer.corpus_bleu([text], [[one] for one in others]).score)


def test_bleu_equals_sacrebleu_on_restaurant_texts(shared_data):
    peer = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
    by_meaning: dict[str, list[str]] = {}
    with gzip.open(shared_data / "e2e_nlg" / "testset_w_refs.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_meaning.setdefault(row["mr"], []).append(row["ref"])
    groups = [texts for texts in by_meaning.values() if len(texts) >= 4][:150]
    texts, references = [group[0] for group in groups], [group[1:4] for group in groups]
    expected = peer.corpus_bleu(texts, [[one[j] for one in references] for j in range(3)]).score
    assert _bleu(texts, references) == pytest.approx(expected, abs=1e-9)


def _bleu(texts, references):
    return float(
        bleu(bleu_counts([*map(bleu_words, texts)], [[bleu_words(one) for one in many] for many in references]))
    )


def test_rouge_equals_rouge_score():
    peer = pytest.importorskip("rouge_score.rouge_scorer", reason="rouge-score is not installed")
    scorer = peer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    for text, others in TEXTS:
        expected = scorer.score(others[0], text)
        mine, other = rouge_words(text), rouge_words(others[0])
        assert rouge_n(mine, other, 1) == pytest.approx(expected["rouge1"].fmeasure)
        assert rouge_n(mine, other, 2) == pytest.approx(expected["rouge2"].fmeasure)
        assert rouge_l(mine, other) == pytest.approx(expected["rougeL"].fmeasure)


def test_resampled_bleu_is_that_of_repeated_texts():
    counts = bleu_counts([bleu_words(text) for text, _ in TEXTS], [[*map(bleu_words, many)] for _, many in TEXTS])
    weights = np.array([[1, 1, 1, 1], [2, 0, 1, 3]])
    rows = np.repeat(np.arange(4), weights[1])
    repeated = type(counts)(*(one[rows] for one in counts))
    assert bleu(counts, weights) == pytest.approx([float(bleu(counts)), float(bleu(repeated))])


def test_empty_texts_score_nothing():
    assert _bleu([""], [["a b c d"]]) == 0
    assert rouge_l([], ["a"]) == rouge_n([], ["a"], 2) == distinct_n([[]], 2) == 0


def test_probabilities_of_the_next_word_sum_to_one():
    model = Trigrams(["a b c", "a b d", "b c a"])
    for before in (["<s>", "<s>"], ["a", "b"], ["c", "zebra"]):
        sums = sum(model._probability([*before, word], 2) for word in [*model._known, "unknown"])
        assert sums == pytest.approx(1)


def test_mauve_runs_from_disjoint_to_equal_and_has_no_sides():
    first, second = RNG.integers(1, 30, (2, 20))
    assert mauve(first, first) == pytest.approx(1)
    assert mauve([1, 0], [0, 1]) < 0.05
    assert mauve(first, second) == pytest.approx(mauve(second, first))
    assert mauve(first, second) < 1


def test_sounds_are_compared_in_decibels():
    tone = RNG.normal(size=4000)
    assert signal_to_noise(tone, tone) == 100
    assert signal_to_noise(tone, 0 * tone) == pytest.approx(0)
    assert log_spectral_distance(tone, tone / 10) == pytest.approx(20, abs=2)
