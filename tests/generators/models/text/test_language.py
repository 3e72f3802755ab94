"""What all text families share: likelihoods, prompts, sampling."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from generators import Column, Dataset, InputError, PrivacyBudget, create, load_generator
from generators.datasets.payload import payload_frame, payload_schema
from generators.models.text.language import TextGenerator
from generators.models.text.transformer import TextTransformer
from tests.generators.models.toy import text

TINY: dict[str, dict[str, Any]] = {
    "text-recurrent": {"epochs": 1, "hidden": 12, "embedding": 8, "context": 8},
    "text-transformer": {"epochs": 1, "width": 16, "layers": 1, "heads": 2, "context": 8},
    "text-transformer-xl": {"epochs": 1, "width": 16, "layers": 1, "heads": 2, "context": 4, "segments": 2},
}
COLUMN = Column("text", "text")


def unlabelled(texts: list[str]) -> Dataset:
    frame = payload_frame(COLUMN, texts)
    return Dataset("d", payload_schema(COLUMN), {"train": frame, "holdout": frame.head(3)}, modality="text")


@cache
def fitted(kind: str) -> TextGenerator:
    model = create(kind, **TINY[kind]).fit(text(), progress=False)
    assert isinstance(model, TextGenerator)
    return model


@cache
def two_letters(kind: str) -> TextGenerator:
    data = unlabelled(["ab", "b", "", "aab"] * 8)
    model = create(kind, **TINY[kind], max_length=3).fit(data, progress=False)
    assert isinstance(model, TextGenerator)
    return model


@pytest.mark.parametrize("kind", TINY)
def test_probabilities_of_all_texts_sum_to_one(kind: str) -> None:
    """Of all that can be written with at most two tokens, and of all that goes on from there."""
    model = two_letters(kind)
    letters = ["a", "b", "?"]  # the third stands for all that is unknown
    texts = ["", *letters, *(one + two for one in letters for two in letters)]
    frame = payload_frame(COLUMN, texts)
    complete = np.exp(model.log_likelihood(frame)).sum()
    goes_on = sum(np.exp(one[:2].sum()) - np.exp(one.sum()) for one in model.token_log_likelihoods(frame)[4:])
    assert complete + goes_on == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", TINY)
def test_likelihoods_are_sums_over_tokens(kind: str) -> None:
    model, frame = fitted(kind), text().holdout
    tokens = model.token_log_likelihoods(frame)
    assert [len(one) for one in tokens] == [len(cell) + 1 for cell in frame["text"]]
    np.testing.assert_allclose(model.log_likelihood(frame), [one.sum() for one in tokens])
    np.testing.assert_allclose(model.record_loss(frame), [-one.mean() for one in tokens])


@pytest.mark.parametrize("kind", TINY)
def test_next_tokens_agree_with_likelihoods(kind: str) -> None:
    model = fitted(kind)
    frame = text().holdout.head(1)
    mood, cell = frame["mood"].iloc[0], frame["text"].iloc[0]
    prompts = [cell[:place] for place in range(len(cell) + 1)]
    logits = model.next_token_logits(prompts, conditions={"mood": mood})
    assert logits.shape == (len(prompts), model.texts_.size)
    wanted = [*model.texts_.encode(cell), 0]
    log_probabilities = torch.from_numpy(logits).log_softmax(dim=1).numpy()
    found = log_probabilities[np.arange(len(prompts)), wanted]
    np.testing.assert_allclose(found, model.token_log_likelihoods(frame)[0], rtol=1e-4, atol=1e-4)


def test_prompts_take_the_commonest_labels() -> None:
    model = fitted("text-recurrent")
    commonest = text().train["mood"].mode()[0]
    rarest = next(mood for mood in ("angry", "calm") if mood != commonest)
    default = model.next_token_logits(["the "])
    assert np.array_equal(default, model.next_token_logits(["the "], conditions={"mood": commonest}))
    assert not np.array_equal(default, model.next_token_logits(["the "], conditions={"mood": rarest}))
    assert model.next_token_logits([]).shape == (0, model.texts_.size)


@pytest.mark.parametrize("kind", TINY)
def test_records_read_on_see_those_before(kind: str) -> None:
    model, frame = fitted(kind), text().holdout
    alone, continued = model.token_log_likelihoods(frame), model.token_log_likelihoods(frame, continued=True)
    assert [len(one) for one in alone] == [len(one) for one in continued]
    np.testing.assert_allclose(alone[0], continued[0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(alone[1], continued[1], atol=1e-5)


@pytest.mark.parametrize("kind", TINY)
def test_scores_of_unknown_characters_and_labels_are_finite(kind: str) -> None:
    model = fitted(kind)
    frame = pd.DataFrame({"text": ["the ☃ sees", ""], "mood": ["octarine", "calm"]}, dtype=object)
    scores = model.log_likelihood(frame)
    assert np.isfinite(scores).all()
    assert len(model.token_log_likelihoods(frame)[0]) == 11


def test_prompts_with_unknown_characters_are_one_line() -> None:
    model = fitted("text-transformer")
    with pytest.raises(InputError, match=r"prompt 2: the character '☃' \(U\+2603\) is not in the vocabulary") as caught:
        model.next_token_logits(["the ", "a ☃"])
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="never seen"):
        model.next_token_logits(["the "], conditions={"mood": "octarine"})


@pytest.mark.parametrize("kind", TINY)
def test_samples_follow_the_likelihood(kind: str) -> None:
    model = two_letters(kind)
    frame = model.sample(4000, seed=0)
    assert frame["text"].str.len().max() <= 3
    shares = frame["text"].value_counts(normalize=True)
    texts = ["", "a", "b", "aa", "bb"]
    scores = model.token_log_likelihoods(payload_frame(COLUMN, texts))
    # Unknown characters are never written: what remains is scaled up at every token.
    known = []
    for one, cell in zip(scores, texts, strict=True):
        logits = torch.from_numpy(model.next_token_logits([cell[:place] for place in range(len(cell) + 1)]))
        known.append(float(np.exp(one.sum()) / np.prod(1 - logits.softmax(dim=1)[:, 1].numpy())))
    np.testing.assert_allclose([shares.get(cell, 0) for cell in texts], known, atol=0.03)


@pytest.mark.parametrize("kind", TINY)
def test_texts_are_completed_by_the_likeliest_tokens(kind: str) -> None:
    model = fitted(kind)
    prompts = ["the cat", "", "a dog eats"]
    for prompt, written in zip(prompts, model.complete(prompts, 6), strict=True):
        text = prompt
        for _ in range(6):
            logits = model.next_token_logits([text])[0]
            logits[1] = -np.inf  # unknown characters are never written
            if logits.argmax() == 0:
                break
            text += model.texts_.pieces_[logits.argmax() - 2]
        assert written == text[len(prompt) :]
    assert model.complete([], 3) == []


@pytest.mark.parametrize("kind", TINY)
def test_a_text_is_empty_only_if_one_of_train_is(kind: str, tmp_path: Path) -> None:
    """Of texts so short that about every second token is an end; the others stay as likely among themselves."""
    model = create(kind, **TINY[kind], max_length=3).fit(unlabelled(["a", "b", "b"] * 10), progress=False)
    model.save(tmp_path / "m")
    assert isinstance(model, TextGenerator)
    scores = np.exp(model.log_likelihood(payload_frame(COLUMN, ["", "a", "b"])))
    assert scores[0] > 0.05
    for one in (model, load_generator(tmp_path / "m")):
        shares = one.sample(3000, seed=0)["text"].value_counts(normalize=True)
        assert "" not in shares
        assert shares["a"] / shares["b"] == pytest.approx(scores[1] / scores[2], rel=0.3)
    assert (two_letters(kind).sample(300, seed=0)["text"] == "").any()


def test_under_a_budget_no_text_is_empty() -> None:
    data = unlabelled(["a", ""] * 40)
    model = TextTransformer(**TINY["text-transformer"], max_length=3).fit(data, PrivacyBudget(5, 1e-3), progress=False)
    assert not (model.sample(2000, seed=0)["text"] == "").any()
    assert "empty" not in model.ledger_.statement()


@pytest.mark.parametrize("kind", TINY)
def test_long_samples_are_cut(kind: str) -> None:
    model = create(kind, **TINY[kind], max_length=30, temperature=5.0).fit(text(), progress=False)
    frame = model.sample(20, seed=0)
    assert frame["text"].str.len().max() == 30  # beyond the context, so that windows and memories turn over


def test_temperature_makes_texts_alike() -> None:
    cold = create("text-recurrent", **TINY["text-recurrent"], temperature=1e-4, max_length=9)
    cold.fit(text(), progress=False)
    assert cold.sample(30, seed=0, conditions={"mood": "calm"})["text"].nunique() == 1
    assert fitted("text-recurrent").sample(30, seed=0, conditions={"mood": "calm"})["text"].nunique() > 20


@pytest.mark.parametrize("kind", TINY)
def test_texts_without_labels_and_of_word_pieces(kind: str) -> None:
    data = unlabelled([f"the {animal} sleeps" for animal in ("cat", "dog", "emu")] * 10)
    course = {**TINY[kind], "vocabulary": "bpe", "vocabulary_size": 40}
    model = create(kind, **course).fit(data, progress=False)
    assert isinstance(model, TextGenerator)
    assert list(model.sample(4).columns) == ["text"]
    assert model.next_token_logits(["the cat"]).shape == (1, model.texts_.size)
    assert len(model.token_log_likelihoods(data.holdout)[0]) < len("the cat sleeps")


def test_labels_steer_what_is_written() -> None:
    data = unlabelled(["aaaa"] * 30 + ["bbbb"] * 30)
    moods = ["sad"] * 30 + ["glad"] * 30
    frame = data.train.assign(mood=pd.Series(moods, dtype=object))
    labelled = Dataset("d", payload_schema(COLUMN, {"mood": moods}), {"train": frame}, modality="text")
    model = create("text-transformer", epochs=30, width=16, layers=1, heads=2, context=12, learning_rate=1e-2)
    model.fit(labelled, progress=False)
    assert set("".join(model.sample(20, conditions={"mood": "sad"})["text"])) == {"a"}
    assert set("".join(model.sample(20, conditions={"mood": "glad"})["text"])) == {"b"}


def test_under_a_budget_rows_are_records_and_tokens_bytes() -> None:
    data = text()
    model = TextTransformer(**TINY["text-transformer"]).fit(data, PrivacyBudget(5, 1e-3), progress=False)
    fresh = TextTransformer(**TINY["text-transformer"])
    _, rows = fresh.training_problem(data.train, data.schema, public_only=True)
    assert rows.shape == (len(data.train), model.context + 1)
    assert model.texts_.size == 258
    assert np.isfinite(model.log_likelihood(pd.DataFrame({"text": ["☃"], "mood": ["calm"]}, dtype=object))).all()
    with pytest.raises(InputError, match="byte pairs are learnt from the records"):
        TextTransformer(vocabulary="bpe").fit(data, PrivacyBudget(5, 1e-3), progress=False)


def test_a_cell_without_text_is_named() -> None:
    frame = payload_frame(COLUMN, ["a", "b", None])
    data = Dataset("d", payload_schema(COLUMN), {"train": frame}, modality="text")
    with pytest.raises(InputError, match="column 'text': row 3 holds no text"):
        create("text-recurrent").fit(data, progress=False)
