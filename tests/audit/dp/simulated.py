"""Runs as an auditor would see them of an ideal mechanism, drawn directly: fast enough for hundreds of audits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audit.dp.watching import NORMS, Watched
from generators.privacy import PrivatePlan

PLAN = PrivatePlan(units=400, sampling_rate=0.2, steps=60, noise_multiplier=2.0, clip=1.0, epsilon=3.5, delta=1e-5)


def ideal(seed: int, canaries: int = 200, plan: PrivatePlan = PLAN, sigma: float | None = None) -> Watched:
    """A run with Poisson batches, rows clipped to 1, and fresh normal noise of deviation `sigma` (the claimed one)."""
    rng = np.random.default_rng(seed)
    coins, norms = rng.random(canaries) < 0.5, rng.choice(NORMS, canaries)
    drawn = ((rng.random((plan.steps, canaries)) < plan.sampling_rate) & coins).astype(np.int16)
    others = (rng.random((plan.steps, int(plan.units))) < plan.sampling_rate).astype(np.int16)
    noise = rng.standard_normal((plan.steps, canaries)) * (plan.noise_multiplier if sigma is None else sigma)
    return Watched(
        plan=plan,
        coins=coins,
        norms=norms,
        released=(noise + drawn).astype(np.float32),
        drawn=drawn,
        others=others,
        sizes=drawn.sum(axis=1, dtype=np.int64) + others.sum(axis=1, dtype=np.int64),
        units=int(plan.units) + int(coins.sum()),
        replays=[],
        strayed=0.0,
    )


def without_signal(seed: int, canaries: int = 200) -> Watched:
    """A run whose release has nothing to do with the canaries, although it says which were drawn."""
    seen = ideal(seed, canaries)
    return replace(seen, released=seen.released - seen.drawn)
