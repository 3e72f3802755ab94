"""Training images that the published ones give away: closer than their whole neighbourhood would explain."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, Measured, Subject, register
from audit.memorization.counted import in_percent
from audit.memorization.found_again import Found, FoundAgain
from audit.neighbours import Points

NEIGHBOURS = 50
CLOSER = 0.5
"""An image is extracted when a published one lies within this share of the mean distance to its neighbours."""


@register
class ImageExtraction(FoundAgain):
    """Can training images be read off the published ones?

    An image counts as extracted when a published image lies at less than half the mean distance from it to its 50
    nearest images of the reference. So the ruler is the image's own neighbourhood: where images are all alike, such as
    blank ones, being close says little, and where they are far apart, a blurred copy still stands out. Distances are of
    pixels and of gradients together. The same is counted for images that were never trained on.

    Estimate (lower is better, range -1 to 1): `excess_extracted`, the share of training images extracted beyond chance;
    per published image where fewer of those than of training images exist.

    Source: Carlini et al., "Extracting training data from diffusion models" (USENIX Security 2023), section 5.1, whose
    ruler is made of the 50 nearest training images of a generated one. Here it is made of reference images, alike for
    training images and others, so that the two can be compared.
    """

    id = "memorization.image-extraction"
    title = "Extraction of training images"
    question = "Does a published image lie so close to a training image that it shows that very image?"
    source = "after Carlini et al., Extracting training data from diffusion models (USENIX Security 2023)"
    modalities = ("image",)
    findings = {"excess_extracted": "extracted images"}  # noqa: RUF012
    measures = tuple(findings)
    knowledge = "reads the published images and a reference sample; the audit compares training images with others"
    remedy = (
        "Remove repeated images before training, stop earlier, use more images or a smaller model, or train under "
        "differential privacy."
    )

    def found(self, estimate: str, case: Case, asked: Points, subject: Subject) -> Found:  # noqa: ARG002
        """Whether a published image lies within half of the mean distance to the nearest reference images."""
        nearest = case.neighbours.contents(asked, case.synthetic)[:, 0]
        around = case.neighbours.contents(asked, case.reference, NEIGHBOURS + 1)
        # Reference images are asked about too: each finds itself first, which is no neighbour.
        neighbours = np.where(around[:, :1] > 0, around[:, :-1], around[:, 1:])
        return np.asarray(nearest <= CLOSER * neighbours.mean(axis=1))

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many images were extracted, in words."""
        mine, others = self.shares(subject)["excess_extracted"]
        return (
            f"{mine} of training images can be recognised in a published one, against {others} of images that were "
            f"never trained on; {in_percent(measured[0])} beyond chance."
        )
