"""Do the synthetic records lie where real ones do, and everywhere where real ones do?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd

from audit.checks import EVERY_MODALITY, Measured, Subject, register
from audit.fidelity.damages import one_neighbourhood
from audit.fidelity.distance import compared_size
from audit.fidelity.jackknifed import Jackknifed, Kept, Quantity, Statistic
from audit.fidelity.placing import FEATURES, Rows
from audit.measures.manifolds import from_distances, pairwise_distances

NEIGHBOUR = 5


@register
class PrecisionRecall(Jackknifed):
    """Do the synthetic records lie where real ones do (precision, density), and everywhere there (recall, coverage)?

    A record reaches as far as its fifth neighbour of its own sample. Precision is the share of synthetic records within
    reach of a real one, recall the share of real ones within reach of a synthetic one; density and coverage are their
    versions that a single far record cannot inflate.

    Source: Kynkaanniemi et al. (NeurIPS 2019); Naeem et al. (ICML 2020).
    """

    id = "fidelity.precision-recall"
    title = "Precision, recall, density and coverage"
    question = "Do the synthetic records lie where real ones do, and everywhere where real ones do?"
    measures = ("precision", "recall", "density", "coverage")
    source = "Kynkaanniemi et al. (NeurIPS 2019); Naeem et al. (ICML 2020)"
    modalities = EVERY_MODALITY
    remedy = "Low precision: train longer. Low recall or coverage: modes are missing; give more capacity or records."
    damage_done = "drawn from the tenth of them that is most alike"
    quantities: ClassVar[dict[str, Quantity]] = {
        "precision": Quantity("share of synthetic records near a real one, 0 to 1", "higher", (0.0, 1.0)),
        "recall": Quantity("share of real records near a synthetic one, 0 to 1", "higher", (0.0, 1.0)),
        "density": Quantity("real records around a synthetic one, 1 where samples are alike", "higher"),
        "coverage": Quantity("share of real records with a synthetic one near, 0 to 1", "higher", (0.0, 1.0)),
    }
    most = 1500

    def prepare(self, ours: Rows, theirs: Rows, subject: Subject) -> Statistic:  # noqa: ARG002
        """The four numbers of what is kept, from distances that are computed once."""
        within_real, within_ours, between = (
            pairwise_distances(theirs, theirs),
            pairwise_distances(ours, ours),
            pairwise_distances(theirs, ours),
        )

        def statistic(mine: Kept, real: Kept) -> Mapping[str, float]:
            return from_distances(
                within_real[np.ix_(real, real)], within_ours[np.ix_(mine, mine)], between[np.ix_(real, mine)], NEIGHBOUR
            )._asdict()

        return statistic

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Lose every mode but the surroundings of one record."""
        return one_neighbourhood(records, subject, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """Precision and coverage beside their floors, in words."""
        return (
            f"Measured on {FEATURES[subject.dataset.modality]} with {compared_size(subject, self.most):,} records a "
            f"side, {measured[0].value:.0%} of the synthetic records lie near a real one (fresh real records: "
            f"{floor[0].value:.0%}), and {measured[3].value:.0%} of the real ones have a synthetic one near "
            f"({floor[3].value:.0%})."
        )
