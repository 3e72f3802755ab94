"""Is the noise there, everywhere, as large as claimed, fresh in every step and on every coordinate, and normal?

Two places show it bare. The coordinates of canaries that fair coins left out of training see nothing else, in every
step. And in the steps that are replayed, noise is what was released beyond the clipped sum, on every parameter.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import stats

from audit.dp.replaying import Replay
from audit.dp.tested import Tested, correlation_p, first_of, two_sided
from audit.dp.watching import Watched
from audit.statistics import Floats

LAGS = 10
MOST_STEPS = 2000
"""Steps whose noise is compared pair by pair, at most."""

_REUSED = "noise of one step is used again in another"
_COMMON = "noise is shared between coordinates, so that it can be subtracted"


def noise_tests(seen: Watched) -> list[Tested]:
    """Test the noise of a run.

    Args:
        seen: What an auditor saw of the run.

    Returns:
        Tests of its size over all, in each step, on each coordinate and on each parameter; of what steps, coordinates
        and parameters have in common; of its distribution; and of whether it depends on the batch's size. More noise
        than claimed fails none of them.

    Source: chi-square, Student and normal distributions of independent normal numbers.
    """
    noise = seen.released[:, ~seen.coins].astype(np.float64) / seen.plan.noise_multiplier
    return [*_bare(noise), _public_denominator(noise, seen), *_everywhere(seen.replays)]


def _bare(noise: Floats) -> list[Tested]:
    steps, coordinates = noise.shape
    squares = noise**2
    size = float(np.sqrt(squares.mean()))
    unit = noise / max(size, 1e-30)
    return [
        Tested(
            "size of the noise, over the claimed",
            "1",
            f"{size:.4g}",
            float(stats.chi2.cdf(squares.sum(), noise.size)),
            "no noise is added" if size < 1e-3 else f"noise is {size:.2g} times as large as claimed",
        ),
        _least(
            "size of the noise in the quietest step", squares.sum(axis=1), coordinates, "noise is missing in some steps"
        ),
        _least(
            "size of the noise on the quietest coordinate",
            squares.sum(axis=0),
            steps,
            "noise is missing on some coordinates",
        ),
        *_fresh(unit),
        _shared("what all steps' noise has in common", unit.sum(axis=0), steps, _REUSED),
        _shared("what all coordinates' noise has in common", unit.sum(axis=1), coordinates, _COMMON),
        _pairs("noise of any two coordinates", unit.T, _COMMON),
        *_normal(unit),
    ]


def _least(what: str, sums: Floats, freedom: int, cause: str) -> Tested:
    least = float(sums.min())
    p = first_of(float(stats.chi2.cdf(least, freedom)), len(sums))
    return Tested(what, "1", f"{np.sqrt(least / freedom):.3g}", p, cause)


def _fresh(unit: Floats) -> list[Tested]:
    tests = [_pairs("noise of any two steps", unit[:MOST_STEPS], _REUSED)]
    lags = range(1, min(LAGS, len(unit) - 1) + 1)
    z = [float((unit[lag:] * unit[:-lag]).sum()) / np.sqrt(unit[lag:].size) for lag in lags]
    if z:
        strangest = max(z, key=abs)
        p = first_of(two_sided(strangest), len(z))
        seen = f"{strangest:+.1f} standard errors at most"
        tests.append(Tested("noise of successive steps", "uncorrelated", seen, p, _REUSED))
    return tests


def _shared(what: str, sums: Floats, terms: int, cause: str) -> Tested:
    """Sums of independent terms are as large as their number says; terms in common make them larger."""
    squares = float((sums**2).sum()) / terms
    p = float(stats.chi2.sf(squares, len(sums)))
    return Tested(what, "nothing", f"variance of sums {squares / len(sums):.3g} times as large", p, cause)


def _pairs(what: str, rows: Floats, cause: str) -> Tested:
    """The strongest correlation between two rows of independent numbers."""
    count, length = rows.shape
    if count < 2 or length < 3:
        return Tested(what, "uncorrelated", "too few to compare", 1.0, cause)
    lengths = np.linalg.norm(rows, axis=1)
    scaled = (rows / np.maximum(lengths, 1e-30)[:, None]).astype(np.float32)
    products = np.abs(scaled @ scaled.T)
    np.fill_diagonal(products, 0.0)
    strongest = float(products.max())
    p = first_of(float(correlation_p(strongest, length)), count * (count - 1) // 2)
    return Tested(what, "uncorrelated", f"correlation {strongest:.3g} at most", p, cause)


def _normal(unit: Floats) -> list[Tested]:
    cause = "noise is not normally distributed, for which alone the accounting holds"
    values = unit.ravel()
    fourth = float((values**4).mean()) / max(float((values**2).mean()) ** 2, 1e-30)
    return [
        Tested(
            "fourth moment of the noise",
            "3",
            f"{fourth:.3g}",
            float(stats.kurtosistest(values).pvalue) if np.ptp(values) > 0 else 0.0,
            cause,
        ),
        Tested(
            "distribution of the noise",
            "normal",
            f"{(ks := stats.kstest(values, 'norm', method='asymp')).statistic:.2g} apart at most",
            float(ks.pvalue),
            cause,
        ),
    ]


def _public_denominator(noise: Floats, seen: Watched) -> Tested:
    """A sum that is divided by the batch's own size has noise that shrinks with it."""
    energy = (noise**2).sum(axis=1)
    if len(noise) < 20 or np.ptp(seen.sizes) == 0 or np.ptp(energy) == 0:
        return Tested("noise and the size of the batch", "unrelated", "too few steps to compare", 1.0, "")
    found = stats.spearmanr(energy, seen.sizes)
    return Tested(
        "noise and the size of the batch",
        "unrelated",
        f"rank correlation {found.statistic:+.2f}",
        float(found.pvalue),
        "sums are divided by the batch's own size, which is private, and not by a public number",
    )


