"""Runs Anonymeter's attacks and writes down every query and its success, for `benchmarks.anonymity` to compare with.

It runs under the interpreter of an environment that holds Anonymeter 1.1.0, and imports nothing of this project:

    ANONYMETER/bin/python benchmarks/anonymeter_peer.py plan.json answer.json

The plan names the three tables as CSV files (`train`, `synthetic`, `control`), how many `attacks` of each kind, the
numbers of `columns` of predicates, `halves` and `neighbours` of linkability, `secrets` with their known columns, and a
`seed`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
from anonymeter.evaluators import singling_out_evaluator as singling_out
from anonymeter.evaluators.inference_evaluator import evaluate_inference_guesses
from anonymeter.neighbors.mixed_types_kneighbors import MixedTypeKNeighbors

_OPERATORS = {"GtEq": ">=", "LtEq": "<=", "Eq": "=="}
_FOUND = []
_SEARCH = MixedTypeKNeighbors.kneighbors


def _remembering(self, queries, *args, **kwargs):
    found = _SEARCH(self, queries, *args, **kwargs)
    _FOUND.append({"rows": queries.index.tolist(), "nearest": found.tolist()})
    return found


def main(plan: dict) -> dict:
    """Run every attack of the plan."""
    MixedTypeKNeighbors.kneighbors = _remembering
    tables = [pd.read_csv(plan[part]) for part in ("train", "synthetic", "control")]
    small = [table.head(50) for table in tables]
    _linkability(plan, small, 10)  # numba compiles at the first use, which is no part of an attack
    return {
        "singling_out": {str(columns): _singling_out(plan, tables, columns) for columns in plan["columns"]},
        "linkability": _linkability(plan, tables, plan["attacks"]["linkability"]),
        "inference": [_inference(plan, tables, **secret) for secret in plan["secrets"]],
    }


def _singling_out(plan, tables, columns):
    train, synthetic, control = tables
    made = []
    name = "univariate_singling_out_queries" if columns == 1 else "multivariate_singling_out_queries"
    original = getattr(singling_out, name)

    def remembering(*args, **kwargs):
        made.extend(original(*args, **kwargs))
        return list(made)

    setattr(singling_out, name, remembering)
    np.random.seed(plan["seed"])  # noqa: NPY002  # Anonymeter draws its targets from the global generator
    evaluator = SinglingOutEvaluator(
        train, synthetic, plan["attacks"]["singling_out"], columns, control, seed=plan["seed"]
    )
    seconds = _timed(lambda: evaluator.evaluate("univariate" if columns == 1 else "multivariate"))
    setattr(singling_out, name, original)
    every = []
    if columns == 1:
        every = original(df=evaluator._syn, n_queries=10**9, rng=np.random.default_rng(0))
    return {
        "predicates": [_terms(query) for query in made],
        "train": list(singling_out._evaluate_queries(evaluator._ori, made)),
        "control": list(singling_out._evaluate_queries(evaluator._control, made)),
        "successes": evaluator.results().n_success,
        "all": [_terms(query) for query in every],
        **seconds,
    }


def _linkability(plan, tables, attacks):
    train, synthetic, control = tables
    np.random.seed(plan["seed"])  # noqa: NPY002  # Anonymeter draws its targets from the global generator
    evaluator = LinkabilityEvaluator(
        train, synthetic, tuple(plan["halves"]), attacks, plan["neighbours"], control=control
    )
    _FOUND.clear()
    seconds = _timed(lambda: evaluator.evaluate(n_jobs=1))
    first, second, *others = _FOUND
    links = [
        evaluator._attack_links.find_links(plan["neighbours"]),
        evaluator._control_links.find_links(plan["neighbours"]),
    ]
    groups = [
        {"rows": a["rows"], "first": a["nearest"], "second": b["nearest"], "linked": sorted(found)}
        for (a, b), found in zip(((first, second), others), links, strict=True)
    ]
    return {"train": groups[0], "control": groups[1], **seconds}


def _inference(plan, tables, secret, known, regression):
    train, synthetic, control = tables
    np.random.seed(plan["seed"])  # noqa: NPY002  # Anonymeter draws its targets from the global generator
    evaluator = InferenceEvaluator(train, synthetic, known, secret, regression, plan["attacks"]["inference"], control)
    _FOUND.clear()
    seconds = _timed(lambda: evaluator.evaluate(n_jobs=1))
    groups = {}
    for part, table, guesses, found in (
        ("train", train, evaluator._guesses_success, _FOUND[-2]),
        ("control", control, evaluator._guesses_control, _FOUND[-1]),
    ):
        truth = table.loc[guesses.index, secret]
        right = evaluate_inference_guesses(guesses, truth, regression)
        groups[part] = {"rows": found["rows"], "nearest": [row[0] for row in found["nearest"]], "right": right.tolist()}
    return {"secret": secret, "known": known, "regression": regression, **groups, **seconds}


def _timed(run):
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()
    return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def _terms(query):
    """The conditions of a query as [column, operator, value], from the library's own description of it."""
    return _walk(json.loads(query.meta.serialize(format="json")))


def _walk(node):
    if "Function" in node:
        return [[node["Function"]["input"][0]["Column"], "missing", None]]
    binary = node["BinaryExpr"]
    if binary["op"] == "And":
        return _walk(binary["left"]) + _walk(binary["right"])
    value = binary["right"]["Literal"]
    while isinstance(value, dict):
        value = next(iter(value.values()))
    return [[binary["left"]["Column"], _OPERATORS[binary["op"]], value]]


if __name__ == "__main__":
    answer = main(json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(answer))
