"""Does every unit enter every batch with the claimed probability, independently of all others and of earlier batches?

Amplification by sampling, which most of a DP-SGD claim rests on, is proven for Poisson sampling alone. Shuffled passes,
batches of a fixed size or batches larger than accounted look the same from outside and cost more (Annamalai et al.
2024: up to four times the claim).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.dp.tested import Tested, first_of, two_sided
from audit.dp.watching import Watched
from audit.statistics import Floats

LAGS = 10
"""Batches so far apart are compared one distance after another."""

_NOT_POISSON = "batches are not Poisson samples, for which alone the accounting holds"


def sampling_tests(seen: Watched) -> list[Tested]:
    """Test how the batches of a run were drawn.

    Args:
        seen: What an auditor saw of the run.

    Returns:
        Tests of: the number of steps, units that count twice, the rate of canaries and of other units, the spread of
        batch sizes and of how often each unit is drawn, and what batches have in common.

    Source: binomial and hypergeometric distributions; Annamalai et al., "To shuffle or not to shuffle" (2024).
    """
    rate = seen.plan.sampling_rate
    canaries = seen.drawn[:, seen.coins]
    batches = np.concatenate([canaries, seen.others], axis=1)
    steps = len(batches)
    return [
        Tested(
            "number of noisy steps",
            f"{seen.plan.steps}",
            f"{steps}",
            0.0 if steps > seen.plan.steps else 1.0,
            "training takes more steps than were accounted",
        ),
        Tested(
            "a unit counts once in a batch",
            "once",
            f"up to {int(batches.max(initial=0))} times",
            0.0 if batches.max(initial=0) > 1 else 1.0,
            "a unit enters a batch more than once, so that it moves the sum by more than the clipping norm",
        ),
        _rate("rate at which canaries are drawn", canaries, rate),
        _rate("rate at which other units are drawn", seen.others, rate),
        _spread("spread of batch sizes", seen.sizes, seen.units, rate),
        _spread("spread of how often each unit is drawn", batches.astype(bool).sum(axis=0), steps, rate),
        *_common(batches.astype(bool)),
        Tested(
            "canaries outside the training records",
            "never drawn",
            f"drawn {int(seen.drawn[:, ~seen.coins].sum())} times",
            0.0 if seen.drawn[:, ~seen.coins].any() else 1.0,
            "records that were left out of training were used all the same",
        ),
    ]


def _rate(what: str, drawn: NDArray[np.int16], rate: float) -> Tested:
    count, tries = int(drawn.sum()), drawn.size
    if rate >= 1 or not tries:
        p = 1.0 if count == tries else 0.0
    else:
        p = float(stats.binomtest(min(count, tries), tries, rate).pvalue)
    seen = count / max(tries, 1)
    return Tested(
        what,
        f"{rate:.4g}",
        f"{seen:.4g}",
        p,
        f"batches are {seen / rate:.2g} times as large as accounted",
    )


def _spread(what: str, counts: NDArray[np.int64], tries: int, rate: float) -> Tested:
    """Is the variance of independent counts binomial? Their scaled squares, matched to a chi-square by two moments."""
    expected, variance = tries * rate, tries * rate * (1 - rate)
    if variance == 0:
        p, seen = (1.0 if np.all(counts == expected) else 0.0), float(np.std(counts))
        return Tested(what, "0", f"{seen:.3g}", p, _NOT_POISSON)
    squares = float(((counts - expected) ** 2).sum()) / variance
    # The fourth moment of a binomial count widens the sum of squares beyond a chi-square's.
    kurtosis = (1 - 6 * rate * (1 - rate)) / variance
    scale = 1 + kurtosis / 2
    freedom = len(counts) / scale
    p = 2 * min(float(stats.chi2.cdf(squares / scale, freedom)), float(stats.chi2.sf(squares / scale, freedom)))
    spread = np.sqrt(squares / len(counts) * variance)
    return Tested(what, f"{np.sqrt(variance):.3g}", f"{spread:.3g}", min(1.0, p), _NOT_POISSON)


def _common(batches: NDArray[np.bool_]) -> list[Tested]:
    """What do two batches have in common? Given their sizes, a hypergeometric number if they are independent."""
    steps, units = batches.shape
    one = batches.astype(np.float32)
    shared = (one @ one.T).astype(np.float64)
    sizes = np.diag(shared).copy()
    mean = np.outer(sizes, sizes) / units
    variance = mean * np.outer(1 - sizes / units, 1 - sizes / units) * units / max(units - 1, 1)
    tests = []
    lags = [_lag(shared, mean, variance, lag) for lag in range(1, min(LAGS, steps - 1) + 1)]
    if lags:
        strangest = max(lags, key=abs)
        tests.append(
            Tested(
                "records that successive batches share",
                "as by chance",
                f"{strangest:+.1f} standard errors at most",
                first_of(two_sided(strangest), len(lags)),
                "whether a unit is drawn depends on earlier batches: shuffled passes, or batches used again",
            )
        )
    above = np.triu(np.ones((steps, steps), dtype=bool), 1) & (variance > 0)
    if above.any():
        z = np.where(above, (shared - mean) / np.sqrt(np.where(above, variance, 1.0)), -np.inf)
        a, b = np.unravel_index(int(z.argmax()), z.shape)
        p = float(stats.hypergeom.sf(shared[a, b] - 1, units, int(sizes[a]), int(sizes[b])))
        tests.append(
            Tested(
                "records that any two batches share",
                "as by chance",
                f"{int(shared[a, b])} of {int(min(sizes[a], sizes[b]))} at most",
                first_of(p, int(above.sum())),
                "two batches hold the same records: a batch is used again",
            )
        )
    return tests


def _lag(shared: Floats, mean: Floats, variance: Floats, lag: int) -> float:
    """How many standard errors above chance is what batches so far apart have in common?"""
    total = float(np.diagonal(variance, lag).sum())
    return float((np.diagonal(shared, lag) - np.diagonal(mean, lag)).sum()) / np.sqrt(total) if total > 0 else 0.0
