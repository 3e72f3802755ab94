"""Do attacks on images, texts and recordings accuse whom they should, and nobody else?

    python -m benchmarks.contents                           # all data sets, five seeds
    python -m benchmarks.contents mnist --seeds 20          # one of them

Real records are cut at random into train, holdout, reference and a fresh part, which stands for a generator's records:
as it is (nothing leaks), with a tenth of train copied among it, and with a tenth copied carelessly: noise on images and
recordings, a misprint in texts. For each check the table says in how many of the audits a gate warned or failed. The
data are MNIST's test images, scikit-learn's digits, SMS messages and spoken digits.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from benchmarks.shown import data_folder
from generators import Column, Dataset, Schema, load_dataset
from generators.datasets.payload import payload_frame, payload_schema

CHECKS = (
    "membership.distance",
    "membership.density-ratio",
    "membership.classifier",
    "memorization.copies",
    "memorization.image-extraction",
)
LEAK = 0.1
"""Share of train that stands among the leaky targets' records."""

Whole = tuple[pd.DataFrame, Schema, str]


def mnist(folder: Path) -> Whole:
    """4,000 of MNIST's test images with their digits."""
    with np.load(folder / "mnist" / "mnist_test10000.npz") as arrays:
        images, digits = arrays["x"][:4000, ..., None], arrays["y"][:4000]
    return _whole(Column("image", "image", shape=(28, 28, 1)), images, {"digit": [str(digit) for digit in digits]})


def digits(folder: Path) -> Whole:  # noqa: ARG001
    """Scikit-learn's 1,797 digits, 8 by 8 pixels."""
    data = load_dataset("digits-images")
    return data.records, data.schema, "image"


def messages(folder: Path) -> Whole:
    """Distinct SMS messages, with whether they are spam."""
    with gzip.open(folder / "sms_spam" / "SMSSpamCollection.tsv.gz", "rt", encoding="utf-8", errors="replace") as file:
        rows = [one.rstrip("\n").split("\t", 1) for one in file]
    kinds = {row[1]: row[0] for row in rows if len(row) == 2}
    return _whole(Column("text", "text"), list(kinds), {"kind": list(kinds.values())})


def recordings(folder: Path) -> Whole:
    """900 spoken digits, with digit and speaker as labels."""
    with np.load(folder / "fsdd" / "fsdd_takes0_14.npz") as arrays:
        sound, offsets, rate = arrays["audio"], arrays["offsets"], int(arrays["rate"])
        labels = {"digit": arrays["digit"], "speaker": arrays["speakers"][arrays["speaker"]]}
        cells = [(sound[a:b] / 32768).astype(np.float32) for a, b in pairwise(offsets)]
    named = {name: [str(value) for value in values] for name, values in labels.items()}
    return _whole(Column("audio", "audio", rate=rate), cells, named)


DATA: dict[str, Callable[[Path], Whole]] = {
    "mnist": mnist,
    "digits": digits,
    "messages": messages,
    "recordings": recordings,
}


def careless(frame: pd.DataFrame, column: Column, rng: np.random.Generator) -> pd.DataFrame:
    """The records as a careless copy leaves them."""
    cells = [_altered(cell, column.kind, rng) for cell in frame[column.name]]
    return pd.concat([payload_frame(column, cells), frame.drop(columns=column.name)], axis=1)


def targets(data: Dataset, fresh: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """The fresh records as they are, and with leaks of a tenth of train."""
    count = round(LEAK * len(data.train))
    members, rest = data.train.head(count), fresh.iloc[count:]
    changed = careless(members, data.schema.columns[0], np.random.default_rng(seed))
    return {
        "nothing": fresh,
        "copies": pd.concat([members, rest], ignore_index=True),
        "careless copies": pd.concat([changed, rest], ignore_index=True),
    }


def parts(whole: Whole, seed: int) -> tuple[Dataset, pd.DataFrame]:
    """Train, holdout and reference, and a fresh part, a quarter each."""
    frame, schema, modality = whole
    quarters = np.array_split(np.random.default_rng(seed).permutation(len(frame)), 4)
    train, holdout, reference, fresh = (frame.iloc[rows].reset_index(drop=True) for rows in quarters)
    named = {"train": train, "holdout": holdout, "reference": reference}
    return Dataset("quarters", schema, named, modality=modality), fresh  # type: ignore[arg-type]


def alarms(published: pd.DataFrame, data: Dataset, seed: int) -> dict[str, bool]:
    """By check, whether a gate warned or failed."""
    subject = Subject(records_target(published, data.modality), data, default_policy(), seed)
    found = {}
    for name in CHECKS:
        check = all_checks()[name]()
        if data.modality in check.modalities:
            finding, gates = check.run(subject)
            if finding.status == "error":
                raise RuntimeError(finding.why)
            found[name] = any(gate.status in ("warn", "fail") for gate in gates)
    return found


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", choices=[[], *DATA], help="which data sets; all by default")
    parser.add_argument("--seeds", type=int, default=5, help="audits of each target")
    arguments = parser.parse_args()
    say(_row("data", "what leaks", *CHECKS, "audits", "seconds each"))
    say("|---" * (len(CHECKS) + 4) + "|")
    for name in arguments.data or DATA:
        whole, start = DATA[name](data_folder(None)), time.perf_counter()
        count: dict[str, dict[str, int]] = {}
        for seed in range(arguments.seeds):
            data, fresh = parts(whole, seed)
            for leak, published in targets(data, fresh, seed).items():
                for check, alarm in alarms(published, data, seed).items():
                    count.setdefault(leak, {}).setdefault(check, 0)
                    count[leak][check] += alarm
        seconds = (time.perf_counter() - start) / (arguments.seeds * len(count))
        for leak, found in count.items():
            cells = [str(found[check]) if check in found else "" for check in CHECKS]
            say(_row(name, leak, *cells, str(arguments.seeds), f"{seconds:.1f}"))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _whole(column: Column, cells: object, labels: dict[str, list[str]]) -> Whole:
    return payload_frame(column, cells, labels), payload_schema(column, labels), column.kind  # type: ignore[arg-type]


def _altered(cell: Any, kind: str, rng: np.random.Generator) -> Any:
    if kind == "image":
        return np.clip(np.asarray(cell) + rng.normal(0, 8, np.shape(cell)), 0, 255).astype(np.uint8)
    if kind == "audio":
        sound = np.asarray(cell)
        return (sound + rng.normal(0, 0.01 * sound.std(), len(sound))).astype(np.float32)
    text = str(cell)
    place = int(rng.integers(len(text)))
    return f"{text[:place]}x{text[place + 1 :]}"


if __name__ == "__main__":
    main()
