"""Membership by likelihood ratio: does the model answer like those that saw the record, or like those that did not?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from audit.checks import register
from audit.membership.shadow_attack import CalibratedAttack, SamplesAttack
from audit.membership.shadows import Shadowed
from audit.statistics import Floats

FEWEST_FOR_OWN_DEVIATION = 64
"""Shadow models below which one deviation is pooled over all records."""

_SMALLEST_DEVIATION = 1e-6


def online(asked: Shadowed) -> Floats:
    """How much likelier is the target's signal if the record was in than if it was out, by normal densities?

    log N(phi; mu_in, s_in) - log N(phi; mu_out, s_out), with mean and deviation of the record's own signal under the
    shadows that saw it, and under those that did not; deviations are pooled over records below 64 shadows.

    Training raises a signal, never lowers it. So where chance left mu_in below mu_out, it counts as equal, and where
    the densities' ratio falls again as the signal rises (beyond what the narrower density expects), it stays as it is:
    a record that the model knows better than any shadow is no less a member for it.

    Args:
        asked: Signals of n records.

    Returns:
        Log-likelihood ratios, shape (n,).

    Source: Carlini et al. (IEEE S&P 2022), algorithm 1 and section VI.C, made monotone.
    """
    mean_in, deviation_in = _moments(asked.shadows, asked.inside)
    mean_out, deviation_out = _moments(asked.shadows, ~asked.inside)
    mean_in = np.maximum(mean_in, mean_out)
    bend = deviation_out**-2 - deviation_in**-2
    slope = mean_in * deviation_in**-2 - mean_out * deviation_out**-2
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = -slope / bend
    signal = np.where(bend < 0, np.minimum(asked.target, turn), asked.target)
    signal = np.where(bend > 0, np.maximum(signal, turn), signal)
    ratio = norm.logpdf(signal, mean_in, deviation_in) - norm.logpdf(signal, mean_out, deviation_out)
    return np.asarray(ratio)


def offline(asked: Shadowed) -> Floats:
    """How far above the models that did not see the record does the target's signal lie, in deviations?

    (phi - mu_out) / s_out; the published score is its normal distribution function, which ranks alike but rounds all
    that lies far out to one.

    Source: Carlini et al. (IEEE S&P 2022), section VI.A, equation 4.
    """
    mean, deviation = _moments(asked.shadows, ~asked.inside)
    return (asked.target - mean) / deviation


def _moments(signals: Floats, which: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and deviation of each record's signal under some of the shadows, each shape (n,)."""
    chosen = np.where(which, signals, np.nan)
    mean, variance = np.nanmean(chosen, axis=0), np.nanvar(chosen, axis=0, ddof=1)
    if len(signals) < FEWEST_FOR_OWN_DEVIATION:
        variance = np.full_like(variance, np.nanmean(variance))
    return mean, np.maximum(np.sqrt(variance), _SMALLEST_DEVIATION)


@register
class Lira(CalibratedAttack):
    """Does the model answer about a record as models do that saw it, or as models do that did not?

    Some records are easy and some are hard, whoever saw them; comparing each with itself under shadow models takes that
    out, and finds the few who are hit hardest. See `online`.

    Source: Carlini, Chien, Nasr, Song, Terzis and Tramer, "Membership inference attacks from first principles"
    (IEEE S&P 2022), online attack.
    """

    id = "membership.lira"
    title = "Membership by likelihood ratio"
    question = "Does the model answer about people as models do that saw them, or as models do that did not?"
    source = "Carlini et al., LiRA (IEEE S&P 2022), online"

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:  # noqa: ARG002
        """Log-likelihood ratio of in against out."""
        return online(asked)


@register
class LiraOffline(CalibratedAttack):
    """Does the model answer about a record otherwise than models that did not see it?

    Needs no shadow model that saw the record, so an attacker can train all of them beforehand. See `offline`.

    Source: Carlini, Chien, Nasr, Song, Terzis and Tramer, "Membership inference attacks from first principles"
    (IEEE S&P 2022), offline attack.
    """

    id = "membership.lira-offline"
    title = "Membership by likelihood, offline"
    question = "Does the model find people more familiar than models do that never saw them?"
    source = "Carlini et al., LiRA (IEEE S&P 2022), offline"

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:  # noqa: ARG002
        """Deviations above models that did not see the record."""
        return offline(asked)


@register
class LiraSamples(SamplesAttack):
    """Do the model's samples come as near to a record as those of models that saw it?

    LiRA for whom the model only hands out samples: the signal is the density of a fresh sample around the record.

    Source: Carlini et al. (IEEE S&P 2022), online attack; on the density of samples as in GAN-Leaks (Chen et al., CCS
    2020).
    """

    id = "membership.lira-samples"
    title = "Membership by likelihood ratio, from samples"
    question = "Do samples come as near to people as those of models that saw them?"
    source = "Carlini et al., LiRA (IEEE S&P 2022), online, on the density of samples"

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:  # noqa: ARG002
        """Log-likelihood ratio of in against out."""
        return online(asked)
