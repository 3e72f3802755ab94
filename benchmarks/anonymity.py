"""Anonymity attacks against Anonymeter itself on its own demonstration data, and leaks of known size.

    python -m benchmarks.anonymity --peer ANONYMETER/bin/python    # all of it
    python -m benchmarks.anonymity                                 # planted risks alone

Three things are measured. *Same successes*: Anonymeter 1.1.0 runs live in an environment of its own, and each of its
predicates, nearest-record queries and guesses is put to this project's code; shares of agreement. *Speed*: the time of
both for the same number of attacks on the same records, on one thread each, one after the other; every attack runs on
train and on control records, searches, predicates and successes included. *Planted risks*: everybody is given a lot and
two measurements by chance, and a share of training records is published among fresh ones, so that the true risk is
plain arithmetic (`tests.audit.anonymity.known_risks`): 5%, 20% and 50%. It must lie inside the interval. In the rows
called uneven half of the people have a secret that is guessed half of the time, and only the others leak.

The interpreter of the environment that holds Anonymeter may also be named by GENASSAY_ANONYMETER.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from audit import default_policy
from audit.anonymity import Inference, Linkability, SinglingOut
from audit.anonymity.guessing import Secret
from audit.anonymity.nearest import Comparison
from audit.anonymity.predicates import encode, multivariate, univariate
from audit.checks import Subject
from audit.neighbours import Space
from audit.targets import records_target
from benchmarks.shown import Bar, data_folder, header, line
from generators import Dataset, Schema
from tests.audit.anonymity.known_risks import KNOWN, SECRET, drawn, published, true_risk
from tests.audit.anonymity.parity import Tables, same_guesses, same_links, same_predicates, same_search

FILES = {"train": "adults_train_reconstructed", "synthetic": "adults_syn_ctgan", "control": "adults_control"}
FASTER = 20.0
RISKS = (0.05, 0.2, 0.5)
COLUMNS = 12  # of Adult: with what is added, no more than a description holds, which then fits nobody else by luck
UNEVEN = 0.5  # the share of people whose secret is one of two


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the public data sets; default: GENASSAY_DATA or ../shared/data")
    parser.add_argument(
        "--peer", default=os.environ.get("GENASSAY_ANONYMETER"), help="Python that has Anonymeter 1.1.0"
    )
    parser.add_argument("--attacks", type=float, default=1.0, help="share of the full number of attacks")
    parser.add_argument("--seeds", type=int, default=3, help="repetitions of each planted risk")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = data_folder(given.data) / "anonymeter_adults"
    print(header())
    if given.peer:
        against_anonymeter(folder, given.peer, given.attacks)
    else:
        print("Anonymeter was not compared: no --peer given.")
    planted_risks(folder, given.seeds)


def plan(folder: Path, share: float) -> dict[str, Any]:
    """What both are to attack."""
    columns = pd.read_csv(folder / f"{FILES['train']}.csv.gz", nrows=1).columns
    known = {secret: [name for name in columns if name != secret] for secret in ("income", "hr_per_week")}
    first = ["age", "education", "marital", "hr_per_week", "capital_loss", "capital_gain", "fnlwgt"]
    second = ["type_employer", "education_num", "occupation", "relationship", "race", "sex", "country", "income"]
    return {
        **{part: str(folder / f"{name}.csv.gz") for part, name in FILES.items()},
        "attacks": {
            kind: round(share * count)
            for kind, count in {"singling_out": 2000, "linkability": 2000, "inference": 2000}.items()
        },
        "columns": [1, 4],
        "halves": [first, second],
        "neighbours": 5,
        "secrets": [
            {"secret": "income", "known": known["income"], "regression": False},
            {"secret": "hr_per_week", "known": known["hr_per_week"], "regression": True},
        ],
        "seed": 0,
    }


def against_anonymeter(folder: Path, python: str, share: float) -> None:
    """Agreement and speed, attack by attack."""
    wanted = plan(folder, share)
    with tempfile.TemporaryDirectory() as scratch:
        question, answer = Path(scratch) / "plan.json", Path(scratch) / "answer.json"
        question.write_text(json.dumps(wanted))
        single = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1")
        script = Path(__file__).with_name("anonymeter_peer.py")
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run([python, str(script), str(question), str(answer)], check=True, env={**clean, **single})
        found = json.loads(answer.read_text())
    tables = Tables.read(wanted)
    for columns, one in found["singling_out"].items():
        kind = f"singling out, {columns} column{'s' * (columns != '1')}"
        same = same_predicates(tables, one)
        _agree(f"{kind}: Anonymeter's predicates that follow our rule", same.made_by_our_rule, same.predicates)
        _agree(f"{kind}: same matches on train", same.same_on_train, same.predicates)
        _agree(f"{kind}: same matches on control", same.same_on_control, same.predicates)
        print(line(Bar(f"{kind}: successes less Anonymeter's", same.successes - one["successes"], 0)))
        count = wanted["attacks"]["singling_out"]
        _faster(kind, one, partial(_single_out, tables, int(columns), count))
    linked = found["linkability"]
    for part in ("train", "control"):
        for which, columns in zip(("first", "second"), wanted["halves"], strict=True):
            same_here = same_search(tables, columns, linked[part]["rows"], linked[part][which], part)
            _agree(
                f"linkability, {part}, {which} half: same nearest where there is one", same_here.same, same_here.unique
            )
            _agree(f"linkability, {part}, {which} half: among ours where tied", same_here.among_tied, same_here.tied)
        same_people = same_links(tables, linked[part], wanted["halves"], wanted["neighbours"], part)
        _agree(f"linkability, {part}: same links where no tie decides", same_people.same, same_people.tries)
    rows = [linked[part]["rows"] for part in ("train", "control")]
    _faster("linkability", linked, partial(_link, tables, rows, wanted))
    for one in found["inference"]:
        for part in ("train", "control"):
            kind = f"inference of {one['secret']}, {part}"
            search = same_search(tables, one["known"], one[part]["rows"], one[part]["nearest"], part)
            _agree(f"{kind}: same nearest where there is one", search.same, search.unique)
            _agree(f"{kind}: among ours where tied", search.among_tied, search.tied)
            right = same_guesses(tables, one, part)
            if one["regression"]:
                # 5% of the truth here and of the guess there: they may differ by a quarter of a percent of the truth.
                differ = right.tries - right.same
                print(f"| {kind}: {right.successes} successes; {differ} tries judged differently | | | | | |")
            else:
                _agree(f"{kind}: same successes", right.same, right.tries)
        rows = [one[part]["rows"] for part in ("train", "control")]
        _faster(f"inference of {one['secret']}", one, partial(_infer, tables, rows, one))


def _agree(what: str, same: int, of: int) -> None:
    print(line(Bar(f"{what} ({same} of {of})", same / max(of, 1) if of else 1.0, 1.0)), flush=True)


def _faster(kind: str, theirs: dict[str, Any], attack: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    attack()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    what = (
        f"{kind}: times faster ({theirs['seconds']:.1f} s, {wall:.2f} s; by processor time {theirs['cpu'] / cpu:.0f})"
    )
    print(line(Bar(what, theirs["seconds"] / wall, FASTER)), flush=True)


def _single_out(tables: Tables, width: int, count: int) -> list[int]:
    """Make predicates from synthetic records and count successes on train and control records."""
    names = list(tables.train.columns)
    ordered = [column.is_number for column in tables.schema.columns]
    synthetic, *real = encode([tables.synthetic, tables.train, tables.control], names)
    rng = np.random.default_rng(0)
    made = univariate(synthetic, ordered) if width == 1 else multivariate(synthetic, ordered, width, count, rng)
    made = made.take(rng.permutation(len(made))[:count])
    return [int((made.counts(records) == 1).sum()) for records in real]


def _link(tables: Tables, rows: list[list[int]], wanted: dict[str, Any]) -> list[int]:
    """Link records by the same halves and neighbours, train and control records."""
    asked = [getattr(tables, part).iloc[chosen] for part, chosen in zip(("train", "control"), rows, strict=True)]
    space = Space(tables.schema, tables.synthetic, asked[1], [asked[0]])
    targets, linked = space.place(tables.synthetic), []
    for records in asked:
        comparison = Comparison(space.place(records), targets, space)
        first, second = (comparison.nearest(half, wanted["neighbours"]) for half in wanted["halves"])
        linked.append(int((first[:, :, None] == second[:, None, :]).any(axis=(1, 2)).sum()))
    return linked


def _infer(tables: Tables, rows: list[list[int]], one: dict[str, Any]) -> list[int]:
    """Guess the same secret from the same columns, for train and control records."""
    asked = [getattr(tables, part).iloc[chosen] for part, chosen in zip(("train", "control"), rows, strict=True)]
    space = Space(tables.schema, tables.synthetic, asked[1], [asked[0]])
    targets, right = space.place(tables.synthetic), []
    secret = Secret.of(next(c for c in tables.schema.columns if c.name == one["secret"]), space)
    for records in asked:
        points = space.place(records)
        nearest = Comparison(points, targets, space).nearest(one["known"])[:, 0]
        right.append(int(secret.right(targets.take(nearest), points).sum()))
    return right


def planted_risks(folder: Path, seeds: int) -> None:
    """Publish training records among fresh ones so that the true risk is known; it must lie inside the interval."""
    whole = pd.concat([pd.read_csv(folder / f"{FILES[part]}.csv.gz", dtype=str) for part in ("train", "control")])
    whole = whole[list(whole.columns[:COLUMNS])]
    schema = Schema.infer(whole)
    records = Dataset(name="adult", parts={"records": schema.coerce(whole, "adult")}, schema=schema)
    print("\n| planted | seed | true risk | measured | 95% interval | inside |\n|---|---|---|---|---|---|")
    inside = tries = 0
    plans = [(kind, 0.0) for kind in (Inference, SinglingOut, Linkability)] + [(Inference, UNEVEN)]
    for (kind, of_few), seed, share in product(plans, range(seeds), RISKS):
        if of_few and share > of_few / 2:
            continue  # so many people with a hard secret are not there
        data, fresh = drawn(records, len(whole) // 4, seed, of_few)
        known = (KNOWN if of_few else KNOWN[1:]) if kind is Inference else ()
        target = records_target(published(data, fresh, share))
        subject = Subject(target, data, default_policy(), seed, secret=SECRET, known=known)
        attack, truth = kind(), true_risk(share, of_few) if kind is Inference else share
        found = attack.measure([attack.cases(subject).main], subject)[0]
        low, high = found.interval(0.95)
        inside, tries = inside + (low <= truth <= high), tries + 1
        within = "yes" if low <= truth <= high else "**no**"
        name = f"{kind.id}{', uneven' if of_few else ''}"
        print(f"| {name} | {seed} | {truth:.1%} | {found.value:.1%} | {low:.1%} to {high:.1%} | {within} |", flush=True)
    print(f"\n{inside} of {tries} inside; 19 of 20 are expected")


if __name__ == "__main__":
    main()
