"""How far do the distributions of synthetic and real texts differ?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.cluster import MiniBatchKMeans

from audit.checks import Measured, Subject, register
from audit.fidelity.damages import collapsed
from audit.fidelity.distance import compared_size
from audit.fidelity.jackknifed import Jackknifed, Kept, Quantity, Statistic
from audit.fidelity.placing import Rows
from audit.measures.divergence import mauve


@register
class Mauve(Jackknifed):
    """How far do the distributions of synthetic and real texts differ, in what each lacks of the other?

    Texts of both samples are clustered on their `themes`, one cluster for ten texts, and the area under the divergence
    curve of the two histograms is taken: 1 is equal. The paper's features are those of a large language model; values
    compare with others of the same features and the same number of texts only.

    Source: Pillutla et al., "MAUVE: measuring the gap between neural text and human text" (NeurIPS 2021).
    """

    id = "fidelity.mauve"
    title = "MAUVE on themes"
    question = "How far do the distributions of synthetic and real texts differ?"
    measures = ("mauve_themes",)
    source = "MAUVE: Pillutla et al. (NeurIPS 2021), on themes in the place of a language model's features"
    modalities = ("text",)
    remedy = "Train longer, or sample with a temperature nearer to 1."
    damage_done = "half of which are the same one"
    quantities: ClassVar[dict[str, Quantity]] = {
        "mauve_themes": Quantity("MAUVE on themes, 0 to 1", "higher", (0.0, 1.0))
    }

    def prepare(self, ours: Rows, theirs: Rows, subject: Subject) -> Statistic:
        """MAUVE of what is kept, in clusters of all."""
        count = max(2, len(ours) // 10)
        both = np.vstack([ours, theirs])
        clusters = MiniBatchKMeans(count, n_init=3, random_state=subject.seed).fit_predict(both)

        def statistic(mine: Kept, real: Kept) -> Mapping[str, float]:
            first, second = clusters[: len(ours)][mine], clusters[len(ours) :][real]
            return {"mauve_themes": mauve(*(np.bincount(one, minlength=count) for one in (first, second)))}

        return statistic

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the texts to a single one."""
        return collapsed(records, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """MAUVE beside its floor, in words."""
        return (
            f"On themes, with {compared_size(subject, self.most):,} texts a side, MAUVE is {measured[0].value:.3f} "
            f"where 1 is equal; fresh real texts reach {floor[0].value:.3f}."
        )
