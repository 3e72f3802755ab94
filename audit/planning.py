"""What a budget buys, before anyone spends it: the noise of training under it, and how much of a signal is left.

The signal is the best there could be: if all gradients had the clipping norm C and pointed the same way, their mean
would have norm C. The noise on that mean has deviation noise_multiplier * C / batch in each of d coordinates, so that
its norm is about sqrt(d) times as much. Their ratio is the signal-to-noise of one step. Over T steps signals add up
T-fold and noises sqrt(T)-fold, so that the run's is sqrt(T) times as large. Real gradients disagree, so real ratios are
smaller; between batch sizes they compare as these do.
"""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table

from generators import PrivacyBudget, PrivatePlan, plan_training
from generators.privacy import Event
from generators.privacy.accountant import calibrated
from generators.privacy.plan import expected_batch

_BATCHES = (256, 512, 1024, 2048, 4096)


def plan_of(
    budget: PrivacyBudget, *, units: int, epochs: float, batch_size: int, clip: float, parameters: int
) -> dict[str, Any]:
    """Return what training under a budget would be like, for the batch size asked for and for others that fit.

    Args:
        budget: What may be spent, preprocessing included.
        units: Number of records or people.
        epochs: How often each is expected to be used.
        batch_size: Expected number of them a step; like training, at most a fourth.
        clip: Norm to which gradients are clipped.
        parameters: Number of the network's weights, at least 1.
    """
    budget = budget.resolved(units)
    chosen = expected_batch(batch_size, units)
    before = _preprocessing(budget)

    def row(batch: int) -> dict[str, Any]:
        plan = plan_training(budget, units=units, batch_size=batch, epochs=epochs, clip=clip, before=before)
        return _row(plan, batch, parameters)

    sizes = sorted({chosen, *(batch for batch in _BATCHES if batch == expected_batch(batch, units))})
    rows = {batch: row(batch) for batch in sizes}
    return {
        "n": units,
        "budget": {"epsilon": budget.epsilon, "delta": budget.known_delta, "preprocessing": budget.preprocessing},
        "epochs": epochs,
        "clip": clip,
        "parameters": parameters,
        "plan": rows[chosen],
        "batch_sizes": list(rows.values()),
    }


def plan_shown(plan: dict[str, Any]) -> list[str | Table]:
    """Return a plan as lines and a table."""
    budget, chosen = plan["budget"], plan["plan"]
    aside = f", {budget['preprocessing']:.0%} of it for preprocessing" if budget["preprocessing"] else ""
    lines = {
        "budget": f"epsilon {budget['epsilon']:g} at delta {budget['delta']:g}{aside}",
        "sampling rate": f"{chosen['sampling_rate']:.6g} ({chosen['batch_size']} of {plan['n']} expected a step)",
        "steps": f"{chosen['steps']} ({plan['epochs']:g} epochs)",
        "noise multiplier": f"{chosen['noise_multiplier']:.4f}",
        "epsilon spent": f"{chosen['epsilon']:.4f}",
        "noise on the mean gradient": f"deviation {chosen['deviation']:.3g} a coordinate, at clip {plan['clip']:g}",
        "signal-to-noise": f"{chosen['signal_to_noise']:.3g} a step, {chosen['signal_to_noise_run']:.3g} over the run",
    }
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("batch", "rate", "steps", "noise multiplier", "deviation", "signal/noise a step", "over the run"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in plan["batch_sizes"]:
        table.add_row(
            f"{'> ' if one == chosen else ''}{one['batch_size']}",
            f"{one['sampling_rate']:.4g}",
            str(one["steps"]),
            f"{one['noise_multiplier']:.4f}",
            f"{one['deviation']:.3g}",
            f"{one['signal_to_noise']:.3g}",
            f"{one['signal_to_noise_run']:.3g}",
        )
    width = max(map(len, lines))
    return [
        *(f"{name:<{width}}  {value}" for name, value in lines.items()),
        "",
        table,
        "",
        f"Signal: the norm of the mean gradient if all gradients had norm {plan['clip']:g} and pointed the same way,",
        f"the most there can be. Noise: the norm of the noise on it, over {plan['parameters']} weights (--parameters).",
        "Over the run, signals add up and noises partly cancel. Nothing was spent.",
    ]


def _row(plan: PrivatePlan, batch: int, parameters: int) -> dict[str, Any]:
    deviation = plan.noise_multiplier * plan.clip / plan.expected_batch_size
    ratio = plan.clip / (math.sqrt(parameters) * deviation)
    return {
        "batch_size": batch,
        "sampling_rate": plan.sampling_rate,
        "steps": plan.steps,
        "noise_multiplier": plan.noise_multiplier,
        "epsilon": plan.epsilon,
        "deviation": deviation,
        "signal_to_noise": ratio,
        "signal_to_noise_run": math.sqrt(plan.steps) * ratio,
    }


def _preprocessing(budget: PrivacyBudget) -> list[Event]:
    """All questions before training as one: however many there are, together they may cost as much."""
    if budget.preprocessing == 0:
        return []
    whole = calibrated(lambda sigma: [Event("gaussian", sigma)], budget)
    failure = 0.5 * budget.preprocessing * budget.known_delta
    return [Event("gaussian", whole / math.sqrt(budget.preprocessing), failure=failure)]
