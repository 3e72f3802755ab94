"""Speakers of the training recordings, known again by their voice in the published ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from audit.checks import Case, Measured, Subject, register
from audit.membership import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats


@register
class Speakers(MembershipAttack):
    """Do the published recordings speak with the voices of the people that they were made from?

    A voice is the mean and spread of the cepstrum, whatever is said, in a frame of measurement where differences within
    one speaker of the reference count one: within-class covariance normalisation. A speaker's score is the mean, over
    the speaker's recordings, of minus the distance to the nearest published voice; all recordings of one speaker have
    the same score, and speakers are resampled, not recordings. So it takes at least thirty speakers in each part.

    Source: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker recognition"
    (Interspeech 2006); Kinnunen and Li (Speech Communication 2010) for the features.
    """

    id = "memorization.speakers"
    title = "Speakers known again"
    question = "Can speakers of the training recordings be known again by their voice in the published ones?"
    source = "after Hatch et al. (Interspeech 2006) and Kinnunen and Li (Speech Communication 2010)"
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
        """Without a privacy unit nothing says who speaks."""
        if subject.dataset.schema.unit is None:
            return "nothing says who speaks: name the column of speakers as the privacy unit"
        return super().unfit(subject)

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """By speaker, minus the mean distance from the speaker's recordings to the nearest published voice."""
        tell_apart = _whitening(_voices(case, case.reference), case.reference_units)
        published = torch.from_numpy(_voices(case, case.synthetic) @ tell_apart)

        def scores(asked: Points, units: NDArray[np.int64]) -> Floats:
            apart = torch.cdist(torch.from_numpy(_voices(case, asked) @ tell_apart), published)
            return _by_person(-apart.amin(dim=1).numpy(), units)

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


def _whitening(voices: Floats, speakers: NDArray[np.int64]) -> Floats:
    """The frame in which differences within a speaker have unit variance in every direction, shape (d, d)."""
    _, of_row = np.unique(speakers, return_inverse=True)
    means = np.stack([voices[of_row == one].mean(axis=0) for one in range(of_row.max() + 1)])
    within = LedoitWolf(assume_centered=True).fit(voices - means[of_row]).covariance_
    return np.asarray(np.linalg.cholesky(np.linalg.inv(within + 1e-6 * np.eye(len(within)))), dtype=np.float64)


def _by_person(scores: Floats, units: NDArray[np.int64]) -> Floats:
    """Each record's score replaced by the mean of its person's."""
    _, of_row = np.unique(units, return_inverse=True)
    return np.asarray((np.bincount(of_row, weights=scores) / np.bincount(of_row))[of_row])
