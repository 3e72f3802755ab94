"""Is every row's gradient clipped to the claimed norm, by itself, over all parameters together?

A canary whose gradient is ten to ten thousand clipping norms long must add exactly one clipping norm on its own
coordinate, whoever else is in the batch. Real records, some made loud, must add no more than an independent computation
says, on any parameter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.dp.replaying import Replay
from audit.dp.tested import Tested, first_of, two_sided
from audit.dp.watching import Watched

_ALL = "all parameters"
TOLERANCE = 0.01
"""Share of the clipping norm by which a contribution may differ, for the small numbers that keep divisions safe."""


def clipping_tests(seen: Watched) -> list[Tested]:
    """Test how rows' gradients were clipped.

    Args:
        seen: What an auditor saw of the run.

    Returns:
        Tests of: what canaries add on average, for each length of gradient; what the loudest canary adds; whether it
        depends on who else is in the batch; what real records add on each parameter; and whether the weights moved by
        anything but the released gradients.

    Source: known-variance normal tests of contributions that are 1 under DP-SGD (Abadi et al. 2016, algorithm 1).
    """
    inside = seen.drawn > 0
    # Where there is more noise than claimed, which costs no privacy, sums vary by more than the claim says.
    noise = seen.released[:, ~seen.coins].std() if not seen.coins.all() else 0.0
    sigma = max(seen.plan.noise_multiplier, float(noise))
    tests = []
    groups = {norm: inside & (seen.norms == norm)[None, :] for norm in np.unique(seen.norms)}
    for norm, mine in groups.items():
        count = int(mine.sum())
        if count:
            tests.append(_adds(f"a canary of {norm:g} clipping norms adds", seen.released[mine], sigma))
    tests.append(_loudest(seen, inside, sigma))
    tests.append(_alone(seen, inside))
    tests += _real_records(seen.replays, sigma / seen.plan.noise_multiplier)
    tests.append(
        Tested(
            "weights follow from the released gradients",
            "fully",
            f"apart by {seen.strayed:.2g} of a step at most",
            0.0 if not seen.strayed <= 0.1 else 1.0,
            "weights move by more than the noisy gradients: something else of the records reaches them",
        )
    )
    return tests


def _adds(what: str, contributions: NDArray[np.float32], sigma: float) -> Tested:
    mean, error = float(contributions.mean(dtype=np.float64)), sigma / np.sqrt(contributions.size)
    excess = max(0.0, abs(mean - 1) - TOLERANCE)
    return Tested(what, "1", f"{mean:.4g}", min(1.0, two_sided(excess / error)), _cause(mean))


def _cause(mean: float) -> str:
    if mean > 1:
        return f"rows are not clipped to the claimed norm: one adds {mean:.3g} times as much"
    return f"rows are not clipped one by one: one that should add a whole clipping norm adds {mean:.3g} of it"


def _loudest(seen: Watched, inside: NDArray[np.bool_], sigma: float) -> Tested:
    """The canary that adds most, beyond what the best of so many would by chance."""
    times = inside.sum(axis=0)
    drawn = times > 0
    sums = np.where(inside, seen.released, 0.0).sum(axis=0, dtype=np.float64)[drawn]
    z = (sums - (1 + TOLERANCE) * times[drawn]) / (sigma * np.sqrt(times[drawn]))
    most = int(z.argmax()) if len(z) else 0
    mean = float(sums[most] / times[drawn][most]) if len(z) else 1.0
    p = first_of(float(stats.norm.sf(z[most])), len(z)) if len(z) else 1.0
    return Tested("the canary that adds most", "1", f"{mean:.4g}", p, _cause(mean))


def _alone(seen: Watched, inside: NDArray[np.bool_]) -> Tested:
    """Clipping of a batch lets a row count for less where a louder one is beside it."""
    cause = "what a row adds depends on the others in its batch: the batch is clipped, not each row"
    what = "what canaries add, and how loud the batch is"
    here = inside.sum(axis=1)
    steps = here > 0
    loudness = (inside * seen.norms[None, :] ** 2).sum(axis=1)[steps]
    means = np.where(inside, seen.released, 0.0).sum(axis=1)[steps] / here[steps]
    if steps.sum() < 20 or np.ptp(loudness) == 0 or np.ptp(means) == 0:
        return Tested(what, "unrelated", "too few steps to compare", 1.0, cause)
    found = stats.spearmanr(means, loudness)
    return Tested(what, "unrelated", f"rank correlation {found.statistic:+.2f}", float(found.pvalue), cause)


def _real_records(replays: list[Replay], sigma: float) -> list[Tested]:
    """Does the released gradient go further in the clipped sum's direction than the sum itself, on any parameter?"""
    if not replays:
        return []
    along: dict[str, float] = {}
    for name, together in [*((one, [one]) for one in replays[0].noise), (_ALL, list(replays[0].noise))]:
        parts = [
            sum(float(replay.noise[one].ravel() @ replay.clipped[one].ravel()) for one in together) / length
            for replay in replays
            if (length := float(np.sqrt(sum((replay.clipped[one] ** 2).sum() for one in together)))) > 0
        ]
        if parts:
            along[name] = sum(parts) / np.sqrt(len(parts)) / sigma
    worst = max(along, key=lambda name: along[name])
    short = worst.removeprefix("objective.")
    return [
        Tested(
            "what real records add beyond their clipped sum",
            "nothing",
            f"{along[worst]:+.1f} standard deviations at most ({short})",
            first_of(float(stats.norm.sf(along[worst])), len(along)),
            f"real records' gradients are not clipped to the claimed norm over all parameters: {short} gets more",
        )
    ]
