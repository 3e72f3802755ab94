"""A small audit with one finding of every status and one figure of every kind; the newest golden document is this."""

from __future__ import annotations

import math
from typing import Any


def example_document() -> dict[str, Any]:
    return {
        "schema_version": "1.0",
        "name": "Clinic visits, tabular VAE",
        "status": "error",
        "created": "2026-03-02T09:30:00+00:00",
        "seconds": 1284.2,
        "provenance": {
            "genassay": "0.1.0",
            "python": "3.11.9",
            "packages": {"numpy": "2.2.1", "scikit-learn": "1.6.0", "torch": "2.6.0"},
            "platform": "Linux x86_64",
            "git": None,
            "seed": 20260302,
            "data": {
                "train": {"sha256": "4f" * 32, "rows": 4000},
                "holdout": {"sha256": "9a" * 32, "rows": 2000},
                "reference": {"sha256": "07" * 32, "rows": 12000},
            },
            "command": "genassay audit models/clinic --train train.csv --holdout holdout.csv --seed 20260302",
        },
        "target": {
            "kind": "TabularVAE",
            "access": "query",
            "modality": "tabular",
            "parameters": {"epochs": 40, "learning_rate": 0.001, "hidden": [128, 128]},
            "records": 4000,
        },
        "privacy": {
            "claim": {
                "epsilon": 3.0,
                "delta": 1e-05,
                "unit": "record",
                "relation": "add-or-remove one",
                "accountant": "prv",
            },
            "ledger": [
                {"what": "all that may be spent", "mechanism": "budget", "epsilon": 3.0, "delta": 1e-05},
                {"what": "kinds of columns", "mechanism": "public", "public": "schema.yaml"},
                {"what": "column domains", "mechanism": "laplace", "epsilon": 0.21, "delta": 1e-05, "spent": 0.21},
                {"what": "weights", "mechanism": "dp-sgd", "epsilon": 2.9, "delta": 1e-05, "spent": 2.98},
            ],
            "statement": (
                "Training adds Gaussian noise to clipped per-record gradients over Poisson-sampled batches. The bound "
                "holds for one record added or removed and for one release of the weights."
            ),
        },
        "notes": ["Half of the holdout served as reference."],
        "confidential": False,
        "findings": [
            _membership(),
            _copies(),
            _epsilon(),
            _classifier(),
            _utility(),
            _fidelity(),
            _empty(
                "dp.gaussian", "dp", "Gaussian mechanism bound", "error", "Training diverged in epoch 3: loss is NaN."
            ),
            _empty("membership.lira", "membership", "LiRA", "not-run", "Left out by --checks."),
            _empty("memorization.exposure", "memorization", "Exposure", "not-applicable", "Needs a text model."),
        ],
        "gates": [
            _gate("membership.distance", "auc", 0.55, "pass", (0.497, 0.545), null=0.503, excess_low=-0.006),
            _gate(
                "membership.distance",
                "tpr_at_fpr_0.1",
                0.15,
                "inconclusive",
                (0.101, 0.171),
                null=0.1,
                excess_low=0.001,
            ),
            _gate("memorization.copies", "excess_copies", 0.005, "fail", (0.0071, 0.0152), null=0.0, excess_low=0.0071),
            _gate("dp.one-run", "epsilon_lower", 3.0, "pass", (0.4, 1.1), null=0.0, excess_low=0.4),
            _gate("membership.classifier", "auc", 0.55, "warn", (0.512, 0.558), null=0.5, excess_low=0.012),
            _gate(
                "utility.train-synthetic-test-real", "accuracy", 0.7, "pass", (0.742, 0.801), null=0.83, better="higher"
            ),
        ],
    }


