"""Speakers of the training recordings, known again by their voice in the published ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from audit.checks import Case, Measured, Subject, register
from audit.membership import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats

DIRECTIONS = 10
RESOLUTION = 0.01
"""Distances below this share of what one speaker varies count as this."""


@register
class Speakers(MembershipAttack):
    """Do the published recordings speak with the voices of the people that they were made from?

    A voice is the mean and spread of the cepstrum, whatever is said, seen along the ten directions in which speakers of
    the reference differ most for what each of them varies: linear discriminant analysis. A recording is as close to the
    published voices as its nearest one, compared with its nearest one of the reference, in logs, since some voices have
    more neighbours than others. A speaker's score is the mean over the speaker's recordings; all of them have the same
    score, and speakers are resampled, not recordings. So it takes at least thirty speakers in each part.

    Source: Fisher (Annals of Eugenics 1936); Dehak, Kenny, Dehak, Dumouchel and Ouellet, "Front-end factor analysis for
    speaker verification" (IEEE TASLP 2011) for that step between features and distances; Kinnunen and Li (Speech
    Communication 2010) for the features.
    """

    id = "memorization.speakers"
    title = "Speakers known again"
    question = "Can speakers of the training recordings be known again by their voice in the published ones?"
    source = "after Dehak et al. (IEEE TASLP 2011) and Kinnunen and Li (Speech Communication 2010)"
    modalities = ("audio",)
    knowledge: ClassVar[str] = (
        "holds the published recordings, a reference sample with its speakers, and recordings of a person, and asks "
        "whether that person's voice was in the training data"
    )
    remedy = (
        "Train under differential privacy with the speaker as the privacy unit, use more speakers, or convert voices "
        "before training."
    )

    def unfit(self, subject: Subject) -> str | None:
        """Without a privacy unit nothing says who speaks, and one recording does not say how a voice varies."""
        if subject.dataset.schema.unit is None:
            return "nothing says who speaks: name the column of speakers as the privacy unit"
        speakers = subject.dataset.units("reference")
        if len(speakers) < 2 * len(np.unique(speakers)):
            return "how much a voice varies cannot be learnt: the reference holds under two recordings a speaker"
        return super().unfit(subject)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """By speaker, how much closer its recordings lie to the published voices than to those of the reference."""
        known = _voices(case, case.reference)
        tell_apart = _discriminant(known, case.reference_units)
        published, others = cKDTree(tell_apart(_voices(case, case.synthetic))), cKDTree(tell_apart(known))

        def scores(asked: Points, units: NDArray[np.int64]) -> Floats:
            voices = tell_apart(_voices(case, asked))
            near, usual = (np.log(tree.query(voices)[0] + RESOLUTION) for tree in (published, others))
            return _by_person(usual - near, units)

        return Scores(scores(case.members, case.member_units), scores(case.nonmembers, case.nonmember_units))

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How well speakers were known again, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        return (
            f"Shown a speaker of the training recordings and another one, the attacker picks the former "
            f"{measured[0].value:.1%} of the time ({low:.1%} to {high:.1%}; guessing gives 50%)."
        )


def _voices(case: Case, points: Points) -> Floats:
    return case.neighbours.view("voice", points).astype(np.float64)


def _discriminant(voices: Floats, speakers: NDArray[np.int64]) -> Callable[[Floats], Floats]:
    """Onto the directions that tell speakers apart, in units of what one speaker varies along them."""
    count = min(DIRECTIONS, voices.shape[1], len(np.unique(speakers)) - 1)
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto", n_components=count).fit(voices, speakers)
    return lambda some: np.asarray(model.transform(some), dtype=np.float64)


def _by_person(scores: Floats, units: NDArray[np.int64]) -> Floats:
    """Each record's score replaced by the mean of its person's."""
    _, of_row = np.unique(units, return_inverse=True)
    return np.asarray((np.bincount(of_row, weights=scores) / np.bincount(of_row))[of_row])