def _everywhere(replays: list[Replay]) -> list[Tested]:
    """Is noise on every parameter of the network, of its own in each?"""
    if not replays:
        return []
    names = list(replays[0].noise)
    noise = {name: np.stack([replay.noise[name] for replay in replays]) for name in names}
    energies = {name: float((one**2).sum()) for name, one in noise.items()}
    quiet = {name: float(stats.chi2.cdf(energies[name], one.size)) for name, one in noise.items()}
    quietest = min(names, key=lambda name: (quiet[name], energies[name] / noise[name].size))
    size = np.sqrt(energies[quietest] / noise[quietest].size)
    tests = [
        Tested(
            "size of the noise on the quietest parameter",
            "1",
            f"{size:.3g} ({quietest.removeprefix('objective.')})",
            first_of(quiet[quietest], len(names)),
            f"parameter {quietest.removeprefix('objective.')} gets {size:.2g} times the claimed noise",
        )
    ]
    whole = np.stack([np.concatenate([one[step].ravel() for one in noise.values()]) for step in range(len(replays))])
    tests.append(_pairs("noise of any two replayed steps, all parameters", whole, _REUSED))
    strongest, tries = 1.0, 0
    for first, second in itertools.combinations(names, 2):
        length = min(noise[first][0].size, noise[second][0].size)
        if length < 3:
            continue
        for step in range(len(replays)):
            a, b = noise[first][step].ravel()[:length], noise[second][step].ravel()[:length]
            r = float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))
            strongest, tries = min(strongest, float(correlation_p(r, length))), tries + 1
    tests.append(
        Tested(
            "noise of any two parameters",
            "uncorrelated",
            f"smallest p {strongest:.2g} of {tries}",
            first_of(strongest, max(tries, 1)),
            "two parameters get the same noise, as from a generator that is seeded anew",
        )
    )
    # Noise that is drawn once and spread along an axis of a matrix leaves the sums along it too large.
    along = []
    for one in noise.values():
        for axis in range(1, one.ndim):
            if one.shape[axis] > 1:
                sums = one.sum(axis=axis).ravel() / max(float(np.sqrt((one**2).mean())), 1e-30)
                along.append(float(stats.chi2.sf((sums**2).sum() / one.shape[axis], len(sums))))
    tests.append(
        Tested(
            "noise along the axes of each parameter",
            "unrelated",
            f"smallest p {min(along):.2g} of {len(along)}",
            first_of(min(along), len(along)),
            _COMMON,
        )
    )
    return tests
