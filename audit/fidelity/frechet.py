"""How far do the features of synthetic records lie from those of real ones, as if both were Gaussian?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd

from audit.checks import Measured, Subject, register
from audit.fidelity.damages import collapsed
from audit.fidelity.distance import compared_size
from audit.fidelity.jackknifed import Jackknifed, Kept, Quantity, Statistic
from audit.fidelity.placing import FEATURES, Rows
from audit.measures import frechet_distance


@register
class Frechet(Jackknifed):
    """How far do the features of synthetic images, texts or recordings lie from those of real ones?

    The formula of the Frechet inception distance on named features that need no download (`gradients` of images,
    `themes` of texts, `voice` of recordings): values compare with others of the same features, and the same number of
    records, only. Few records make it too large, so its floor, real against real at the same size, stands beside it.

    Source: Heusel et al. (NIPS 2017) for FID; Kilgour et al. (Interspeech 2019) for recordings.
    """

    id = "fidelity.frechet"
    title = "Frechet distance of features"
    question = "How far do the features of the synthetic records lie from those of real ones?"
    measures = ("frechet_gradients", "frechet_themes", "frechet_voice")
    source = "FID: Heusel et al. (NIPS 2017), on features that need no download"
    modalities = ("image", "text", "audio")
    remedy = "Train longer, give the model more capacity or records, or a larger privacy budget."
    damage_done = "half of which are the same one"
    quantities: ClassVar[dict[str, Quantity]] = {
        f"frechet_{name}": Quantity(f"squared distance of {name}, from 0, grows as records get fewer")
        for name in FEATURES.values()
    }
    most = 5000

    def prepare(self, ours: Rows, theirs: Rows, subject: Subject) -> Statistic:
        """The distance of what is kept."""
        name = f"frechet_{FEATURES[subject.dataset.modality]}"

        def statistic(mine: Kept, real: Kept) -> Mapping[str, float]:
            return {name: frechet_distance(ours[mine], theirs[real])}

        return statistic

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the records to a single one."""
        return collapsed(records, rng)

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The distance beside its floor, in words."""
        size = compared_size(subject, self.most)
        return (
            f"Measured on {FEATURES[subject.dataset.modality]}, {size:,} synthetic records lie {measured[0].value:.4g} "
            f"from as many real ones, where {size:,} fresh real records lie {floor[0].value:.4g}."
        )
