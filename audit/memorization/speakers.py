"""Speakers of the training recordings, known again by their voice in the published ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from audit.checks import Case, Cases, Measured, Subject, register
from audit.membership import MembershipAttack, Scores
from audit.neighbours import Points
from audit.statistics import Floats

Rows = NDArray[np.int64]

DIRECTIONS = 10
RESOLUTION = 0.01
"""Distances below this share of what one speaker varies count as this."""


@register
class Speakers(MembershipAttack):
    """Do the published recordings speak with the voices of the people that they were made from?

    A voice is the mean and spread of the cepstrum, whatever is said, seen along the ten directions in which speakers of
    the reference differ most for what each of them varies: linear discriminant analysis. A recording is as close to the
    published voices as its nearest one, compared with its nearest one of the reference, in logs, since some voices have
    more neighbours than others. A speaker's score is the mean over the recordings, and speakers are resampled,
    not recordings. So it takes at least thirty speakers in each part.

    The planted leak publishes half of the recordings of some speakers, and asks about the other half: what must be
    known again is the voice, not the recording.

    Source: Fisher (Annals of Eugenics 1936); Dehak, Kenny, Dehak, Dumouchel and Ouellet, "Front-end factor analysis for
    speaker verification" (IEEE TASLP 2011) for that step between features and distances; Kinnunen and Li (Speech
    Communication 2010) for the features.
    """

    id = "memorization.speakers"
    title = "Speakers known again"
    question = "Can speakers of the training recordings be known again by their voice in the published ones?"
    source = "after Dehak et al. (IEEE TASLP 2011) and Kinnunen and Li (Speech Communication 2010)"
    modalities = ("audio",)
    combinable = False  # its scores are of speakers, not of recordings
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
        """By speaker, how much closer the recordings lie to the published voices than to those of the reference.

        The score stands at the first of the speaker's recordings.
        """
        known = _voices(case, case.reference)
        tell_apart = _discriminant(known, case.reference_units)
        published, others = cKDTree(tell_apart(_voices(case, case.synthetic))), cKDTree(tell_apart(known))

        def closer(asked: Points) -> Floats:
            voices = tell_apart(_voices(case, asked))
            near, usual = (np.log(tree.query(voices)[0] + RESOLUTION) for tree in (published, others))
            return np.asarray(usual - near)

        members, first_member = _by_person(closer(case.members), case.member_units)
        nonmembers, first_other = _by_person(closer(case.nonmembers), case.nonmember_units)
        return Scores(members, nonmembers, member_rows=first_member, nonmember_rows=first_other)

    def planted_case(self, cases: Cases, share: float, estimate: str) -> Case:
        """Publish some speakers with every other of their recordings, and ask about the others in their stead.

        A speaker with a single recording leaves nothing to ask about, and stays out of the published ones.
        """
        whole = cases.planted(share, *self.planting(estimate), whole_people=True)
        leaked = whole.leaked if whole.leaked is not None else np.zeros(0, dtype=np.int64)
        shown = _every_other(whole.member_units[leaked])
        published = np.ones(len(whole.synthetic), dtype=bool)
        published[len(published) - len(leaked) :] = shown  # leaked records stand behind all others
        heard = np.isin(whole.member_units, whole.member_units[leaked[shown]])
        asked = _before_shown(whole.member_units, leaked[shown])
        return replace(
            whole,
            name=f"{whole.name}-other-recordings",
            synthetic=whole.synthetic.take(np.flatnonzero(published)),
            members=whole.members.take(asked),
            frames=replace(
                whole.frames,
                published=whole.frames.published.iloc[np.flatnonzero(published)],
                members=whole.frames.members.iloc[asked],
            ),
            leaked=np.flatnonzero(heard),
        )

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How well speakers were known again, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        return (
            f"Shown a speaker of the training recordings and another one, the attacker picks the former "
            f"{measured[0].value:.1%} of the time ({low:.1%} to {high:.1%}; guessing gives 50%)."
        )


def _voices(case: Case, points: Points) -> Floats:
    return case.neighbours.view("voice", points).astype(np.float64)


def _discriminant(voices: Floats, speakers: Rows) -> Callable[[Floats], Floats]:
    """Onto the directions that tell speakers apart, in units of what one speaker varies along them."""
    count = min(DIRECTIONS, voices.shape[1], len(np.unique(speakers)) - 1)
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto", n_components=count).fit(voices, speakers)
    return lambda some: np.asarray(model.transform(some), dtype=np.float64)


def _by_person(scores: Floats, units: Rows) -> tuple[Floats, Rows]:
    """The mean over each person's records, and the person's first row."""
    _, first, of_row = np.unique(units, return_index=True, return_inverse=True)
    return np.bincount(of_row, weights=scores) / np.bincount(of_row), first.astype(np.int64)


def _every_other(units: Rows) -> NDArray[np.bool_]:
    """Half of each person's records, rounded down: the second, the fourth and so on."""
    place = pd.Series(units).groupby(units).cumcount().to_numpy()
    return np.asarray(place % 2 == 1)


def _before_shown(units: Rows, shown: Rows) -> Rows:
    """Every row, but for each that is shown the same person's one before it, which is not."""
    rows = pd.Series(np.arange(len(units)))
    asked = rows.where(~rows.isin(shown)).groupby(units).ffill()
    return asked.to_numpy(dtype=np.int64)
