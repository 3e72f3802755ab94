"""How many words and phrases do the synthetic texts share with real ones?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.fidelity.distance import compared_size
from audit.fidelity.placing import holdout_sample
from audit.fidelity.texts import shuffled_words, texts_of
from audit.measures.overlap import BleuCounts, bleu, bleu_counts, bleu_words, rouge_l, rouge_n, rouge_words
from audit.statistics import Floats, Interval, bootstrap_interval, mean_interval, unit_weights

DRAWS = 400
MOST = 500
REFERENCES = 10


@register
class Overlap(Evaluation):
    """How many words and phrases do the synthetic texts share with real ones?

    Every synthetic text is compared with ten random holdout texts of the same label: corpus BLEU with all ten as
    references, and the best ROUGE-1, ROUGE-2 and ROUGE-L among them. Low against the floor is another language; high
    against it are phrases that are repeated.

    Source: Papineni et al. (ACL 2002); Lin (2004).
    """

    id = "fidelity.overlap"
    title = "BLEU and ROUGE with real texts"
    question = "How many words and phrases do the synthetic texts share with real ones?"
    measures = ("bleu", "rouge_1", "rouge_2", "rouge_l")
    source = "BLEU: Papineni et al. (ACL 2002), as sacrebleu counts; ROUGE: Lin (2004), as rouge-score counts"
    modalities = ("text",)
    remedy = "Train longer, or sample with a temperature nearer to 1."
    damage_done = "with the words of each text shuffled"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """BLEU and ROUGE against holdout texts."""
        rows = np.sort(rng.permutation(len(sample.frame))[: compared_size(subject, MOST)])
        frame, units = sample.frame.iloc[rows], sample.units[rows]
        holdout = holdout_sample(subject).frame
        real = texts_of(holdout, subject)
        chosen = _alike(frame, holdout, subject, rng)
        texts, words = texts_of(frame, subject), [bleu_words(text) for text in real]
        counts = bleu_counts([bleu_words(text) for text in texts], [[words[j] for j in some] for some in chosen])
        weights = unit_weights(units, DRAWS, rng)
        people = len(np.unique(units))
        rouge = _best_rouge(texts, [rouge_words(text) for text in real], chosen)
        return [
            _bleu_measured(counts, weights, people),
            *(
                Measured(
                    name=name,
                    value=float(values.mean()),
                    n=people,
                    unit="F-measure with the closest of ten real texts, 0 to 1",
                    interval=partial(_mean, values, units),
                    better="higher",
                )
                for name, values in rouge.items()
            ),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Shuffle the words of every text."""
        return shuffled_words(records, subject, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """BLEU and ROUGE-L beside their floors, in words."""
        return (
            f"Against ten real texts of the same label each, the synthetic texts reach BLEU {measured[0].value:.1f} "
            f"(fresh real texts: {floor[0].value:.1f}) and ROUGE-L {measured[3].value:.3f} ({floor[3].value:.3f})."
        )


def _alike(
    frame: pd.DataFrame, holdout: pd.DataFrame, subject: Subject, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """For each text up to ten holdout rows of the same label, or of any where no label is shared."""
    labels = [column.name for column in subject.dataset.schema.modelled]
    by_label: dict[object, NDArray[np.int64]] = {}
    if labels:
        by_label = {key: np.asarray(rows) for key, rows in holdout.groupby(labels[0]).indices.items()}
    everything = np.arange(len(holdout))
    keys: Sequence[object] = list(frame[labels[0]]) if labels else [None] * len(frame)
    return [rng.permutation(by_label.get(key, everything))[:REFERENCES] for key in keys]


def _best_rouge(texts: list[str], real: list[list[str]], chosen: list[NDArray[np.int64]]) -> dict[str, Floats]:
    found = np.zeros((len(texts), 3))
    for row, (text, some) in enumerate(zip(texts, chosen, strict=True)):
        mine = rouge_words(text)
        every = [(rouge_n(mine, real[j], 1), rouge_n(mine, real[j], 2), rouge_l(mine, real[j])) for j in some]
        found[row] = np.max(every, axis=0)
    return {"rouge_1": found[:, 0], "rouge_2": found[:, 1], "rouge_l": found[:, 2]}


def _bleu_measured(counts: BleuCounts, weights: NDArray[np.float32], people: int) -> Measured:
    value, draws = float(bleu(counts)), bleu(counts, weights)
    return Measured(
        name="bleu",
        value=value,
        n=people,
        unit="BLEU with ten real texts as references, 0 to 100",
        interval=partial(_of_a_hundred, value, draws, people),
        better="higher",
        bounds=(0.0, 100.0),
    )


def _of_a_hundred(value: float, draws: Floats, people: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, people, confidence, bounds=(0.0, 100.0))


def _mean(values: Floats, units: NDArray[np.int64], confidence: float) -> Interval:
    return mean_interval(values, confidence, units, bounds=(0.0, 1.0))