def _membership() -> dict[str, Any]:
    grid = [10 ** (-3 + 3 * i / 59) for i in range(60)]
    curve = [x**0.97 for x in grid]
    shape = [round(400 * math.exp(-(((i - 9) / 4) ** 2))) for i in range(20)]
    return _finding(
        "membership.distance",
        "membership",
        "Membership by distance",
        "inconclusive",
        question="Can an attacker tell who was in the training data from how close synthetic records lie?",
        why="Members lie barely closer to synthetic records than strangers do; the rate at 10% is undecided.",
        source="Chen et al., GAN-Leaks (2020)",
        estimates=[
            _estimate("auc", 0.521, 0.506, 0.536, "AUC", null=0.503, limit=0.55),
            _estimate("tpr_at_fpr_0.1", 0.134, 0.112, 0.157, "share", null=0.1, limit=0.15, realised_fpr=0.0995),
            _estimate("tpr_at_fpr_0.01", 0.0123, 0.0061, 0.0203, "share", null=0.01),
        ],
        controls={
            "positive": {"status": "detected", "estimates": [_estimate("auc", 0.581, 0.562, 0.6, "AUC")]},
            "negative": {"status": "quiet", "estimates": [_estimate("auc", 0.498, 0.483, 0.513, "AUC")]},
            "drift": {"status": "quiet", "estimates": [_estimate("auc", 0.503, 0.488, 0.518, "AUC")]},
        },
        power={"smallest detectable AUC": 0.542, "at probability": 0.8},
        figures=[
            {
                "kind": "roc",
                "title": "Who is recognised, at what price in false alarms",
                "description": "The attack runs along the line of guessing.",
                "data": {
                    "curves": [
                        {
                            "label": "target",
                            "fpr": grid,
                            "tpr": curve,
                            "low": [y * 0.8 for y in curve],
                            "high": [min(1.0, y * 1.25) for y in curve],
                        },
                        {
                            "label": "planted leak",
                            "fpr": grid,
                            "tpr": [x**0.75 for x in grid],
                            "low": None,
                            "high": None,
                        },
                    ]
                },
            },
            {
                "kind": "score-histogram",
                "title": "Scores of members and non-members",
                "description": "The two outlines lie on top of each other.",
                "data": {
                    "edges": [i / 20 for i in range(21)],
                    "members": [count if count >= 5 else None for count in shape],
                    "nonmembers": [count - 3 if count >= 8 else None for count in shape],
                },
            },
        ],
        remedy="Collect at least 1500 more non-members, so that the rate at 10% false alarms can be decided.",
        reproduce="genassay audit models/clinic --checks membership.distance --seed 20260302",
        frameworks=["WP216: singling out"],
    )


def _copies() -> dict[str, Any]:
    return _finding(
        "memorization.copies",
        "memorization",
        "Copies of training records",
        "fail",
        question="Does the generator hand out training records?",
        why="1.08% of synthetic records equal a training record more closely than any stranger does; 0.5% is allowed.",
        estimates=[_estimate("excess_copies", 0.0108, 0.0083, 0.0137, "share", null=0.0, limit=0.005)],
        controls={
            "positive": {"status": "detected", "estimates": []},
            "negative": {"status": "quiet", "estimates": []},
            "drift": {"status": "fired", "estimates": [], "why": "Two visits of one person fell into two parts."},
        },
        figures=[
            {
                "kind": "bars",
                "title": "Excess copies by group",
                "description": "Rare diagnoses are copied most.",
                "data": {
                    "labels": ["all", "common diagnoses", "rare diagnoses"],
                    "values": [0.0108, 0.0061, 0.031],
                    "low": [0.0083, 0.0042, 0.022],
                    "high": [0.0137, 0.0085, 0.043],
                    "reference": 0.005,
                    "reference_label": "limit",
                    "unit": "share of synthetic records",
                },
            }
        ],
        tables=[
            {
                "title": "Copies by group",
                "description": "Cells under 5 are not shown.",
                "columns": ["group", "synthetic records", "copies"],
                "rows": [["common diagnoses", 3212, 20], ["rare diagnoses", 788, 24], ["unknown", 31, None]],
            }
        ],
        remedy="Train with a privacy budget, or for fewer epochs; then audit again.",
    )


