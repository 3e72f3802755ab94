"""Do the synthetic texts say different things, or the same again and again?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import t

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.fidelity.damages import collapsed
from audit.fidelity.distance import compared_size
from audit.fidelity.texts import texts_of
from audit.measures.language import words_of
from audit.measures.overlap import bleu, bleu_counts, bleu_words, distinct_n
from audit.statistics import Floats, Interval

MOST = 500
GROUPS = 10
OTHERS = 20


@register
class Phrases(Evaluation):
    """Do the synthetic texts say different things, or the same again and again?

    Self-BLEU is the BLEU of each text with twenty others of the same sample as references: high where phrases are
    repeated. Distinct-n is the number of different n-grams over that of all: low where they are. Samples of one size
    are compared, since both depend on it. Intervals leave out a tenth of the texts in turn (jackknife).

    Source: Zhu et al., "Texygen" (SIGIR 2018), self-BLEU; Li et al. (NAACL 2016), distinct-n.
    """

    id = "diversity.phrases"
    title = "Repeated phrases"
    question = "Do the synthetic texts say different things, or the same again and again?"
    measures = ("self_bleu", "distinct_1", "distinct_2", "distinct_3")
    source = "self-BLEU: Zhu et al., Texygen (SIGIR 2018); distinct-n: Li et al. (NAACL 2016)"
    modalities = ("text",)
    remedy = "Sample with a temperature nearer to 1; a model that repeats itself at 1 has collapsed."
    damage_done = "half of which are the same one"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Self-BLEU and distinct-n."""
        rows = np.sort(rng.permutation(len(sample.frame))[: compared_size(subject, MOST)])
        units = np.unique(sample.units[rows], return_inverse=True)[1]
        texts = texts_of(sample.frame.iloc[rows], subject)
        people = int(units.max()) + 1
        group = (rng.permutation(people) % GROUPS)[units]
        words = [words_of(text) for text in texts]
        found = []
        for order in (1, 2, 3):
            value = distinct_n(words, order)
            parts = [distinct_n([words[j] for j in np.flatnonzero(group != one)], order) for one in range(GROUPS)]
            unit = "different n-grams over all, 0 to 1"
            found.append(_measured(f"distinct_{order}", value, np.array(parts), people, unit, "higher", 1.0))
        return [self._self_bleu(texts, group, people, rng), *found]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the texts to a single one."""
        return collapsed(records, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """Self-BLEU and distinct-2 beside their floors, in words."""
        return (
            f"Against one another the synthetic texts reach BLEU {measured[0].value:.1f}, fresh real texts "
            f"{floor[0].value:.1f}; of their pairs of words {measured[2].value:.1%} are different "
            f"({floor[2].value:.1%})."
        )

    @staticmethod
    def _self_bleu(texts: list[str], group: np.ndarray, people: int, rng: np.random.Generator) -> Measured:
        words = [bleu_words(text) for text in texts]
        count = len(words)
        others = [(row + 1 + rng.permutation(count - 1)[:OTHERS]) % count for row in range(count)]
        counts = bleu_counts(words, [[words[j] for j in some] for some in others])
        value = float(bleu(counts))
        parts = np.array([float(bleu(counts, group != one)) for one in range(GROUPS)])
        return _measured("self_bleu", value, parts, people, "BLEU with twenty others, 0 to 100", "lower", 100.0)


def _measured(name: str, value: float, parts: Floats, people: int, unit: str, better: str, top: float) -> Measured:
    return Measured(
        name=name,
        value=value,
        n=people,
        unit=unit,
        interval=partial(_jackknife, value, parts, top),
        better=better,
        bounds=(0.0, top),
    )


def _jackknife(value: float, parts: Floats, top: float, confidence: float) -> Interval:
    error = np.sqrt((GROUPS - 1) / GROUPS * ((parts - parts.mean()) ** 2).sum())
    reach = float(t.ppf((1 + confidence) / 2, GROUPS - 1) * error)
    return Interval(max(0.0, value - reach), min(top, value + reach))
