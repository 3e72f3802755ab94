"""What a ledger promises, in prose: to whom, on what grounds, and what is not covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generators.privacy.entries import PRIVATE, Entry


def privacy_statement(entries: Sequence[Entry], claim: Mapping[str, Any] | None) -> str:
    """Say what a generator's ledger promises and what it does not, for people who will not read the entries.

    Args:
        entries: The ledger's.
        claim: Its guarantee, see `Ledger.claim`; None if there is none.
    """
    if any(entry.mechanism == "test-mode" for entry in entries):
        return (
            "This model gives NO privacy: it was trained in deterministic_noise_for_tests mode, whose noise anyone can "
            "replay. It exists for tests only."
        )
    if claim is None:
        touched = "; ".join(entry.what for entry in entries if entry.mechanism == "none") or "nothing is recorded"
        return (
            "No differential-privacy guarantee exists for this model. It learnt from the training data without any "
            f"protection: {touched}. Audits can show leaks, but cannot show that there are none."
        )
    paid = [entry for entry in entries if entry.mechanism in PRIVATE]
    # Rounded up, so that the sentence never promises more than the accountant found.
    shown = f"{claim['epsilon'] + 5e-4:.3f}"
    unit = claim["unit"]
    several = "" if unit == "record" else " with all of that person's records"
    return (
        f"The weights of this model satisfy ({shown}, {claim['delta']:g})-differential privacy for one {unit}, where "
        f"neighbouring sets of training records differ by adding or removing one {unit.split(' ')[0]}{several}. "
        f"{' '.join(f'{_how(entry)}.' for entry in paid)} All of it together is accounted by: {claim['accountant']}. "
        f"{_randomness(paid)}{_afterwards(entries)}{_declared(entries)}Checkpoints of the run hold nothing but "
        "what the paid steps released; if it was interrupted, steps whose result was lost count as spent. "
        "Not covered: releases other than this one model and what is computed from it (each further model trained on "
        "these records adds its own cost, unless this very ledger was charged for it), choosing hyper-parameters by "
        "looking at the data, messages and failures of runs that were refused, a checkpoint copied and resumed twice "
        "(each copy is a release of its own), floating-point and timing attacks, and any number computed on the real "
        "data, such as the metrics and attacks of an audit report."
    )


def _how(entry: Entry) -> str:
    run = entry.parameters
    match entry.mechanism:
        case "dp-sgd":
            return (
                f"{entry.what[:1].upper()}{entry.what[1:]}: DP-SGD for {run['times']} steps fixed beforehand, with "
                f"Poisson sampling (each unit enters each batch independently, as the accountant assumes) at rate "
                f"{run['sampling_rate']:.6g}, gradients clipped to norm {run['clip']:g} and noise multiplier "
                f"{run['noise_multiplier']:.6g}"
            )
        case "select-measure":
            return (
                f"{entry.what[:1].upper()}{entry.what[1:]}: at most {run['tables']} tables of counts with Gaussian "
                f"noise on every cell, some of them chosen by {run['choices']} uses of the exponential mechanism; "
                f"{run['rho']:.6g}-zero-concentrated differential privacy in all"
            )
        case "exponential":
            return f"{entry.what[:1].upper()}{entry.what[1:]}: chosen by the exponential mechanism"
    noise = "Gaussian" if entry.mechanism == "gaussian" else "Laplace"
    failure = f", failing outright with probability at most {run['failure']:.1e}" if run.get("failure") else ""
    return (
        f"{entry.what[:1].upper()}{entry.what[1:]}: read with {noise} noise of multiplier "
        f"{run['noise_multiplier']:.6g}{failure}"
    )


def _randomness(paid: list[Entry]) -> str:
    sources = sorted({entry.parameters["rng"] for entry in paid if "rng" in entry.parameters})
    return f"Noise and random choices come from {'; '.join(sources)}. " if sources else ""


def _afterwards(entries: Sequence[Entry]) -> str:
    later = "; ".join(entry.what for entry in entries if entry.mechanism == "post-processing")
    return f"Computed from them without reading a record, so at no cost: {later}. " if later else ""


def _declared(entries: Sequence[Entry]) -> str:
    declared: dict[str, list[str]] = {}
    for entry in entries:
        if entry.mechanism == "public":
            declared.setdefault(entry.public or "nobody named", []).append(entry.what)
    # Models that share a ledger declare the same things again.
    public = "; ".join(f"{', '.join(dict.fromkeys(whats))} (by {who})" for who, whats in declared.items())
    return f"Taken as public, at no cost: {public}. " if public else ""