def _epsilon() -> dict[str, Any]:
    return _finding(
        "dp.one-run",
        "dp",
        "Empirical epsilon in one run",
        "pass",
        question="Does training keep the privacy that it claims?",
        why="The lower bound of 0.72 does not contradict the claim of 3, and twice the claim would have been caught.",
        source="Steinke, Nasr and Jagielski (2023)",
        estimates=[
            _estimate("epsilon_lower", 0.72, 0.5, 0.95, "epsilon", null=0.0, limit=3.0, kind="certified", ceiling=6.6)
        ],
        controls={"positive": {"status": "detected", "estimates": []}},
        power={"probability of catching epsilon 6": 0.87, "canaries": 1000, "p-value": 0.0000123},
    )


def _classifier() -> dict[str, Any]:
    return _finding(
        "membership.classifier",
        "membership",
        "Membership by classifier",
        "warn",
        question="Can a trained classifier tell members from strangers?",
        why="A little better than guessing, and better than the drift control, but within the limit.",
        estimates=[_estimate("auc", 0.535, 0.521, 0.549, "AUC", null=0.5, limit=0.55)],
        controls={
            "positive": {"status": "missed", "estimates": []},
            "negative": {"status": "fired", "estimates": []},
        },
    )


def _utility() -> dict[str, Any]:
    return _finding(
        "utility.train-synthetic-test-real",
        "utility",
        "Train on synthetic, test on real",
        "pass",
        question="Is a model trained on synthetic records of any use on real ones?",
        why="It is right in 77% of cases; a model trained on real records in 83%.",
        estimates=[_estimate("accuracy", 0.772, 0.754, 0.79, "share", null=0.83, limit=0.7, better="higher")],
    )


def _fidelity() -> dict[str, Any]:
    return _finding(
        "fidelity.marginals",
        "fidelity",
        "Marginals",
        "manual",
        question="Do single columns look like the real ones?",
        why="Age lies furthest off, at four times the distance between two real samples.",
        estimates=[_estimate("total_variation", 0.061, 0.055, 0.068, "share", null=0.014)],
        figures=[
            {
                "kind": "column-distances",
                "title": "Distance of each column",
                "description": "Age lies furthest from the real data.",
                "data": {
                    "columns": ["age", "sex", "diagnosis", "length of stay", "cost in $ per $day"],
                    "synthetic": [0.061, 0.012, 0.034, 0.028, 0.041],
                    "low": [0.055, 0.008, 0.028, 0.022, 0.035],
                    "high": [0.068, 0.017, 0.041, 0.035, 0.048],
                    "floor": [0.014, 0.006, 0.011, 0.012, 0.013],
                    "unit": "total variation distance",
                },
            }
        ],
    )


def _finding(identifier: str, family: str, title: str, status: str, **fields: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": identifier,
        "family": family,
        "title": title,
        "status": status,
        "question": "",
        "why": "",
        "threat_model": {"access": "synthetic-only", "knowledge": "12,000 records from the same population"},
        "source": "Example (2026)",
        "seconds": 93.4,
        "reproduce": f"genassay audit models/clinic --checks {identifier} --seed 20260302",
    }
    return base | fields


def _empty(identifier: str, family: str, title: str, status: str, why: str) -> dict[str, Any]:
    question = "Does this attack learn anything?"
    return _finding(identifier, family, title, status, question=question, why=why, seconds=0.0)


def _estimate(name: str, value: float, low: float, high: float, unit: str, **fields: Any) -> dict[str, Any]:
    base = {"name": name, "value": value, "low": low, "high": high, "confidence": 0.95, "n": 2000, "unit": unit}
    return base | {"better": "lower"} | fields


def _gate(
    finding: str, estimate: str, limit: float, status: str, span: tuple[float, float], **fields: Any
) -> dict[str, Any]:
    base = {"finding": finding, "estimate": estimate, "limit": limit, "status": status}
    reason = "Beyond this, an attacker gains more than a registry of the same size gives away."
    return base | {"low": span[0], "high": span[1], "confidence": 0.999, "reason": reason} | fields
