"""Membership by likelihood ratio: does the model answer like those that saw the record, or like those that did not?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma
from scipy.stats import norm

from audit.checks import register
from audit.membership.shadow_attack import CalibratedAttack, SamplesAttack
from audit.membership.shadows import Shadowed
from audit.statistics import Floats

_SMALLEST_DEVIATION = 1e-6


def online(asked: Shadowed) -> Floats:
    """How much likelier is the target's signal if the record was in than if it was out, by normal densities?

    log N(phi; mu_in, s_in) - log N(phi; mu_out, s_out), with mean and deviation of the record's own signal under the
    shadows that saw it, and under those that did not; deviations are `shrunken`.

    Training raises a signal, never lowers it. So where chance left mu_in below mu_out, it counts as equal. Where s_in
    is below s_out, as for records that are learnt by heart, the ratio would fall again as the signal rises, and a
    record that the model knows better than any shadow would count as a stranger: both get one deviation, the root mean
    square of the two, and the ratio rises without end. Where s_in is above s_out the ratio would rise again as the
    signal falls; there it stays as it is at its lowest.

    Args:
        asked: Signals of n records.

    Returns:
        Log-likelihood ratios, shape (n,).

    Source: Carlini et al. (IEEE S&P 2022), algorithm 1 and section VI.C, made monotone.
    """
    mean_in, deviation_in = _moments(asked.shadows, asked.inside)
    mean_out, deviation_out = _moments(asked.shadows, ~asked.inside)
    mean_in = np.maximum(mean_in, mean_out)
    common = np.sqrt((deviation_in**2 + deviation_out**2) / 2)
    narrow = deviation_in < deviation_out
    deviation_in, deviation_out = (np.where(narrow, common, one) for one in (deviation_in, deviation_out))
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest = (mean_out * deviation_in**2 - mean_in * deviation_out**2) / (deviation_in**2 - deviation_out**2)
    signal = np.where(deviation_in > deviation_out, np.maximum(asked.target, lowest), asked.target)
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
    return mean, np.maximum(np.sqrt(shrunken(variance, which.sum(axis=0) - 1)), _SMALLEST_DEVIATION)


def shrunken(variances: Floats, freedom: NDArray[np.int64]) -> Floats:
    """Each record's variance, moved towards that of all records by as much as their spread is mere chance.

    Empirical Bayes: true variances are taken to be scattered as a scaled inverse chi-square with d0 degrees of freedom
    around s0^2, both found from the mean and variance of the logarithms; the result is
    (d0 s0^2 + d s^2) / (d0 + d). With few shadows chance dominates and one variance is nearly shared by all; with many,
    each record keeps its own.

    Args:
        variances: Of each record's signal, over the models that it was estimated from, shape (n,).
        freedom: Degrees of freedom d of each, at least 1, shape (n,).

    Returns:
        Shape (n,), positive unless all variances are 0.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = shrunken(rng.normal(size=(8, 1000)).var(axis=0, ddof=1), np.full(1000, 7))
        >>> bool(np.abs(found - 1).max() < 0.2)
        True

    Source: Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray
    experiments" (SAGMB 2004), section 6.2.
    """
    typical = float(np.median(variances))
    if typical == 0:
        return np.full_like(variances, variances.mean())
    half = freedom / 2
    # A variance of zero, from signals that are all equal, has no logarithm.
    logs = np.log(np.maximum(variances, 1e-5 * typical)) - digamma(half) + np.log(half)
    beyond_chance = float(logs.var(ddof=1) - polygamma(1, half).mean()) if len(logs) > 1 else 0.0
    if beyond_chance <= 0:
        return np.full_like(variances, np.exp(logs.mean()))
    prior = 2 * _inverse_trigamma(beyond_chance)
    centre = np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))
    return np.asarray((prior * centre + freedom * variances) / (prior + freedom))


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has this value, by Newton's method on its reciprocal, which is nearly straight."""
    found = 0.5 + 1 / value
    for _ in range(50):
        now = float(polygamma(1, found))
        step = now * (1 - now / value) / float(polygamma(2, found))
        found += step
        if abs(step) < 1e-8 * found:
            break
    return found


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
