"""Do the synthetic texts read like real ones to a model of real texts?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.fidelity.distance import compared_size, resampled_interval
from audit.fidelity.texts import shuffled_words, texts_of
from audit.measures.language import Trigrams
from audit.statistics import Floats, Interval, unit_weights
from generators.models.abilities import HasRecordLoss

DRAWS = 400
MOST = 2000
MOST_TAUGHT = 20_000


@register
class Perplexity(Evaluation):
    """Do the synthetic texts read like real ones to a model of real texts?

    A word trigram model is taught by the training texts and asked how likely the synthetic ones are: perplexity is the
    number of words it hesitates between, from 1. Far above the floor is another language, far below it are texts that
    are too plain, or copies. Where the target can score texts, its own perplexity is given too, per token.

    Source: Jelinek, Mercer, Bahl and Baker (1977), perplexity; Ney, Essen and Kneser (1994) for the trigrams.
    """

    id = "fidelity.perplexity"
    title = "Perplexity"
    question = "Do the synthetic texts read like real ones to a model of real texts?"
    measures = ("reference_perplexity", "model_perplexity")
    source = "perplexity under word trigrams (Ney, Essen and Kneser 1994) and under the model"
    modalities = ("text",)
    remedy = "Above the floor: train longer. Below it: sample with a temperature nearer to 1, and look for copies."
    damage_done = "with the words of each text shuffled"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Perplexity under the trigrams, and under the model where it can tell."""
        rows = np.sort(rng.permutation(len(sample.frame))[: compared_size(subject, MOST)])
        frame, units = sample.frame.iloc[rows], sample.units[rows]
        likelihoods, lengths = subject.shared(_trigrams).log_likelihoods(texts_of(frame, subject))
        weights = unit_weights(units, DRAWS, rng)
        losses = -(weights @ likelihoods) / (weights @ lengths)
        loss = float(-likelihoods.sum() / lengths.sum())
        people = len(np.unique(units))
        found = [_perplexity("reference_perplexity", loss, losses, people, "words between which trigrams hesitate")]
        model: Any = subject.target.model
        if isinstance(model, HasRecordLoss):
            told = model.record_loss(frame)
            own = weights @ told / weights.sum(axis=1)
            mean = float(told.mean())
            found.append(_perplexity("model_perplexity", mean, own, people, "tokens between which the model hesitates"))
        return found

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Shuffle the words of every text."""
        return shuffled_words(records, subject, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """The perplexity beside its floor, in words."""
        return (
            f"A trigram model of the training texts hesitates between {measured[0].value:.1f} words in the synthetic "
            f"texts, and between {floor[0].value:.1f} in fresh real ones."
        )


def _trigrams(subject: Subject) -> Trigrams:
    return Trigrams(texts_of(subject.dataset.train, subject)[:MOST_TAUGHT])


def _perplexity(name: str, loss: float, losses: Floats, people: int, unit: str) -> Measured:
    return Measured(
        name=name,
        value=float(np.exp(loss)),
        n=people,
        unit=f"{unit}, from 1",
        interval=partial(_exponentials, loss, losses, people),
        bounds=(1.0, float("inf")),
    )


def _exponentials(loss: float, losses: Floats, people: int, confidence: float) -> Interval:
    """Losses are even on their own scale, perplexities on none."""
    low, high = resampled_interval(loss, losses, people, (0.0, float("inf")), 1, confidence)
    return Interval(float(np.exp(low)), float(np.exp(high)))
