"""Do synthetic texts have the length and the words of real ones?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from audit.checks import Measured, Subject, register
from audit.fidelity.distance import Distance, Gap, Gauge, Gauges, Summaries, Weights
from audit.fidelity.marginals import one_hot
from audit.fidelity.texts import texts_of
from audit.measures import kolmogorov_smirnov, total_variation
from audit.measures.language import words_of
from audit.statistics import Floats
from generators.datasets.payload import payload_column

VOCABULARY = 500


@register
class Vocabulary(Distance):
    """Do synthetic texts have the length and the words of real ones?

    The Kolmogorov-Smirnov distance of lengths in characters and in words, and the total variation between the words
    used: the 500 most frequent of all texts that are compared, and one for the rest.

    Source: Smirnov (1948); Levin, Peres and Wilmer (2009).
    """

    id = "fidelity.vocabulary"
    title = "Length and vocabulary of texts"
    question = "Do synthetic texts have the length and the words of real ones?"
    measures = ("length_distance", "vocabulary_distance", "p_value")
    source = "Kolmogorov-Smirnov and total-variation distances; test by Westfall and Young (1993)"
    modalities = ("text",)
    remedy = "Train longer, or sample with a temperature nearer to 1."
    damage_done = "cut after their first half"
    gauges: ClassVar[Gauges] = dict.fromkeys(("length", "vocabulary"), Gauge())
    summaries: ClassVar[Summaries] = {
        "length_distance": ("worst", "length"),
        "vocabulary_distance": ("mean", "vocabulary"),
    }
    most = 5000

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:  # noqa: ARG002
        """Both lengths, and the words."""
        texts = texts_of(pooled, subject)
        words = [words_of(text) for text in texts]
        lengths = {"characters": [len(text) for text in texts], "words": [len(one) for one in words]}
        made = []
        for name, values in lengths.items():
            sizes, codes = np.unique(np.array(values), return_inverse=True)
            made.append(Gap(name, partial(_length_gap, one_hot(codes.astype(np.int64), len(sizes)))))
        return [*made, Gap("vocabulary", partial(_word_gap, _counted(words)))]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Cut every text in half."""
        name = payload_column(subject.dataset.schema).name
        cut = [text[: (len(text) + 1) // 2] for text in texts_of(records, subject)]
        return records.assign(**{name: pd.Series(cut, index=records.index, dtype=object)})

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """Both distances beside their floors, in words."""
        return (
            f"Lengths lie {measured[0].value:.3f} from those of real texts on a scale from 0 to 1 (fresh real texts: "
            f"{floor[0].value:.3f}), the words used {measured[1].value:.3f} ({floor[1].value:.3f})."
        )


def _counted(words: list[list[str]]) -> csr_matrix:
    """How often each text uses each frequent word, and any other, shape (words, texts)."""
    totals: dict[str, int] = {}
    for text in words:
        for word in text:
            totals[word] = totals.get(word, 0) + 1
    frequent = sorted(totals, key=lambda word: (-totals[word], word))[:VOCABULARY]
    place = {word: row for row, word in enumerate(frequent)}
    rows = [place.get(word, len(frequent)) for text in words for word in text]
    columns = np.repeat(np.arange(len(words)), [len(text) for text in words])
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(frequent) + 1, len(words)))


def _length_gap(lengths: csr_matrix, first: Weights, second: Weights) -> Floats:
    gap = kolmogorov_smirnov(lengths @ first, lengths @ second)
    return np.stack([gap, np.full(gap.shape, np.nan)])


def _word_gap(counts: csr_matrix, first: Weights, second: Weights) -> Floats:
    mine, real = counts @ first, counts @ second
    empty = (mine.sum(axis=0) == 0) | (real.sum(axis=0) == 0)
    gap = np.where(empty, 1.0, total_variation(mine + empty, real + empty))
    return np.stack([np.full(gap.shape, np.nan), gap])
